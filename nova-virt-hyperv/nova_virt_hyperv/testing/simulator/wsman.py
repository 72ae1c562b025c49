"""The operations of WS-Management over the simulated host: Identify, Get, Put, Enumerate, Pull,
Release and the invocation of methods.

https://learn.microsoft.com/openspecs/windows_protocols/ms-wsmv
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from lxml import etree

from nova_virt_hyperv.testing.simulator import soap, wql
from nova_virt_hyperv.testing.simulator.embedded import convert
from nova_virt_hyperv.testing.simulator.host import (
    VERSION,
    Host,
    NetworkPathNotFound,
    network_path_text,
)
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Ref, Refused, Row, WsFault
from nova_virt_hyperv.testing.simulator.schema import CimClass, Field, Method
from nova_virt_hyperv.testing.simulator.soap import NS, Request, class_of, envelope

__all__ = ["Service"]

_TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
_GET, _PUT = f"{_TRANSFER}/Get", f"{_TRANSFER}/Put"
_ENUMERATION = NS["n"]
_WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_SERVICE_BYTES = 500 * 1024
_WMI_QUERY_ERROR, _WMI_BAD_NAMESPACE = 0x80041017, 0x8004100E
_WMI_PROVIDER_NOT_CAPABLE = 0x80041024


@dataclass
class _Enumeration:
    items: list[Any]
    namespace: str


class Service:
    """Answers requests, one at a time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._open: dict[str, _Enumeration] = {}

    @property
    def host_name(self) -> str:
        """The host's name."""
        return self._host.configuration.name

    def output(self, request: Request, outcome: Outcome) -> bytes:
        """The response to a method that returns this, whatever it is."""
        name = self.operation(request)
        content = self._output(request.uri, name, outcome)
        return envelope(f"{request.action}Response", request.message_id, content)

    def failed_job(self, request: Request, text: str, code: int) -> bytes:
        """The response to a method that starts a job, which ends in an error."""
        with self._host.lock:
            outcome = self._host.run("Failing", partial(_raise, JobFailed(text, code)))
        return self.output(request, outcome)

    def is_working(self) -> bool:
        """Whether jobs are under way."""
        with self._host.lock:
            return self._host.running_jobs() > 0

    def operation(self, request: Request) -> str:
        """The name by which a fault can be planned: a method's, or that of an action."""
        return request.action.rpartition("/")[2]

    def answer(self, request: Request) -> bytes:
        """Do what a request asks for; WsFault if it cannot be done."""
        if request.action == soap.IDENTIFY:
            return soap.identity(VERSION)
        with self._host.lock:
            handlers = {
                _GET: self._get,
                _PUT: self._put,
                f"{_ENUMERATION}/Enumerate": self._enumerate,
                f"{_ENUMERATION}/Pull": self._pull,
                f"{_ENUMERATION}/Release": self._release,
            }
            namespace, class_name = class_of(request.uri)
            if namespace not in self._host.schema.namespaces:
                raise WsFault(
                    "a:DestinationUnreachable",
                    _WMI_BAD_NAMESPACE,
                    f"CIM namespace {namespace} is invalid",
                    is_wmi=True,
                )
            handler = handlers.get(request.action)
            if handler is not None:
                content = handler(request, namespace, class_name)
            elif request.action.startswith(f"{request.uri}/"):
                content = self._invoke(request, namespace, class_name)
            else:
                raise WsFault("a:ActionNotSupported", 2150858753, f"no action {request.action}")
        response = envelope(f"{request.action}Response", request.message_id, *content)
        if len(response) > min(_SERVICE_BYTES, request.max_bytes or _SERVICE_BYTES):
            raise WsFault("w:EncodingLimit", 2150858790, "the response exceeds MaxEnvelopeSize")
        return response

    def _target(self, request: Request, namespace: str, class_name: str) -> Row:
        if not request.selectors:
            raise WsFault(
                "w:InvalidSelectors", 2150859002, f"{class_name} is no singleton", is_wmi=True
            )
        cls = self._host.schema.find(namespace, class_name)
        unknown = {name.lower() for name, _ in request.selectors} - {
            key.lower() for key in (cls.keys if cls else ())
        }
        if cls is not None and unknown:
            raise WsFault("w:InvalidSelectors", 2150858813, f"no keys {sorted(unknown)}")
        return self._host.find(Ref(namespace, class_name, request.selectors))

    def _get(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        return [soap.instance(self._target(request, namespace, class_name))]

    def _put(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        target = self._target(request, namespace, class_name)
        if request.body is None or request.body.tag != f"{{{request.uri}}}{target.cls.name}":
            raise WsFault("w:SchemaValidationError", 2150858817, f"no {target.cls.name}")
        writer = self._host.writers.get(target.cls.name)
        if writer is None:
            # Hyper-V's classes, and most of Windows', change by their methods alone.
            text = "Provider is not capable of the attempted operation"
            raise WsFault("w:InternalError", _WMI_PROVIDER_NOT_CAPABLE, text, is_wmi=True)
        writer(target, _read_row(request.body, target.cls))
        return self._get(request, namespace, class_name)

    def _enumerate(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        body = request.body
        if body is None or body.tag != f"{{{_ENUMERATION}}}Enumerate":
            raise WsFault("w:SchemaValidationError", 2150858817, "no Enumerate")
        found = list(self._rows(body, namespace, class_name))
        by_reference = body.findtext("w:EnumerationMode", "", NS).strip() == "EnumerateEPR"
        items = [soap.epr(row.ref) if by_reference else soap.instance(row) for row in found]
        opened = _Enumeration(items, namespace)
        root = etree.Element(f"{{{_ENUMERATION}}}EnumerateResponse", nsmap=NS)
        # Optimized, the first page comes at once, in the namespace of WS-Management.
        optimized = body.find("w:OptimizeEnumeration", NS) is not None
        count = int(body.findtext("w:MaxElements", "1", NS)) if optimized else 0
        page = self._page(opened, count, request) if optimized else []
        context = self._keep(opened) if opened.items or not optimized else ""
        etree.SubElement(root, f"{{{_ENUMERATION}}}EnumerationContext").text = context
        if optimized:
            etree.SubElement(root, f"{{{NS['w']}}}Items").extend(page)
            if not opened.items:
                etree.SubElement(root, f"{{{NS['w']}}}EndOfSequence")
        return [root]

    def _pull(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        body = request.body
        context = "" if body is None else body.findtext("n:EnumerationContext", "", NS).strip()
        opened = self._open.pop(context, None)
        if opened is None or opened.namespace != namespace:
            raise WsFault("n:InvalidEnumerationContext", 2150858779, f"no context {context}")
        count = int(body.findtext("n:MaxElements", "1", NS))
        root = etree.Element(f"{{{_ENUMERATION}}}PullResponse", nsmap=NS)
        items = self._page(opened, count, request)
        if opened.items:
            kept = etree.SubElement(root, f"{{{_ENUMERATION}}}EnumerationContext")
            kept.text = self._keep(opened)
        etree.SubElement(root, f"{{{_ENUMERATION}}}Items").extend(items)
        if not opened.items:
            etree.SubElement(root, f"{{{_ENUMERATION}}}EndOfSequence")
        return [root]

    def _release(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        body = request.body
        context = "" if body is None else body.findtext("n:EnumerationContext", "", NS).strip()
        if self._open.pop(context, None) is None:
            raise WsFault("n:InvalidEnumerationContext", 2150858779, f"no context {context}")
        return []

    def _keep(self, opened: _Enumeration) -> str:
        context = f"uuid:{str(uuid4()).upper()}"
        self._open[context] = opened
        return context

    def _page(self, opened: _Enumeration, count: int, request: Request) -> list[Any]:
        """The next items, as many as are asked for and fit into an envelope."""
        room = min(_SERVICE_BYTES, request.max_bytes or _SERVICE_BYTES) - 4096
        page: list[Any] = []
        while opened.items and len(page) < max(1, count):
            room -= len(etree.tostring(opened.items[0]))
            if page and room < 0:
                break
            page.append(opened.items.pop(0))
        return page

    def _rows(self, body: Any, namespace: str, class_name: str) -> Iterable[Row]:
        filters = body.findall("w:Filter", NS)
        if not filters:
            if class_name == "*":
                raise WsFault("n:FilteringNotSupported", 2150858776, "a query is needed on *")
            return self._host.rows(namespace, class_name)
        if filters[0].get("Dialect") != _WQL:
            raise WsFault(
                "n:FilterDialectRequestedUnavailable", 2150858777, "only WQL is simulated"
            )
        if class_name != "*":
            raise WsFault("n:CannotProcessFilter", 2150859003, "a query belongs to a URI with *")
        try:
            query = wql.parse((filters[0].text or "").strip(), self._host.configuration.name)
        except wql.BadQuery as error:
            raise WsFault(
                "n:CannotProcessFilter", _WMI_QUERY_ERROR, str(error)[:300], is_wmi=True
            ) from error
        return self._select(query, namespace)

    def _select(self, query: wql.Select | wql.Related, namespace: str) -> Iterable[Row]:
        if isinstance(query, wql.Related):
            return self._related(query, namespace)
        rows = [r for r in self._host.rows(namespace, query.class_name) if query.matches(r.values)]
        if not query.fields:
            return rows
        known = self._host.schema.below(namespace, query.class_name)[0].properties
        unknown = {name.lower() for name in query.fields} - {name.lower() for name in known}
        if unknown:
            raise WsFault("n:CannotProcessFilter", _WMI_QUERY_ERROR, f"no {unknown}", is_wmi=True)
        wanted = {name.lower() for name in query.fields}
        return [
            Row(row.cls, {k: v for k, v in row.values.items() if k.lower() in wanted})
            for row in rows
        ]

    def _related(self, query: wql.Related, namespace: str) -> Iterable[Row]:
        start = self._host.find(Ref(namespace, query.path.class_name, query.path.keys))
        itself = query.result if query.associations_themselves else ""
        joints = query.association or itself or "Msvm_LogicalIdentity"
        for joint in self._host.rows(namespace, joints):
            ends = [value for value in joint.values.values() if isinstance(value, Ref)]
            if start.ref not in ends:
                continue
            if query.associations_themselves:
                yield joint
                continue
            for end in ends:
                if end != start.ref and query.result.lower() in ("", end.class_name.lower()):
                    yield self._host.find(end)

    def _invoke(self, request: Request, namespace: str, class_name: str) -> list[Any]:
        name = self.operation(request)
        cls = self._host.schema.find(namespace, class_name)
        method = cls.methods.get(name) if cls else None
        if cls is not None and method is not None and method.is_static:
            target = Row(cls)
        else:
            target = self._target(request, namespace, class_name)
            method = target.cls.methods.get(name)
        handler = self._host.handlers.get((target.cls.name, name))
        if method is None or handler is None:
            raise WsFault("a:ActionNotSupported", 2150858753, f"{class_name} has no {name}")
        if request.body is None or request.body.tag != f"{{{request.uri}}}{name}_INPUT":
            raise WsFault("w:SchemaValidationError", 2150858817, f"no {name}_INPUT")
        try:
            outcome = handler(self._host, target, self._given(request, method))
        except Refused as error:
            outcome = Outcome(error.code)
        except NetworkPathNotFound as error:
            outcome = self._host.run(name, partial(_raise, JobFailed(network_path_text(error))))
        return [self._output(request.uri, name, outcome)]

    def _given(self, request: Request, method: Method) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for element in request.body:
            uri, _, name = element.tag[1:].partition("}")
            field = method.parameters.get(name)
            if uri != request.uri or field is None or not field.is_input:
                raise WsFault("w:InvalidParameter", 87, f"{method.name} has no parameter {name}")
            if name in given and not field.is_array:
                raise WsFault("w:InvalidParameter", 87, f"{name} is given twice")
            value = self._read_parameter(element, field)
            if field.is_array:
                given.setdefault(name, []).append(value)
            else:
                given[name] = value
        return given

    def _read_parameter(self, element: Any, field: Field) -> Any:
        cls = self._host.schema.anywhere(field.cim_type)
        if cls is None or field.cim_type == "REF":
            return _read_value(element, field)
        return _read_row(element, cls)

    def _output(self, uri: str, name: str, outcome: Outcome) -> Any:
        root = etree.Element(f"{{{uri}}}{name}_OUTPUT", nsmap={"p": uri, **NS})
        for key, value in outcome.outputs.items():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Row):
                    child = soap.instance(item, key)
                    child.tag = f"{{{uri}}}{key}"
                    root.append(child)
                else:
                    soap.write_value(etree.SubElement(root, f"{{{uri}}}{key}"), item)
        etree.SubElement(root, f"{{{uri}}}ReturnValue").text = str(outcome.code)
        return root


def _raise(error: Exception) -> None:
    raise error


def _read_row(element: Any, cls: CimClass) -> Row:
    """The properties of an instance that a client sends; one that is nil is none."""
    row = Row(cls)
    for child in element:
        uri, _, name = child.tag[1:].partition("}")
        field = cls.properties.get(name)
        if field is None or not uri.endswith(f"/{cls.name}"):
            raise WsFault("w:InvalidParameter", 87, f"{cls.name} has no {name}")
        if child.get(f"{{{NS['i']}}}nil") == "true":
            continue
        value = _read_value(child, field)
        row.values[name] = [*(row[name] or ()), value] if field.is_array else value
    return row


def _read_value(element: Any, field: Field) -> Any:
    if field.cim_type == "REF":
        uri = element.findtext("a:ReferenceParameters/w:ResourceURI", "", NS)
        if not uri:
            raise WsFault("w:InvalidParameter", 87, f"{field.name} is no reference")
        namespace, class_name = class_of(uri.strip())
        path = "a:ReferenceParameters/w:SelectorSet/w:Selector"
        keys = tuple((s.get("Name", ""), s.text or "") for s in element.iterfind(path, NS))
        return Ref(namespace, class_name, keys)
    try:
        return convert(element.text or "", field, field.name)
    except Refused as error:
        raise WsFault("w:InvalidParameter", 87, str(error)) from error
