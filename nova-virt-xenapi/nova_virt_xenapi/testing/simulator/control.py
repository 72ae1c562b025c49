"""The side channel: JSON lines on standard input and output, for tests only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.dispatcher import Dispatcher
from nova_virt_xenapi.testing.simulator.domains import crash
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.faults import Fault, Faults
from nova_virt_xenapi.testing.simulator.listening import Listeners
from nova_virt_xenapi.testing.simulator.storage import account
from nova_virt_xenapi.testing.simulator.types import Double
from nova_virt_xenapi.testing.simulator.world import Context, World

__all__ = ["Control"]


class Control:
    """Carries out what a line asks for: ``{"command": NAME, ...}``."""

    def __init__(self, world: World, faults: Faults, listeners: Listeners) -> None:
        self._world = world
        self._faults = faults
        self._listeners = listeners
        self._dispatcher = Dispatcher(world)
        self._session = self._dispatcher.call(
            listeners.master, "session.login_with_password", ["root", world.password]
        )
        self._commands: dict[str, Callable[..., Any]] = {
            "call": self._call,
            "write": self._write,
            "records": self._records,
            "calls": lambda: dict(faults.calls),
            "fault": lambda **fault: faults.add(Fault(**fault)),
            "faults": faults.waiting,
            "clear_faults": faults.clear,
            "away": listeners.close,
            "back": listeners.open,
            "forget_sessions": self._forget_sessions,
            "ballast": self._ballast,
            "guests": self._guests,
            "content": self._content,
            "speed": self._speed,
            "tpms": self._tpms,
            "target": self._target,
            "folder": self._folder,
            "crash": self._crash,
            "orders": lambda: list(world.orders),
            "hosts_on": self._hosts_on,
            "vanish": self._vanish,
            "event_delay": self._event_delay,
        }

    def answer(self, line: dict[str, Any]) -> dict[str, Any]:
        """``{"result": ...}`` or ``{"error": ...}``."""
        command = self._commands.get(line.pop("command", ""))
        if command is None:
            return {"error": f"commands are {', '.join(self._commands)}"}
        try:
            return {"result": command(**line)}
        except (XapiError, TypeError, ValueError) as error:
            return {"error": str(error)}

    def _call(self, method: str, parameters: list[Any]) -> Any:
        """A call as root, that is not counted; numbers with a point are doubles."""
        sent = [Double(part) if isinstance(part, float) else part for part in parameters]
        return self._dispatcher.call(self._listeners.master, method, [self._session, *sent])

    def _write(self, class_name: str, ref: str, field: str, value: Any) -> None:
        with self._world.db.lock:
            self._world.db.write(class_name, ref, field, value)

    def _records(self, class_name: str) -> dict[str, Any]:
        with self._world.db.lock:
            found = self._world.db.where(class_name)
            return {ref: dict(row) for ref, row in found if ref != self._session}

    def _forget_sessions(self) -> None:
        """Log everybody out, as a restart of xapi does."""
        with self._world.db.lock:
            for ref, _ in list(self._world.db.where("session")):
                if ref != self._session:
                    self._world.db.destroy("session", ref)

    def _ballast(self, free_bytes: int | None = None) -> None:
        """Leave so much storage free on every SR; None for all that is there."""
        with self._world.db.lock:
            before, self._world.ballast_bytes = self._world.ballast_bytes, 0
            if free_bytes is not None:
                self._world.ballast_bytes = before + max(
                    record["physical_size"] - record["physical_utilisation"] - free_bytes
                    for _, record in self._world.db.where("SR")
                )
            ctx = Context(self._world, self._listeners.master)
            for ref, _ in self._world.db.where("SR"):
                account(ctx, ref)

    def _guests(
        self, listening: list[str] | None = None, clinging: list[str] | None = None
    ) -> None:
        """Which VMs, by reference, shut down when asked, and which let no device go."""
        with self._world.db.lock:
            if listening is not None:
                self._world.listening = set(listening)
            if clinging is not None:
                self._world.clinging = set(clinging)
            self._world.db.lock.notify_all()

    def _tpms(self) -> dict[str, str]:
        """What VTPMs keep."""
        with self._world.db.lock:
            there, states = self._world.db.tables["VTPM"], self._world.tpms
            return {ref: states[ref] for ref in there}

    def _target(self, iqn: str, units: dict[str, int] | None = None) -> None:
        """An iSCSI target of units of these sizes, which keep their content; None: it is away."""
        with self._world.db.lock:
            self._world.targets.pop(iqn, None)
            for lun, size in (units or {}).items():
                file = f"{iqn.replace(':', '-')}-{lun}"
                with self._world.directory.joinpath(file).open("ab") as content:
                    content.truncate(size)
                self._world.targets.setdefault(iqn, {})[int(lun)] = file

    def _folder(self, server: str, path: str, files: dict[str, int] | None = None) -> None:
        """A folder of an NFS server with files of these sizes; None: the server is away."""
        with self._world.db.lock:
            self._world.folders.pop((server, path), None)
            for name, size in (files or {}).items():
                file = f"{server}{path}/{name}".replace("/", "-")
                with self._world.directory.joinpath(file).open("ab") as content:
                    content.truncate(size)
                self._world.folders.setdefault((server, path), {})[name] = file

    def _speed(self, bytes_per_second: float) -> None:
        """How fast disks and memory are copied from now on; 0: at once."""
        with self._world.db.lock:
            self._world.slow_bytes_per_second = bytes_per_second

    def _content(self, vdi: str, length: int) -> dict[str, Any]:
        """What a VDI holds: the sha256 of its first bytes, and whether the rest is zero."""
        with self._world.db.lock:
            data = self._world.content_path(vdi).read_bytes()
        return {
            "sha256": hashlib.sha256(data[:length]).hexdigest(),
            "rest_is_zero": not any(data[length:]),
        }

    def _hosts_on(self) -> None:
        """Let all hosts be up and enabled, and forget what they were told."""
        with self._world.db.lock:
            self._world.orders.clear()
            for ref, record in self._world.db.where("host"):
                self._world.db.write("host_metrics", record["metrics"], "live", True)
                self._world.db.write("host", ref, "enabled", True)

    def _event_delay(self, seconds: float) -> None:
        """How long ``event.from`` gathers from now on."""
        with self._world.db.lock:
            self._world.event_delay_seconds = seconds

    def _vanish(self, class_name: str, ref: str) -> None:
        """Remove an object without an event, as if xapi had forgotten to tell."""
        with self._world.db.lock:
            self._world.db.destroy(class_name, ref)
            self._world.db.deleted.pop()

    def _crash(self, vm: str) -> None:
        """Let a VM's guest fail."""
        with self._world.db.lock:
            crash(Context(self._world, self._listeners.master), vm)
