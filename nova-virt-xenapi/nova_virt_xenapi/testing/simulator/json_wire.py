"""JSON-RPC as xapi speaks it at ``/jsonrpc``, in the forms of versions 1.0 and 2.0.

After the chapter on the wire protocol of xapi's documentation, and ``ocaml/xapi/api_server.ml``:
integers are numbers here, a refusal of version 1.0 is the list of ``ErrorDescription`` itself, and
one of version 2.0 an object whose code is always 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nova_virt_xenapi.testing.simulator.types import Double, Number, Text

__all__ = ["JsonCall", "Malformed", "read_call"]


class Malformed(Exception):
    """No call at all: xapi answers it with status 500."""


@dataclass(frozen=True)
class JsonCall:
    """A call, and the form in which its answer is to come."""

    method: str
    parameters: list[Any]
    identity: Any
    is_second: bool
    """Version 2.0."""

    def success(self, content: Any) -> bytes:
        """The answer that holds a stored value."""
        return self._answer({"result": content} | ({} if self.is_second else {"error": None}))

    def failure(self, description: list[str]) -> bytes:
        """The answer that refuses."""
        if not self.is_second:
            return self._answer({"result": None, "error": description})
        error = {"code": 1, "message": description[0], "data": description[1:]}
        return self._answer({"error": error})

    def _answer(self, members: dict[str, Any]) -> bytes:
        version = {"jsonrpc": "2.0"} if self.is_second else {}
        return json.dumps({**version, **members, "id": self.identity}).encode()


def read_call(body: bytes) -> JsonCall:
    """The call of a request; raises Malformed."""
    try:
        sent = json.loads(body)
        method, parameters = sent["method"], sent.get("params", [])
        is_second = sent.get("jsonrpc") == "2.0"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(str(error)) from error
    if type(method) is not str or type(parameters) is not list:
        raise Malformed("a method has a name, and a list of parameters")
    return JsonCall(method, [_read(part) for part in parameters], sent.get("id"), is_second)


def _read(sent: Any) -> Any:
    """As JSON has neither two kinds of numbers nor moments, the data model decides what it is."""
    if isinstance(sent, list):
        return [_read(item) for item in sent]
    if isinstance(sent, dict):
        return {Text(key): _read(item) for key, item in sent.items()}
    if isinstance(sent, str):
        return Text(sent)
    if type(sent) is int:
        return Number(sent)
    return Double(sent) if isinstance(sent, float) else sent
