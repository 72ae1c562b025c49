"""The pool as it stands: database, disk content, and what a call may wait for."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from nova_virt_xenapi.testing.simulator.database import Database
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL, Moment

__all__ = ["MIB", "Context", "World", "moment"]

MIB = 1024 * 1024

Result = TypeVar("Result")

_TICK_SECONDS = 0.05


def moment() -> Moment:
    """The time, as the data model writes it."""
    return Moment(datetime.now(UTC).strftime("%Y%m%dT%H:%M:%SZ"))


@dataclass
class World:
    """One pool. ``ballast_bytes`` is storage that nobody accounts for."""

    directory: Path
    """Where the disks' content is."""
    db: Database = field(default_factory=Database)
    password: str = "simulated"  # noqa: S105 - guards nothing
    ballast_bytes: int = 0
    slow_bytes_per_second: float = 0.0
    """How fast disks and memory are copied; 0: at once."""
    event_delay_seconds: float = 0.05
    """How long ``event.from`` gathers what happens: xapi's own default."""
    guest_seconds: float = 0.0
    """How long a guest takes that lets go of a device."""
    listening: set[str] = field(default_factory=set)
    """VMs whose guest shuts itself down when it is asked to."""
    clinging: set[str] = field(default_factory=set)
    """VMs whose guest lets no device go."""
    importing: set[str] = field(default_factory=set)
    """VDIs that dom0 is writing to."""
    targets: dict[str, dict[int, str]] = field(default_factory=dict)
    """iSCSI targets beside the pool: unit → file of its content."""
    folders: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """Folders of NFS servers beside the pool: name → file of its content. All content is raw here,
    whatever the name says."""
    tpms: dict[str, str] = field(default_factory=dict)
    """The state of each VTPM, which no message reads or writes."""
    orders: list[str] = field(default_factory=list)
    """What hosts were told to do with their own power."""
    port: int = 443
    """Where all hosts listen."""
    outgoing: set[socket.socket] = field(default_factory=set)
    """Connections to other pools."""
    is_away: bool = False
    """Its hosts have no network."""

    def content_path(self, vdi: str) -> Path:
        """The file that has a VDI's content."""
        return Path(self.directory, self.db.get("VDI", vdi)["uuid"])


@dataclass
class Context:
    """A call: who asks, of which host, under which task."""

    world: World
    host: str
    session: str = NULL
    task: str = field(default_factory=lambda: f"OpaqueRef:{uuid.uuid4()}")

    @property
    def db(self) -> Database:
        """The world's database."""
        return self.world.db

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Give up the lock until it is true or the time is over; raises TASK_CANCELLED."""
        deadline = time.monotonic() + seconds
        while not until() and (left := deadline - time.monotonic()) > 0:
            self.check_cancelled()
            self.db.lock.wait(min(left, 0.5))
        self.check_cancelled()
        return until()

    def take_time(self, size_bytes: int) -> None:
        """Copy so many bytes, and tell the task how far it is; raises TASK_CANCELLED."""
        speed, done = self.world.slow_bytes_per_second, 0.0
        while speed > 0 and done < size_bytes:
            self.wait(lambda: False, _TICK_SECONDS)
            speed = self.world.slow_bytes_per_second
            done += speed * _TICK_SECONDS
            if self.db.exists("task", self.task):
                self.db.write("task", self.task, "progress", min(1.0, done / size_bytes))

    def outside(
        self,
        run: Callable[[], Result],
        *,
        tell: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> Result:
        """Do without the lock what takes others; raises TASK_CANCELLED.

        Args:
            run: what is done, in a thread of its own.
            tell: called with the lock from time to time.
            stop: called when the task is cancelled; makes ``run`` end soon.
        """
        done: Future[Result] = Future()
        threading.Thread(target=self._run_outside, args=(run, done), daemon=True).start()
        try:
            while not done.done():
                tell()
                self.db.lock.wait(_TICK_SECONDS)
                self.check_cancelled()
        except XapiError:
            stop()
            while not done.done():
                self.db.lock.wait(_TICK_SECONDS)
            raise
        return done.result()

    def _run_outside(self, run: Callable[[], Result], done: Future[Result]) -> None:
        try:
            done.set_result(run())
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            done.set_exception(error)
        with self.db.lock:
            self.db.lock.notify_all()

    def check_cancelled(self) -> None:
        """Raise TASK_CANCELLED if somebody cancelled this task."""
        task = self.db.tables["task"].get(self.task)
        if task is not None and task.values["status"] == "cancelling":
            raise XapiError("TASK_CANCELLED", self.task)

    @contextmanager
    def operation(self, class_name: str, ref: str, name: str) -> Iterator[None]:
        """The object is under this operation inside the block."""
        before = self.db.get(class_name, ref)["current_operations"]
        self.db.write(class_name, ref, "current_operations", {**before, self.task: name})
        try:
            yield
        finally:
            if self.db.exists(class_name, ref):
                now = dict(self.db.get(class_name, ref)["current_operations"])
                now.pop(self.task, None)
                self.db.write(class_name, ref, "current_operations", now)
