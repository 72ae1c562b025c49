"""A small WMI client of the harness's own, so that the driver's client does not check itself."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pypsrp.wsman import SelectorSet

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.session import new_client

__all__ = ["HostClient", "Ref", "Row", "instance_text", "select"]

_WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/"
_N = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_A = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_STARTED, _COMPLETED = 4096, "7"
_BUSY = ("2", "3", "4", "5", "6")
_LOOK_SECONDS = 0.1

Row = dict[str, list[str]]
Ref = tuple[str, Mapping[str, str]]
"""A class and the keys of one of its instances."""


class HostClient:
    """Asks one host, and tells it what to do. One thread uses it at a time."""

    def __init__(self, settings: Settings) -> None:
        self._client = new_client(settings)

    def rows(self, wql: str, namespace: str = "virtualization/v2") -> list[Row]:
        """What a query finds; each property with all of its values as text."""
        body = ET.fromstring(  # noqa: S314 - our own text
            f'<n:Enumerate xmlns:n="{_N}" xmlns:w="{_W}">'
            f'<w:Filter Dialect="{_WQL}">{escape(wql)}</w:Filter></n:Enumerate>'
        )
        uri = f"{_WMI}{namespace}/*"
        answer: Any = self._client.enumerate(uri, body)
        found: list[Row] = []
        context = answer.findtext(f".//{{{_N}}}EnumerationContext")
        while context:
            body = ET.fromstring(  # noqa: S314 - our own text
                f'<n:Pull xmlns:n="{_N}"><n:EnumerationContext>{context}</n:EnumerationContext>'
                "<n:MaxElements>20</n:MaxElements></n:Pull>"
            )
            answer = self._client.pull(uri, body)
            found += [_row(item) for item in answer.iterfind(f".//{{{_N}}}Items/*")]
            context = answer.findtext(f".//{{{_N}}}EnumerationContext")
        return found

    def call(self, target: Ref, method: str, **parameters: str | Ref | Sequence[str]) -> Row:
        """Call a method, and wait for its job; raises RuntimeError if it fails."""
        class_name, keys = target
        uri = f"{_WMI}virtualization/v2/{class_name}"
        body = ET.Element(f"{{{uri}}}{method}_INPUT")
        for name, content in parameters.items():
            _add(body, f"{{{uri}}}{name}", content)
        selectors = SelectorSet()
        for name, text in keys.items():
            selectors.add_option(name, text)
        answer: Any = self._client.invoke(f"{uri}/{method}", uri, body, selector_set=selectors)
        output = answer.find(f".//{{{uri}}}{method}_OUTPUT")
        row = _row(output)
        code = int(row["ReturnValue"][0])
        if code == _STARTED:
            job = output.findtext(f"{{{uri}}}Job//{{{_W}}}Selector")
            self._wait(method, job or "")
        elif code:
            raise RuntimeError(f"{method} returns {code}")
        return row

    def _wait(self, method: str, job: str) -> None:
        while True:
            [row] = self.rows(select("CIM_ConcreteJob", f"InstanceID = '{job}'"))
            if row["JobState"][0] == _COMPLETED:
                return
            if row["JobState"][0] not in _BUSY:
                raise RuntimeError(f"{method}: {row['ErrorDescription']}")
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def select(class_name: str, condition: str) -> str:
    """A query."""
    return f"SELECT * FROM {class_name} WHERE {condition}"  # noqa: S608 - ours alone


def instance_text(class_name: str, **properties: str | list[str]) -> str:
    """The text of an embedded instance, all of whose properties are texts."""
    parts = []
    for name, content in properties.items():
        if isinstance(content, str):
            value, kind = f"<VALUE>{escape(content)}</VALUE>", "PROPERTY"
        else:
            values = "".join(f"<VALUE>{escape(item)}</VALUE>" for item in content)
            value, kind = f"<VALUE.ARRAY>{values}</VALUE.ARRAY>", "PROPERTY.ARRAY"
        parts.append(f'<{kind} NAME={quoteattr(name)} TYPE="string">{value}</{kind}>')
    return f"<INSTANCE CLASSNAME={quoteattr(class_name)}>{''.join(parts)}</INSTANCE>"


def _add(parent: ET.Element, tag: str, content: str | Ref | Sequence[str]) -> None:
    if isinstance(content, str):
        ET.SubElement(parent, tag).text = content
    elif isinstance(content, tuple):
        class_name, keys = content
        element = ET.SubElement(parent, tag)
        ET.SubElement(element, f"{{{_A}}}Address").text = f"{_A}/role/anonymous"
        inside = ET.SubElement(element, f"{{{_A}}}ReferenceParameters")
        uri = ET.SubElement(inside, f"{{{_W}}}ResourceURI")
        uri.text = f"{_WMI}virtualization/v2/{class_name}"
        selectors = ET.SubElement(inside, f"{{{_W}}}SelectorSet")
        for name, text in keys.items():
            ET.SubElement(selectors, f"{{{_W}}}Selector", Name=name).text = text
    else:
        for item in content:
            ET.SubElement(parent, tag).text = item


def _row(item: ET.Element) -> Row:
    found: Row = {}
    for child in item:
        name = child.tag.rpartition("}")[2]
        text = child.text if not len(child) else (child[0].text or "")
        if text is not None:
            found.setdefault(name, []).append(text)
    return found
