"""Embedded instances, the CIM DTD 2.0 text in a method's parameters: read strictly, and written.

https://www.dmtf.org/standards/published_documents (DSP0203)
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from nova_virt_hyperv.testing.simulator.model import Refused, Row
from nova_virt_hyperv.testing.simulator.schema import CimClass, Field, Schema, fits_type

__all__ = ["convert", "read", "write"]

_INVALID_PARAMETER = 32773
_INCORRECT_TYPE = 32776


def read(text: str, schema: Schema, namespace: str, *superclasses: str) -> Row:
    """Read an instance of a class, or of one below it; Refused if it does not fit the schema.

    What the text leaves out is absent from the row's values.
    """
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(text.strip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Refused(_INVALID_PARAMETER, f"no XML: {error}") from error
    cls = schema.find(namespace, root.get("CLASSNAME", ""))
    if root.tag != "INSTANCE" or cls is None:
        raise Refused(_INVALID_PARAMETER, f"no instance of a known class: {text[:80]}")
    if superclasses and not {cls.name, cls.superclass} & set(superclasses):
        raise Refused(_INCORRECT_TYPE, f"{cls.name} is none of {superclasses}")
    row = Row(cls)
    for child in root:
        field = cls.properties.get(child.get("NAME", ""))
        if field is None:
            raise Refused(_INVALID_PARAMETER, f"{cls.name} has no {child.get('NAME')}")
        row.values[field.name] = _read_property(child, field, cls)
    return row


def _read_property(element: Any, field: Field, cls: CimClass) -> Any:
    place = f"{cls.name}.{field.name}"
    if element.get("TYPE") != field.cim_type:
        raise Refused(_INCORRECT_TYPE, f"{place} is {field.cim_type}, not {element.get('TYPE')}")
    if element.tag != ("PROPERTY.ARRAY" if field.is_array else "PROPERTY"):
        raise Refused(_INCORRECT_TYPE, f"{place} is written as {element.tag}")
    path = "VALUE.ARRAY/VALUE" if field.is_array else "VALUE"
    texts = [found.text or "" for found in element.iterfind(path)]
    if field.is_array:
        return [convert(text, field, place) for text in texts]
    return convert(texts[0], field, place) if texts else None


def convert(text: str, field: Field, place: str) -> Any:
    """A text as a value of the field's type; Refused if it is none."""
    if not fits_type(text, field.cim_type):
        raise Refused(_INCORRECT_TYPE, f"{place}: {text!r} is no {field.cim_type}")
    if field.cim_type == "boolean":
        return text.lower() == "true"
    return int(text) if "int" in field.cim_type else text


def write(row: Row) -> str:
    """The text of a row."""
    root = etree.Element("INSTANCE", CLASSNAME=row.cls.name)
    for field in row.cls.properties.values():
        value = row[field.name]
        if value is None:
            continue
        kind, items = ("PROPERTY.ARRAY", value) if field.is_array else ("PROPERTY", [value])
        child = etree.SubElement(root, kind, NAME=field.name, TYPE=field.cim_type)
        parent = etree.SubElement(child, "VALUE.ARRAY") if field.is_array else child
        for item in items:
            written = str(item).upper() if isinstance(item, bool) else str(item)
            etree.SubElement(parent, "VALUE").text = written
    return etree.tostring(root, encoding="unicode")
