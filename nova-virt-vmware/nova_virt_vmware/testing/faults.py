"""Breaks the connection at a chosen request, before or after the server has done it, or answers it
with a fault of the vSphere API.
"""

from __future__ import annotations

import http.client
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["connection_cut_at", "fault_answered_at"]

_FAULT = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>
<faultcode>ServerFaultCode</faultcode><faultstring>told by a test</faultstring>
<detail><{name}Fault xmlns="urn:vim25" xsi:type="{name}"></{name}Fault></detail>
</soapenv:Fault></soapenv:Body></soapenv:Envelope>
"""


@contextmanager
def connection_cut_at(number: int, *, after: bool) -> Iterator[list[int]]:
    """Inside, this thread's request of this number (the first is 0) ends in a broken connection.

    Args:
        number: which request.
        after: whether the server gets it and only the reply is lost.

    Returns: a list with one item for each request so far.
    """
    thread, seen = threading.get_ident(), list[int]()
    putrequest, getresponse = (
        http.client.HTTPConnection.putrequest,
        http.client.HTTPConnection.getresponse,
    )

    def put(connection: Any, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            seen.append(len(seen))
            if seen[-1] == number and not after:
                raise ConnectionResetError("cut before the request")
        putrequest(connection, *args, **kwargs)

    def get(connection: Any) -> Any:
        response = getresponse(connection)
        if threading.get_ident() == thread and after and seen[-1] == number:
            # Once only, also when nothing is sent any more.
            seen.append(len(seen))
            raise ConnectionResetError("cut before the reply")
        return response

    with _in_place_of(putrequest=put, getresponse=get):
        yield seen


@contextmanager
def _in_place_of(**methods: Callable[..., Any]) -> Iterator[None]:
    """Inside, all connections have these methods."""
    before = {name: getattr(http.client.HTTPConnection, name) for name in methods}
    try:
        for name, method in methods.items():
            setattr(http.client.HTTPConnection, name, method)
        yield
    finally:
        for name, method in before.items():
            setattr(http.client.HTTPConnection, name, method)


class _Refusal(io.BytesIO):
    """The answer of a server that refuses: HTTP status 500 and a SOAP fault."""

    status = http.client.INTERNAL_SERVER_ERROR

    def __init__(self, name: str) -> None:
        super().__init__(_FAULT.format(name=name).encode())

    def getheader(self, name: str, default: Any = None) -> Any:
        """No header matters."""
        return default


@contextmanager
def fault_answered_at(number: int, name: str) -> Iterator[list[int]]:
    """Inside, this thread's SOAP request of this number (the first is 0) is answered with a fault,
    and the server does not get it.

    Args:
        number: which request.
        name: of the fault, as the vSphere API reference has it.

    Returns: a list with one item for each request so far.
    """
    thread, seen = threading.get_ident(), list[int]()
    request = http.client.HTTPConnection.request
    getresponse = http.client.HTTPConnection.getresponse

    def asked(connection: Any, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            seen.append(len(seen))
            if seen[-1] == number:
                return
        request(connection, *args, **kwargs)

    def get(connection: Any) -> Any:
        if threading.get_ident() == thread and seen and seen[-1] == number:
            # Once only, also when what comes next is no SOAP.
            seen.append(len(seen))
            return _Refusal(name)
        return getresponse(connection)

    with _in_place_of(request=asked, getresponse=get):
        yield seen
