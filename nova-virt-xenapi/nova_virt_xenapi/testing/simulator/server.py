"""The listening side: XML-RPC, JSON-RPC and the HTTP handlers of xapi, over TLS on a loopback
address.
"""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from nova_virt_xenapi.testing.simulator import (
    consoles,
    json_wire,
    metrics,
    receiving,
    sessions,
    wire,
)
from nova_virt_xenapi.testing.simulator.content import exported, host_for, receive, vdi_of
from nova_virt_xenapi.testing.simulator.dispatcher import Dispatcher
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.faults import Fault, Faults
from nova_virt_xenapi.testing.simulator.world import Context, World, moment

__all__ = ["Server"]

_FORMATS: Final = ("raw", "vhd", "qcow2")
_CHUNK_BYTES: Final = 256 * 1024
_LINGER_SECONDS: Final = 0.2


class Server(http.server.ThreadingHTTPServer):
    """One host's address."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], host: str, world: World, faults: Faults, tls: ssl.SSLContext
    ) -> None:
        self.host = host
        self.world = world
        self.faults = faults
        self.dispatcher = Dispatcher(world)
        self._tls = tls
        self.open_sockets: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; the handshake is left to the connection's own thread."""
        plain, peer = super().get_request()
        secured = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self.open_sockets.add(secured)
        return secured, peer

    def shutdown_request(self, request: Any) -> None:
        """See `socketserver.BaseServer`."""
        self.open_sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no news here."""

    def cut_connections(self) -> None:
        """Break all connections at once."""
        for connection in self.open_sockets.copy():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.open_sockets.discard(connection)


class _Dropped(Exception):
    """A fault cut the connection."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 600
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: queries hold session references."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path == "/jsonrpc":
            self._post_json(body)
            return
        fault = None
        try:
            method, parameters = wire.read_call(body)
            fault = self._begun(method)
            answer = wire.success(self.server.dispatcher.call(self.server.host, method, parameters))
        except XapiError as error:
            answer = wire.failure(error.description)
        except _Dropped:
            return
        self._answer(answer, fault)

    def _post_json(self, body: bytes) -> None:
        self.server.faults.count("POST /jsonrpc")
        fault = None
        try:
            call = json_wire.read_call(body)
        except json_wire.Malformed:
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        try:
            fault = self._begun(call.method)
            host, dispatcher = self.server.host, self.server.dispatcher
            answer = call.success(dispatcher.call(host, call.method, call.parameters))
        except XapiError as error:
            answer = call.failure(error.description)
        except _Dropped:
            return
        self._answer(answer, fault, "application/json")

    def _begun(self, method: str) -> Fault | None:
        fault = self.server.faults.take(method)
        if fault is None:
            return None
        if fault.action == "drop_before":
            self._drop()
        if fault.action == "fail":
            raise XapiError(*fault.error)
        if fault.action == "redirect":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"https://{self.headers['Host']}{self.path}")
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self._drop()
        if fault.action == "delay":
            time.sleep(fault.seconds)
        return fault

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        raise _Dropped

    def _answer(self, answer: bytes, fault: Fault | None, kind: str = "text/xml") -> None:
        action = "" if fault is None else fault.action
        if action == "drop_after":
            self.close_connection = True
            return
        if action == "garbage":
            answer = b"<html>no XML-RPC</html"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if action == "truncate" else answer)
        self.close_connection |= action == "truncate"

    def do_GET(self) -> None:
        self._handle("GET", {"/rrd_updates": self._rrd_updates, "/export_raw_vdi": self._export})

    def do_CONNECT(self) -> None:
        self._handle("CONNECT", {"/console": self._console})

    def do_PUT(self) -> None:
        self._handle("PUT", {"/import_raw_vdi": self._import, "/services/xenops": self._take_in})

    def _handle(self, verb: str, handlers: dict[str, Any]) -> None:
        self.close_connection = True
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        handler = handlers.get(address.path)
        if handler is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        ctx = Context(self.server.world, self.server.host)
        try:
            fault = self._begun(f"{verb} {address.path}")
            with ctx.db.lock:
                sessions.require_session(ctx, query.get("session_id", ""))
            handler(ctx, query, fault)
        except XapiError as error:
            refused = error.description[0] == "SESSION_INVALID"
            self.send_error(HTTPStatus.FORBIDDEN if refused else HTTPStatus.INTERNAL_SERVER_ERROR)
        except _Dropped:
            return

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse, and take what is still being sent, or the peer would not see the answer."""
        super().send_error(code, message, explain)
        self._take_the_rest()

    def _take_the_rest(self) -> None:
        self.wfile.flush()
        self.connection.settimeout(_LINGER_SECONDS)
        with suppress(OSError):
            while self.command == "PUT" and self.rfile.read1(_CHUNK_BYTES):
                pass

    def _rrd_updates(self, ctx: Context, query: dict[str, str], fault: Fault | None) -> None:
        if "start" not in query or query.get("json") != "true":
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        with ctx.db.lock:
            body = metrics.updates(ctx, query)
        self._answer(body, fault)

    def _console(self, ctx: Context, query: dict[str, str], fault: Fault | None) -> None:
        with ctx.db.lock:
            name = consoles.vm_of(ctx, query)["uuid"]
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        with suppress(OSError):
            consoles.serve(self.rfile, self.wfile, name)

    def _export(self, ctx: Context, query: dict[str, str], fault: Fault | None) -> None:
        with ctx.db.lock:
            vdi = vdi_of(ctx, query.get("vdi", ""))
            _require_task(ctx, query.get("task_id"))
            path, elsewhere = ctx.world.content_path(vdi), host_for(ctx, vdi)
        if elsewhere is not None:
            self._redirect(elsewhere)
            return
        format = query.get("format", "raw")
        if format not in _FORMATS:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        if format == "raw":
            self.send_header("Content-Length", str(path.stat().st_size))
        self.send_header("Connection", "close")
        self.end_headers()
        cut = fault is not None and fault.action in ("drop_after", "truncate")
        outcome = _FAILED
        with suppress(OSError):
            self._send(exported(path, format), cut=cut)
            outcome = _FAILED if cut else _DONE
        _end_task(ctx, query, outcome)

    def _send(self, parts: Iterable[bytes], *, cut: bool) -> None:
        for part in parts:
            self.wfile.write(part[: len(part) // 2] if cut else part)
            if cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return

    def _import(self, ctx: Context, query: dict[str, str], fault: Fault | None) -> None:
        with ctx.db.lock:
            vdi = vdi_of(ctx, query.get("vdi", ""))
            _require_task(ctx, query.get("task_id"))
            elsewhere = host_for(ctx, vdi)
        if elsewhere is not None:
            self._redirect(elsewhere)
        elif query.get("format", "raw") not in _FORMATS:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif "Transfer-Encoding" in self.headers or "chunked" in query:
            # xapi 26.17 takes no transfer encoding; its own chunks are not simulated.
            self.send_error(HTTPStatus.FORBIDDEN)
        else:
            self._store(ctx, vdi, query)
            if fault is not None and fault.action == "drop_after":
                self.connection.shutdown(socket.SHUT_RDWR)

    def _take_in(self, ctx: Context, query: dict[str, str], fault: Fault | None) -> None:
        try:
            answer = receiving.take_in(ctx, _Socket(self.rfile))
        except XapiError as error:
            answer = {"error": error.description}
        self._answer(json.dumps(answer).encode(), fault, "application/json")
        self._take_the_rest()

    def _redirect(self, address: str) -> None:
        """Whoever asks has to ask the host that sees the storage repository."""
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", f"https://{address}:{self.server.world.port}{self.path}")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self._take_the_rest()

    def _store(self, ctx: Context, vdi: str, query: dict[str, str]) -> None:
        # As xapi does: the answer comes before the content, and how it went is in the task.
        self.send_response(HTTPStatus.OK)
        self.send_header("Connection", "close")
        self.end_headers()
        length = int(self.headers["Content-Length"])
        path = _reserved(ctx, vdi)
        outcome: dict[str, Any] = _DONE
        try:
            receive(_Socket(self.rfile), path, length, query.get("format", "raw"))
        except XapiError as error:
            outcome = {"status": "failure", "error_info": error.description}
        with ctx.db.lock:
            ctx.world.importing.discard(vdi)
            ctx.db.lock.notify_all()
        _end_task(ctx, query, outcome)


class _Socket:
    """Reads what comes, and less when the peer goes away."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        """See `Source`."""
        try:
            return self._file.read(size)
        except OSError:
            return b""

    def readline(self, size: int, /) -> bytes:
        """The next line."""
        return self._file.readline(size)


_DONE: Final[dict[str, Any]] = {"status": "success", "progress": 1.0}
_FAILED: Final[dict[str, Any]] = {
    "status": "failure",
    "error_info": ["INTERNAL_ERROR", "Caught exception: EPIPE"],
}


def _end_task(ctx: Context, query: dict[str, str], outcome: dict[str, Any]) -> None:
    """How a transfer went is in the task that its query named."""
    told = {**outcome, "finished": moment(), "allowed_operations": ["destroy"]}
    task = query.get("task_id", "")
    with ctx.db.lock:
        if ctx.db.exists("task", task):
            for name, value in told.items():
                ctx.db.write("task", task, name, value)


def _require_task(ctx: Context, task: str | None) -> None:
    if task is not None:
        ctx.db.row("task", task)


def _reserved(ctx: Context, vdi: str) -> Path:
    with ctx.db.lock:
        attached = (ctx.db.get("VBD", ref) for ref in ctx.db.get("VDI", vdi)["VBDs"])
        if vdi in ctx.world.importing or any(vbd["currently_attached"] for vbd in attached):
            raise XapiError("VDI_IN_USE", vdi, "attach")
        ctx.world.importing.add(vdi)
        return ctx.world.content_path(vdi)
