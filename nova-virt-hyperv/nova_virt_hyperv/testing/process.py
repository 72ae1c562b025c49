"""The simulated host's process, as a harness starts, tells and ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nova_virt_interface.testing.harness import BackendUnavailable

__all__ = ["SimulatorProcess"]


class SimulatorProcess:
    """A simulated host; its standard input is the side channel, and its end when that ends.

    Args:
        root: a directory with ``simulator``, for its own files.
        drives: the directories that are the drives of the hosts, one for each host.
        password: of its account.
        more: further arguments of its command line.
    """

    def __init__(
        self, root: Path, drives: Sequence[Path], password: str, more: tuple[str, ...]
    ) -> None:
        self._lock = threading.Lock()
        command = [sys.executable, "-m", "nova_virt_hyperv.testing.simulator"]
        command += ["--state", str(root / "simulator"), *more]
        for drive in drives:
            command += ["--drive", str(drive)]
        self._errors = (root / "simulator" / "errors").open("w+b")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "SIMULATOR_PASSWORD": password},
        )
        told = self._read()
        self.ports: list[int] = told["ports"]
        self.port = self.ports[0]
        self.authority: str = told["authority"]

    def control(self, do: str, **arguments: Any) -> Any:
        """Tell it something, see `controls`; returns the result."""
        with self._lock:
            if self._process.stdin is None:
                raise BackendUnavailable("the simulator has no input")
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = self._read()
        if "error" in answer:
            raise ValueError(f"{do}: {answer['error']}")
        return answer["result"]

    def stop(self) -> None:
        """End it, and pass on what it complained about."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        self._process.wait()
        if words := self._complaints():
            sys.stderr.write(f"the simulator said:\n{words}\n")
        self._errors.close()

    def _complaints(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BackendUnavailable(f"the simulator has ended: {self._complaints()[-2000:]}")
        told: dict[str, Any] = json.loads(line)
        return told
