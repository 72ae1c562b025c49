"""Starts and ends a simulator, and talks to its side channel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_xenapi.conf import Settings

__all__ = ["Simulator"]

_STOP_SECONDS = 10.0


class Simulator:
    """A simulator in a process of its own, which ends with this one.

    Args:
        hosts: how many hosts the pool has.
        label: what their names begin with.
    """

    def __init__(self, hosts: int = 1, label: str = "xcp") -> None:
        command = [sys.executable, "-m", "nova_virt_xenapi.testing.simulator"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        self._process = subprocess.Popen(
            [*command, "--hosts", str(hosts), "--label", label],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._lock = threading.Lock()
        first = self._line()
        self.url: str = first["address"]
        self.ca_file: str = first["ca_file"]
        self.username: str = first["user"]
        self.password: str = first["password"]

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have a command of the side channel carried out."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with self._lock:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = self._line()
        if "error" in answer:
            raise AssertionError(f"{command}: {answer['error']}")
        return answer["result"]

    def settings(self, **changes: Any) -> Settings:
        """The driver's settings for this pool."""
        fields: dict[str, Any] = {
            "url": self.url,
            "ca_file": self.ca_file,
            "username": self.username,
            "password": self.password,
            "reconnect_interval_seconds": 0.1,
        }
        return Settings(**fields | changes)

    def stop(self) -> None:
        """End the process. Idempotent."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            self._process.kill()
            raise BackendUnavailable("the simulator of xapi ended; its last words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer
