"""XML-RPC as xapi speaks it: strings and integers without a tag of their own, ``''`` for nothing,
and no white space between tags.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import Double, Integer, Moment

__all__ = ["failure", "fragment", "read_call", "success"]


def read_call(body: bytes) -> tuple[str, list[Any]]:
    """Method name and parameters of a ``methodCall``; raises XMLRPC_UNMARSHAL_FAILURE."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, huge_tree=True
    )
    try:
        call = etree.fromstring(body, parser)
        if call.tag != "methodCall":
            raise XapiError("XMLRPC_UNMARSHAL_FAILURE", "methodCall", str(call.tag))
        name = call.findtext("methodName", "").strip()
        return name, [_read(value) for value in call.iterfind("params/param/value")]
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XapiError("XMLRPC_UNMARSHAL_FAILURE", "methodCall", str(error)) from error


def _read(value: Any) -> Any:
    if len(value) == 0:
        return value.text or ""
    node = value[0]
    text = node.text or ""
    match node.tag:
        case "string":
            return text
        case "boolean":
            return {"0": False, "1": True}[text]
        case "int" | "i4" | "i8":
            return Integer(text)
        case "double":
            return Double(text)
        case "dateTime.iso8601":
            return Moment(text)
        case "array":
            return [_read(item) for item in node.iterfind("data/value")]
        case "struct":
            return {
                member.findtext("name", ""): _read(member.find("value"))
                for member in node.iterfind("member")
            }
    raise XapiError("XMLRPC_UNMARSHAL_FAILURE", "value", str(node.tag))


def success(content: Any) -> bytes:
    """The answer that holds a stored value."""
    return _response({"Status": _value("Success"), "Value": _value(content)})


def failure(description: list[str]) -> bytes:
    """The answer that refuses."""
    return _response({"Status": _value("Failure"), "ErrorDescription": _value(description)})


def fragment(content: Any) -> str:
    """The ``<value>`` alone, as a task's result has it."""
    return etree.tostring(_value(content), encoding="unicode")


def _response(members: dict[str, Any]) -> bytes:
    response = etree.Element("methodResponse")
    parameter = etree.SubElement(etree.SubElement(response, "params"), "param")
    _struct(etree.SubElement(parameter, "value"), members)
    return b'<?xml version="1.0"?>' + etree.tostring(response, encoding="UTF-8")


def _struct(value: Any, members: dict[str, Any]) -> None:
    struct = etree.SubElement(value, "struct")
    for name, content in members.items():
        member = etree.SubElement(struct, "member")
        etree.SubElement(member, "name").text = name
        member.append(content)


def _value(content: Any) -> Any:
    value = etree.Element("value")
    if isinstance(content, dict):
        _struct(value, {str(key): _value(item) for key, item in content.items()})
    elif isinstance(content, list | tuple):
        data = etree.SubElement(etree.SubElement(value, "array"), "data")
        data.extend(_value(item) for item in content)
    elif isinstance(content, bool):
        etree.SubElement(value, "boolean").text = str(int(content))
    elif isinstance(content, Integer):
        etree.SubElement(value, "i4").text = str(content)
    elif isinstance(content, float):
        etree.SubElement(value, "double").text = repr(content)
    elif isinstance(content, Moment):
        etree.SubElement(value, "dateTime.iso8601").text = content
    else:
        value.text = str(content)
    return value
