"""CIM values as they travel over WS-Management: references, instances and embedded instances.

Pure functions; the formats are those of MS-WSMV (items, endpoint references) and of the CIM DTD 2.0
(embedded instances).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "CIMV2",
    "HGS",
    "STORAGE",
    "VIRTUALIZATION",
    "WMI",
    "Embedded",
    "Instance",
    "Number",
    "Reference",
    "class_uri",
    "embedded",
    "equals",
    "object_path",
    "parameters",
    "read_embedded",
    "read_instance",
    "read_reference",
    "select",
    "wql_text",
]

VIRTUALIZATION = "root/virtualization/v2"
CIMV2 = "root/cimv2"
HGS = "root/microsoft/windows/hgs"
STORAGE = "root/microsoft/windows/storage"
WMI = "root/wmi"

_RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WSA = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
_WSMAN = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_DATETIMES = ("Datetime", "Interval", "Date", "Time")
_WMI_URI = re.compile(re.escape(_RESOURCE) + r"(?P<namespace>.+)/(?P<name>[^/]+)")


class Number(NamedTuple):
    """An integer of a CIM type, for instance ``uint16``."""

    value: int
    cim_type: str


Embedded = str | bool | Number | Sequence[str] | Sequence[Number]
"""What a property of an embedded instance may hold."""


@dataclass(frozen=True)
class Reference:
    """Names one instance: what WS-Management calls an endpoint reference."""

    class_name: str
    selectors: tuple[tuple[str, str], ...]
    namespace: str = VIRTUALIZATION

    @property
    def uri(self) -> str:
        """The resource URI of its class."""
        return class_uri(self.class_name, self.namespace)

    def key(self, name: str) -> str:
        """One key property; empty if it has no such."""
        return next((text for key, text in self.selectors if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Instance:
    """The properties of one instance, or the output of a method. Null is absent."""

    class_name: str
    content: Mapping[str, tuple[str | Reference | Instance, ...]] = field(default_factory=dict)
    uri: str = ""
    """The namespace of its elements."""

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a property, as text."""
        return tuple(item for item in self.content.get(name, ()) if isinstance(item, str))

    def text(self, name: str) -> str:
        """The value as text; empty when it is null."""
        return next(iter(self.texts(name)), "")

    def number(self, name: str) -> int | None:
        """The value as an integer; None when it is null."""
        text = self.text(name)
        return int(text) if text else None

    def references(self, name: str) -> tuple[Reference, ...]:
        """All values that are references."""
        return tuple(item for item in self.content.get(name, ()) if isinstance(item, Reference))

    def instances(self, name: str) -> tuple[Instance, ...]:
        """All values that are instances, written as elements or as text."""
        return tuple(
            read_embedded(item) if isinstance(item, str) else item
            for item in self.content.get(name, ())
            if isinstance(item, str | Instance)
        )


def class_uri(class_name: str, namespace: str = VIRTUALIZATION) -> str:
    """The resource URI of a class; ``*`` for queries."""
    return f"{_RESOURCE}{namespace}/{class_name}"


def object_path(host: str, reference: Reference) -> str:
    r"""The WMI path that names an instance inside embedded instances, ``\\HOST\NAMESPACE:…``."""
    keys = ",".join(
        '{}="{}"'.format(name, text.replace("\\", "\\\\").replace('"', '\\"'))
        for name, text in reference.selectors
    )
    namespace = reference.namespace.replace("/", "\\")
    return f"\\\\{host}\\{namespace}:{reference.class_name}.{keys}"


def select(class_name: str, condition: str = "") -> str:
    """A query for the instances of a class; texts in the condition are made by `wql_text`."""
    query = f"SELECT * FROM {class_name}"  # noqa: S608
    return f"{query} WHERE {condition}" if condition else query


def equals(name: str, text: str) -> str:
    """A term of a query's condition."""
    return f"{name} = {wql_text(text)}"


def wql_text(text: str) -> str:
    """A string literal of WQL."""
    return "'{}'".format(text.replace("\\", "\\\\").replace("'", "\\'"))


def read_instance(element: ET.Element) -> Instance:
    """Read an item of an enumeration, or the output of a method."""
    content: dict[str, tuple[str | Reference | Instance, ...]] = {}
    for child in element:
        found = _content(child)
        if found is not None:
            name = _local_name(child)
            content[name] = (*content.get(name, ()), found)
    return Instance(_local_name(element), content, element.tag[1:].partition("}")[0])


def _content(element: ET.Element) -> str | Reference | Instance | None:
    if element.find(f"{_WSA}ReferenceParameters") is not None:
        return read_reference(element)
    children = list(element)
    if not children:
        return element.text
    if len(children) == 1 and _local_name(children[0]) in _DATETIMES:
        return children[0].text
    return read_instance(element)


def read_reference(element: ET.Element) -> Reference:
    """Read an endpoint reference."""
    uri = element.findtext(f"{_WSA}ReferenceParameters/{_WSMAN}ResourceURI", "")
    match = _WMI_URI.fullmatch(uri.strip())
    selectors = element.iterfind(f"{_WSA}ReferenceParameters/{_WSMAN}SelectorSet/{_WSMAN}Selector")
    return Reference(
        class_name=match["name"] if match else uri,
        selectors=tuple((item.get("Name", ""), item.text or "") for item in selectors),
        namespace=match["namespace"] if match else "",
    )


def parameters(root: ET.Element, namespace: str, named: Sequence[tuple[str, object]]) -> ET.Element:
    """Add a method's parameters to its input element; an array is its name repeated."""
    for name, content in named:
        child = ET.SubElement(root, f"{{{namespace}}}{name}")
        if isinstance(content, Reference):
            _write_reference(child, content)
        elif isinstance(content, Instance):
            _write_instance(child, content)
        else:
            child.text = str(content)
    return root


def _write_reference(parent: ET.Element, reference: Reference) -> None:
    ET.SubElement(parent, f"{_WSA}Address").text = _ANONYMOUS
    inside = ET.SubElement(parent, f"{_WSA}ReferenceParameters")
    ET.SubElement(inside, f"{_WSMAN}ResourceURI").text = reference.uri
    selectors = ET.SubElement(inside, f"{_WSMAN}SelectorSet")
    for name, text in reference.selectors:
        ET.SubElement(selectors, f"{_WSMAN}Selector", Name=name).text = text


def _write_instance(parent: ET.Element, instance: Instance) -> None:
    """Write an instance as it came; what is in it that is no text is left out."""
    for name in instance.content:
        for text in instance.texts(name):
            ET.SubElement(parent, f"{{{instance.uri}}}{name}").text = text


def embedded(class_name: str, properties: Mapping[str, Embedded]) -> str:
    """Write an embedded instance; what it leaves out is left to the host."""
    root = ET.Element("INSTANCE", CLASSNAME=class_name)
    for name, content in properties.items():
        if isinstance(content, str | bool | Number):
            child = ET.SubElement(root, "PROPERTY", NAME=name, TYPE=_cim_type(content))
            ET.SubElement(child, "VALUE").text = _written(content)
        elif content:
            child = ET.SubElement(root, "PROPERTY.ARRAY", NAME=name, TYPE=_cim_type(content[0]))
            array = ET.SubElement(child, "VALUE.ARRAY")
            for item in content:
                ET.SubElement(array, "VALUE").text = _written(item)
    return ET.tostring(root, encoding="unicode")


def _cim_type(content: str | bool | Number) -> str:
    if isinstance(content, Number):
        return content.cim_type
    return "boolean" if isinstance(content, bool) else "string"


def _written(content: str | bool | Number) -> str:
    if isinstance(content, Number):
        return str(content.value)
    return str(content).upper() if isinstance(content, bool) else content


def read_embedded(text: str) -> Instance:
    """Read the text of an embedded instance."""
    # The host wrote it; expat refuses amplification and ElementTree reads no external entity.
    root = ET.fromstring(text)  # noqa: S314
    content: dict[str, tuple[str | Reference | Instance, ...]] = {}
    for child in root:
        values = tuple(item.text or "" for item in child.iter("VALUE"))
        if values:
            content[child.get("NAME", "")] = values
    return Instance(root.get("CLASSNAME", ""), content)


def _local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
