"""A web server on loopback that holds images."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fixtures

__all__ = ["Answer", "ImageServer"]


@dataclass
class Answer:
    """What the server says about a path."""

    body: bytes = b""
    status: int = 200
    promised_bytes: int | None = None
    """How long it says that the body is; None: as long as it is."""
    says_length: bool = True


class ImageServer(fixtures.Fixture):
    """Serves ``answers`` by path; ``url`` is its address."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def _setUp(self) -> None:  # noqa: N802
        fixture = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = fixture.answers.get(self.path, Answer(status=404))
                fixture.asked.append(f"{self.command} {self.path}")
                self.send_response(answer.status)
                if answer.says_length:
                    length = answer.promised_bytes
                    self.send_header("Content-Length", str(length or len(answer.body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(answer.body)

            do_HEAD = do_GET  # noqa: N815 - the server looks for this name

            def log_message(self, format: str, *args: object) -> None:
                """Tests look at ``asked``."""

        # Whatever proxy this machine uses: it is not for loopback.
        self.useFixture(fixtures.EnvironmentVariable("NO_PROXY", "127.0.0.1"))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """End the server, so that nobody listens at its address. Idempotent."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
