"""SOAP envelopes of WS-Management, as Windows reads and writes them.

https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from lxml import etree

from nova_virt_hyperv.testing.simulator.model import Ref, Row, WsFault

__all__ = [
    "IDENTIFY",
    "NS",
    "Request",
    "class_of",
    "envelope",
    "epr",
    "fault",
    "identity",
    "instance",
    "parse",
    "write_value",
]

NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "v": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "i": "http://www.w3.org/2001/XMLSchema-instance",
    "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",
    "e": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError",
    "id": "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
}
IDENTIFY = f"{NS['id']}/Identify"
"""Stands for the action of that request, which has no headers."""
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
ANONYMOUS = f"{NS['a']}/role/anonymous"
_UNDERSTOOD = {
    f"{{{NS[prefix]}}}{name}"
    for prefix, names in {
        "a": ("To", "Action", "MessageID", "ReplyTo", "From"),
        "w": (
            "ResourceURI",
            "SelectorSet",
            "OptionSet",
            "MaxEnvelopeSize",
            "OperationTimeout",
            "Locale",
        ),
        "v": ("DataLocale", "SessionId", "OperationID", "SequenceId"),
    }.items()
    for name in names
}


@dataclass(frozen=True)
class Request:
    """A request whose headers are right."""

    action: str
    message_id: str
    uri: str
    selectors: tuple[tuple[str, str], ...]
    max_bytes: int
    body: Any
    """The element inside the SOAP body; None if that is empty."""


def parse(content: bytes) -> Request:
    """Read an envelope; WsFault if it is none, or its headers are incomplete."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise WsFault("w:SchemaValidationError", 2150858817, f"no XML: {error}") from error
    about: Any = root.getroottree().docinfo
    if about.doctype or root.tag != f"{{{NS['s']}}}Envelope":
        raise WsFault("w:SchemaValidationError", 2150858817, "no SOAP 1.2 envelope")
    if root.find("s:Body/id:Identify", NS) is not None:
        return Request(IDENTIFY, message_id="", uri="", selectors=(), max_bytes=0, body=None)
    for header in root.iterfind("s:Header/*", NS):
        must = header.get(f"{{{NS['s']}}}mustUnderstand", "").lower() in ("1", "true")
        if must and header.tag not in _UNDERSTOOD:
            raise WsFault("s:MustUnderstand", 2150858795, f"{header.tag} is not understood")
    size = _header(root, "w:MaxEnvelopeSize", optional=True)
    reply_to = _header(root, "a:ReplyTo/a:Address")
    if reply_to != ANONYMOUS:
        raise WsFault("a:InvalidMessageInformationHeader", 2150858764, f"ReplyTo {reply_to}")
    _header(root, "a:To")
    body = root.find("s:Body", NS)
    if body is None or len(body) > 1:
        raise WsFault("w:SchemaValidationError", 2150858817, "the body is not one element")
    return Request(
        action=_header(root, "a:Action"),
        message_id=_header(root, "a:MessageID"),
        uri=_header(root, "w:ResourceURI"),
        selectors=tuple(
            (item.get("Name", ""), item.text or "")
            for item in root.iterfind("s:Header/w:SelectorSet/w:Selector", NS)
        ),
        max_bytes=int(size) if size.isdigit() else 0,
        body=body[0] if len(body) else None,
    )


def class_of(uri: str) -> tuple[str, str]:
    """Namespace and class of a resource URI; WsFault if it is none of WMI's."""
    namespace, _, name = uri.removeprefix(WMI).rpartition("/")
    if not uri.startswith(WMI) or not namespace:
        raise WsFault("a:DestinationUnreachable", 2150858811, f"no resource {uri}")
    return namespace.lower(), name


def envelope(action: str, relates_to: str, *content: Any) -> bytes:
    """A response."""
    root = etree.Element(_tag("s", "Envelope"), nsmap=NS)
    header = etree.SubElement(root, _tag("s", "Header"))
    for prefix, name, text in (
        ("a", "Action", action),
        ("a", "MessageID", f"uuid:{str(uuid4()).upper()}"),
        ("a", "To", ANONYMOUS),
        ("a", "RelatesTo", relates_to),
    ):
        etree.SubElement(header, _tag(prefix, name)).text = text
    body = etree.SubElement(root, _tag("s", "Body"))
    for item in content:
        body.append(item)
    return etree.tostring(root, encoding="utf-8")


def identity(version: str) -> bytes:
    """What the service tells of itself to everybody that may ask (DSP0226, 11)."""
    root = etree.Element(_tag("s", "Envelope"), nsmap=NS)
    etree.SubElement(root, _tag("s", "Header"))
    found = etree.SubElement(
        etree.SubElement(root, _tag("s", "Body")), _tag("id", "IdentifyResponse")
    )
    for name, text in (
        ("ProtocolVersion", NS["w"]),
        ("ProductVendor", "Microsoft Corporation"),
        ("ProductVersion", f"OS: {version} SP: 0.0 Stack: 3.0"),
    ):
        etree.SubElement(found, _tag("id", name)).text = text
    return etree.tostring(root, encoding="utf-8")


def fault(error: WsFault, relates_to: str, machine: str) -> bytes:
    """A fault, its detail in WMI's form or in WinRM's."""
    root = etree.Element(_tag("s", "Fault"), nsmap=NS)
    code = etree.SubElement(root, _tag("s", "Code"))
    sender = not error.subcode.endswith("InternalError")
    etree.SubElement(code, _tag("s", "Value")).text = "s:Sender" if sender else "s:Receiver"
    subcode = etree.SubElement(code, _tag("s", "Subcode"))
    etree.SubElement(subcode, _tag("s", "Value")).text = error.subcode
    reason = etree.SubElement(root, _tag("s", "Reason"))
    text = etree.SubElement(reason, _tag("s", "Text"))
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    text.text = error.text
    detail = etree.SubElement(root, _tag("s", "Detail"))
    (_wmi_detail if error.is_wmi else _winrm_detail)(detail, error, machine)
    return envelope(f"{NS['w'].rpartition('.')[0]}/fault", relates_to, root)


def _wmi_detail(detail: Any, error: WsFault, machine: str) -> None:
    found = etree.SubElement(detail, _tag("e", "MSFT_WmiError"))
    for name, text in (
        ("CIMStatusCode", "6"),
        ("Message", error.text),
        ("MessageID", f"HRESULT 0x{error.code:08x}"),
        ("error_Category", "6"),
        ("error_Code", str(error.code)),
        ("error_Type", "HRESULT"),
        ("error_WindowsErrorMessage", error.text),
    ):
        etree.SubElement(found, _tag("e", name)).text = text


def _winrm_detail(detail: Any, error: WsFault, machine: str) -> None:
    found = etree.SubElement(detail, _tag("f", "WSManFault"), Code=str(error.code), Machine=machine)
    message = etree.SubElement(found, _tag("f", "Message"))
    provider = etree.SubElement(
        message,
        _tag("f", "ProviderFault"),
        provider="WMI Provider",
        path="%systemroot%\\system32\\WsmWmiPl.dll",
    )
    inner = etree.SubElement(
        provider, _tag("f", "WSManFault"), Code=str(error.code), Machine=machine
    )
    etree.SubElement(inner, _tag("f", "Message")).text = error.text


def instance(row: Row, name: str = "") -> Any:
    """A row as an item: every scalar is there or nil, an empty array is left out."""
    uri = f"{WMI}{row.cls.namespace}/{row.cls.name}"
    root = etree.Element(f"{{{uri}}}{name or row.cls.name}", nsmap={"p": uri, **NS})
    root.set(_tag("i", "type"), f"p:{row.cls.name}_Type")
    for field in row.cls.properties.values():
        value = row[field.name]
        if field.is_array:
            for item in value or ():
                write_value(etree.SubElement(root, f"{{{uri}}}{field.name}"), item)
        elif value is None:
            etree.SubElement(root, f"{{{uri}}}{field.name}").set(_tag("i", "nil"), "true")
        else:
            write_value(etree.SubElement(root, f"{{{uri}}}{field.name}"), value)
    return root


def write_value(element: Any, value: Any) -> None:
    """Write a value into an element."""
    if isinstance(value, Ref):
        _fill_epr(element, value)
    elif isinstance(value, Row):
        for child in instance(value):
            element.append(child)
    elif isinstance(value, datetime):
        text = value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        etree.SubElement(element, _tag("cim", "Datetime")).text = text
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def epr(ref: Ref) -> Any:
    """An endpoint reference as an item."""
    root = etree.Element(_tag("a", "EndpointReference"), nsmap=NS)
    _fill_epr(root, ref)
    return root


def _fill_epr(element: Any, ref: Ref) -> None:
    etree.SubElement(element, _tag("a", "Address")).text = ANONYMOUS
    inside = etree.SubElement(element, _tag("a", "ReferenceParameters"))
    uri = etree.SubElement(inside, _tag("w", "ResourceURI"))
    uri.text = f"{WMI}{ref.namespace}/{ref.class_name}"
    selectors = etree.SubElement(inside, _tag("w", "SelectorSet"))
    for name, text in ref.keys:
        etree.SubElement(selectors, _tag("w", "Selector"), Name=name).text = text


def _header(root: Any, path: str, *, optional: bool = False) -> str:
    found = (root.findtext(f"s:Header/{path}", "", NS) or "").strip()
    if not found and not optional:
        raise WsFault("w:SchemaValidationError", 2150858817, f"header {path} is missing")
    return found


def _tag(prefix: str, name: str) -> str:
    return f"{{{NS[prefix]}}}{name}"
