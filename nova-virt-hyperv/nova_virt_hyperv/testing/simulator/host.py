"""The simulated host: its rows, its drive, its jobs, and the table of its methods."""

from __future__ import annotations

import stat
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from nova_virt_hyperv.testing.simulator.model import (
    Effect,
    JobFailed,
    Outcome,
    Ref,
    Refused,
    Row,
    WsFault,
)
from nova_virt_hyperv.testing.simulator.schema import CimClass, schema

__all__ = [
    "CIMV2",
    "STORAGE",
    "VERSION",
    "VIRTUALIZATION",
    "WMI",
    "Configuration",
    "Handler",
    "Host",
    "NetworkPathNotFound",
    "network_path_text",
]

VIRTUALIZATION = "root/virtualization/v2"
CIMV2 = "root/cimv2"
STORAGE = "root/microsoft/windows/storage"
WMI = "root/wmi"
VERSION = "10.0.20348"
"""Of Windows Server 2022."""
_MIB = 1024 * 1024
_STARTED = 4096
_STEP_SECONDS = 0.1
# JobState.
_RUNNING, _COMPLETED, _TERMINATED, _EXCEPTION = 4, 7, 8, 10

Handler = Callable[["Host", Row, dict[str, Any]], Outcome]
Source = Callable[[], Iterable[Row]]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """How large the host is and how it behaves."""

    name: str
    drive: Path
    """The directory that is drive C:."""
    processors: int = 16
    memory_mib: int = 8192
    storage_bytes: int = 4 * 1024**3
    switches: tuple[str, ...] = ("external",)
    numa_nodes: int = 2
    console_port: int = 2179
    job_seconds: float = 0.005
    """How long a job runs; 0: methods do their work before they return, without a job."""
    job_removal_seconds: float = 300.0


class NetworkPathNotFound(Exception):
    """A path on another host, which is away or has no such share."""


class Host:
    """One host. Whoever reads or changes it holds its lock, which neighbours share.

    Args:
        configuration: how large it is and how it behaves.
        neighbours: all hosts that can reach each other, by name.
        lock: theirs.
    """

    def __init__(
        self,
        configuration: Configuration,
        neighbours: dict[str, Host] | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        self.configuration = configuration
        self.schema = schema()
        self.lock = lock or threading.RLock()
        self.neighbours = {} if neighbours is None else neighbours
        self.neighbours[configuration.name.lower()] = self
        self.away = False
        self.handlers: dict[tuple[str, str], Handler] = {}
        self.writers: dict[str, Callable[[Row, Row], None]] = {}
        """Who takes what Put sends: the instance as it is, and as it is to be, by class."""
        self._sources: dict[str, list[Source]] = {}
        self.ballast_bytes = 0
        self.booted_at = datetime.now(UTC) - timedelta(days=3)
        self._rows: list[Row] = []
        self._jobs: dict[str, Row] = {}

    def make(self, class_name: str, **values: Any) -> Row:
        """Make a row with the documented defaults, without keeping it."""
        names = (VIRTUALIZATION, *self.schema.namespaces)
        found = (self.schema.find(namespace, class_name) for namespace in names)
        cls = next((cls for cls in found if cls is not None), None)
        if cls is None:
            raise KeyError(class_name)
        row = Row(cls, {field.name: field.default for field in cls.properties.values()})
        for name, value in values.items():
            row[name] = value
        return row

    def add_source(self, source: Source, *namespaces: str) -> None:
        """Ask somebody for rows, whenever one of these namespaces is looked at."""
        for namespace in namespaces:
            self._sources.setdefault(namespace, []).append(source)

    def keep(self, row: Row) -> Row:
        """Keep a row."""
        self._rows.append(row)
        return row

    def drop(self, row: Row) -> None:
        """Let a row go."""
        self._rows.remove(row)

    def rows(self, namespace: str, class_name: str) -> list[Row]:
        """All rows of a class or of a class below it; WsFault if there is no such class."""
        classes = {id(cls) for cls in self.schema.below(namespace, class_name)}
        if not classes:
            raise WsFault(
                "a:DestinationUnreachable", 0x80041010, f"no class {class_name}", is_wmi=True
            )
        self._forget_old_jobs()
        found = [*self._rows, *self._jobs.values()]
        for source in self._sources.get(namespace.lower(), ()):
            found += source()
        return [row for row in found if id(row.cls) in classes]

    def find(self, ref: Ref) -> Row:
        """The one row that a reference names, with all of its keys or some; WsFault if none."""
        keys = dict(ref.keys)
        # Nothing is asked for as often, and there are many of them.
        job = self._jobs.get(keys.get("InstanceID", ""))
        if job is not None and job.cls.name == ref.class_name:
            return job
        found = [row for row in self.rows(ref.namespace, ref.class_name) if row.is_named(keys)]
        if len(found) == 1:
            return found[0]
        if found:
            raise WsFault("w:InvalidSelectors", 2150858843, "the selectors fit several instances")
        raise WsFault("a:DestinationUnreachable", 0x80041002, f"no instance {keys}", is_wmi=True)

    def file(self, path: str) -> Path:
        r"""Where a path is here; a name's case does not matter.

        Besides those of drive C: there are ``\\HOST\SHARE\...`` of neighbours, each of which shares
        a folder of its drive under the folder's name.
        """
        if path.startswith("\\\\"):
            name, _, rest = path[2:].partition("\\")
            there = self.neighbours.get(name.lower())
            if there is None or there.away:
                raise NetworkPathNotFound(path)
            return there.file(f"C:\\{rest}")
        drive, _, rest = path.partition(":\\")
        parts = rest.split("\\")
        if drive.upper() != "C" or not rest or {"", ".", ".."} & set(parts):
            raise Refused(32773, f"{path} is no full path on this host")
        here = self.configuration.drive
        for part in parts:
            names = {item.name.lower(): item for item in here.iterdir()} if here.is_dir() else {}
            here = names.get(part.lower(), here / part)
        return here

    def free_storage_bytes(self) -> int:
        """What is free on the drive."""
        drive = self.configuration.drive
        used = sum(_file_bytes(item) for item in drive.rglob("*"))
        return max(0, self.configuration.storage_bytes - used - self.ballast_bytes)

    def run(
        self,
        caption: str,
        effect: Effect,
        outputs: dict[str, Any] | None = None,
        kind: str = "",
        *,
        seconds: float | None = None,
        fails: Callable[[], str] = str,
        **properties: Any,
    ) -> Outcome:
        """Do the work of a method: in a job, or at once when jobs take no time.

        Args:
            caption: the job's name.
            effect: does it; may raise JobFailed.
            outputs: filled in by the effect; returned only when there was no job.
            kind: the job's class.
            seconds: how long the job takes; None: as long as any.
            fails: asked while the job runs; a text ends it with that error.
            properties: further ones of the job.
        """
        if self.configuration.job_seconds == 0:
            try:
                effect()
            except JobFailed as error:
                return Outcome(error.code)
            return Outcome(0, dict(outputs or {}))
        job = self.make(
            kind or "Msvm_ConcreteJob",
            InstanceID=str(uuid4()).upper(),
            Caption=caption,
            JobState=_RUNNING,
            JobStatus="Job is running",
            PercentComplete=0,
            TimeSubmitted=datetime.now(UTC),
            **properties,
        )
        self._jobs[job["InstanceID"]] = job
        takes = self.configuration.job_seconds if seconds is None else seconds
        threading.Thread(target=self._work, args=(job, effect, takes, fails), daemon=True).start()
        return Outcome(_STARTED, {"Job": job.ref})

    def _work(self, job: Row, effect: Effect, seconds: float, fails: Callable[[], str]) -> None:
        steps = max(2, int(seconds / _STEP_SECONDS))
        for step in range(steps):
            time.sleep(seconds / steps)
            with self.lock:
                if job["JobState"] == _TERMINATED:
                    return
                job["PercentComplete"] = min(99, 100 * (step + 1) // steps)
                if error := fails():
                    _end(job, _EXCEPTION, error, 32768)
                    return
        with self.lock:
            if job["JobState"] == _TERMINATED:
                return
            try:
                effect()
            except JobFailed as error:
                _end(job, _EXCEPTION, error.text, error.code)
            except NetworkPathNotFound as error:
                _end(job, _EXCEPTION, network_path_text(error), 32768)
            except Exception as error:  # noqa: BLE001 - or its job would run for ever
                traceback.print_exc()
                _end(job, _EXCEPTION, f"the simulator failed: {error}", 32768)
            else:
                _end(job, _COMPLETED, "Job is completed")

    def running_jobs(self) -> int:
        """How many jobs are under way."""
        return [job["JobState"] for job in self._jobs.values()].count(_RUNNING)

    def terminate(self, job: Row) -> None:
        """End a job before it has done its work."""
        if job["JobState"] != _RUNNING:
            raise Refused(32775, "the job has ended")
        _end(job, _TERMINATED, "Job was terminated")

    def _forget_old_jobs(self) -> None:
        oldest = time.time() - self.configuration.job_removal_seconds
        while self._jobs:
            first, job = next(iter(self._jobs.items()))
            if job["JobState"] == _RUNNING or job["TimeOfLastStateChange"].timestamp() > oldest:
                return
            del self._jobs[first]

    def cls(self, class_name: str) -> CimClass:
        """A class of the virtualization namespace."""
        found = self.schema.find(VIRTUALIZATION, class_name)
        if found is None:
            raise KeyError(class_name)
        return found


def network_path_text(error: NetworkPathNotFound) -> str:
    """What Windows says of a path on a host that it does not reach (ERROR_BAD_NETPATH)."""
    return f"The network path was not found. '{error}' (0x80070035)."


def _file_bytes(path: Path) -> int:
    try:
        found = path.stat()
    except FileNotFoundError:
        # Clients of the share delete files whenever they like, also during a walk.
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _end(job: Row, state: int, text: str, code: int = 0) -> None:
    job["JobState"] = state
    job["JobStatus"] = text
    job["PercentComplete"] = 100
    job["ErrorCode"] = code
    job["ErrorDescription"] = text if code else None
    job["TimeOfLastStateChange"] = datetime.now(UTC)
