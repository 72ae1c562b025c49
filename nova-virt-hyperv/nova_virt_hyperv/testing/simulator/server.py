"""The HTTP side of the simulated host: TLS, authentication, faults on demand, outages."""

from __future__ import annotations

import http.server
import socket
import socketserver
import ssl
import sys
import threading
import time
import traceback
from typing import Any

from nova_virt_hyperv.testing.simulator import soap
from nova_virt_hyperv.testing.simulator.authentication import Account, Handshake
from nova_virt_hyperv.testing.simulator.faults import Fault, Faults
from nova_virt_hyperv.testing.simulator.model import Outcome, WsFault
from nova_virt_hyperv.testing.simulator.wsman import Service

__all__ = ["WinRm"]

_LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 0.01
_LARGEST_REQUEST_BYTES = 1024 * 1024
# ERROR_INTERNAL_ERROR
_ERROR_INTERNAL = 1359


class WinRm:
    """The WinRM service of one host.

    Args:
        service: answers requests.
        account: may log in.
        tls: wraps connections; None for plain HTTP, where messages have to be encrypted.
        port: to listen on; 0 for any.
    """

    def __init__(
        self, service: Service, account: Account, tls: ssl.SSLContext | None, port: int
    ) -> None:
        self.service = service
        self.account = account
        self.tls = tls
        self.faults = Faults()
        self.requests: dict[str, int] = {}
        self.connections: set[socket.socket] = set()
        self.lock = threading.Lock()
        self._server: _Server | None = None
        self.port = port

    def start(self) -> None:
        """Listen."""
        self._server = _Server((_LOOPBACK, self.port), _Handler)
        self._server.winrm = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and cut those that there are."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        with self.lock:
            cut = list(self.connections)
        for connection in cut:
            _cut(connection)

    def respond(self, message: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; status 0 to cut the connection."""
        host = self.service.host_name
        message_id = ""
        try:
            request = soap.parse(message)
            message_id = request.message_id
            operation = self.service.operation(request)
            self._count(operation)
            fault = self.faults.due(operation)
            if fault is None:
                return 200, self.service.answer(request)
            return _spoilt(self, request, fault)
        except WsFault as error:
            return 500, soap.fault(error, message_id, host)
        except Exception as error:  # noqa: BLE001 - or it would look like a cut connection
            traceback.print_exc()
            text = f"the simulator failed: {error!r}"
            told = WsFault("w:InternalError", _ERROR_INTERNAL, text)
            return 500, soap.fault(told, message_id, host)

    def _count(self, operation: str) -> None:
        with self.lock:
            self.requests[operation] = self.requests.get(operation, 0) + 1


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    winrm: WinRm

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell what is wrong with the simulator; clients may go away, or distrust it."""
        if not isinstance(sys.exc_info()[1], ConnectionError | ssl.SSLError):
            traceback.print_exc()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    # One packet per answer: small ones after each other wait for the client's acknowledgement.
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        winrm = self.server.winrm
        if winrm.tls is not None:
            # Here, in the connection's own thread, a client that is slow delays nobody.
            self.request = winrm.tls.wrap_socket(self.request, server_side=True)
        with winrm.lock:
            winrm.connections.add(self.request)
        self._handshake = Handshake(winrm.account)
        super().setup()

    def finish(self) -> None:
        with self.server.winrm.lock:
            self.server.winrm.connections.discard(self.request)
        super().finish()
        # The server closes the socket that it knows, which TLS has emptied.
        self.request.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tests ask for counts."""

    def do_POST(self) -> None:
        winrm = self.server.winrm
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(min(length, _LARGEST_REQUEST_BYTES))
        admitted, told = self._handshake.admits(self.headers.get("Authorization", ""))
        if not admitted:
            self._reply(401, b"", "text/html", told)
        elif self.path != "/wsman":
            self._reply(404, b"<html><body>Not Found</body></html>", "text/html")
        elif not content:
            self._reply(200, b"", "application/soap+xml;charset=UTF-8", told)
        else:
            self._answer(winrm, content, told)

    def _answer(self, winrm: WinRm, content: bytes, told: list[str]) -> None:
        kind = self.headers.get("Content-Type", "")
        encrypted = kind.startswith("multipart/encrypted")
        if winrm.tls is None and not encrypted:
            # AllowUnencrypted is false in Windows, unless somebody sets it.
            self._reply(500, b"", "text/html", told)
            return
        try:
            message = self._handshake.unwrap(content) if encrypted else content
        except ValueError:
            self._reply(400, b"", "text/html")
            return
        status, response = winrm.respond(message)
        if status == 0:
            _cut(self.request)
            self.close_connection = True
        elif encrypted:
            sealed_kind, sealed = self._handshake.wrap(response)
            self._reply(status, sealed, sealed_kind, told)
        else:
            self._reply(status, response, "application/soap+xml;charset=UTF-8", told)

    def _reply(self, status: int, body: bytes, kind: str, told: list[str] | None = None) -> None:
        self.send_response(status)
        for header in told or ():
            self.send_header("WWW-Authenticate", header)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _spoilt(winrm: WinRm, request: soap.Request, fault: Fault) -> tuple[int, bytes]:
    if fault.kind == "drop-before":
        return 0, b""
    if fault.kind in ("fault", "fault-wmi"):
        raise WsFault(fault.text, fault.code, "planned", is_wmi=fault.kind == "fault-wmi")
    if fault.kind == "return":
        return 200, winrm.service.output(request, Outcome(fault.code))
    if fault.kind in ("job", "job-after"):
        if fault.kind == "job-after":
            winrm.service.answer(request)
            while winrm.service.is_working():
                time.sleep(_LOOK_SECONDS)
        return 200, winrm.service.failed_job(request, fault.text, fault.code)
    if fault.kind in ("http", "answer"):
        return fault.code or 200, fault.text.encode()
    if fault.kind == "delay":
        time.sleep(fault.seconds)
    response = winrm.service.answer(request)
    return (0, b"") if fault.kind == "drop-after" else (200, response)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was faster.
        return
