"""What the suite needs of a backend: a harness starts it, connects to it, and looks at it behind
the driver's back.
"""

from __future__ import annotations

import abc
import atexit
import enum
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness_power import PowerQuestions
from nova_virt_interface.testing.harness_storage import StorageQuestions
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking

__all__ = [
    "Backend",
    "BackendKind",
    "BackendUnavailable",
    "CannotProvoke",
    "Harness",
    "TestImage",
    "finished",
    "started",
]

MIB = 1024 * 1024


class BackendKind(enum.Enum):
    """Whether results come from the vendor's own product or from a stand-in."""

    REAL = "real"
    SIMULATED = "simulated"


class BackendUnavailable(Exception):
    """The backend cannot be started here; the message says what is missing. Results become "could
    not check".
    """


@dataclass(frozen=True, kw_only=True)
class Backend:
    """The backend of a run."""

    name: str
    version: str
    kind: BackendKind


@dataclass(frozen=True, kw_only=True)
class TestImage:
    """A small image in a file.

    If ``boots``, it is the guest of `nova_virt_interface.testing.guest`: it writes facts about
    itself to the serial console, each on a line that begins with ``NVG``, and turns off when it is
    asked to.
    """

    __test__ = False

    path: Path
    format: DiskFormat
    virtual_size_bytes: int
    boots: bool


class Harness(PowerQuestions, StorageQuestions, abc.ABC):
    """One backend of one driver. Made and started once per process, then used by one test at a
    time.

    Its methods look at, and act on, the backend by other ways than the driver's code.
    """

    driver: ClassVar[str]
    """The driver's name, as in its entry point."""
    backend_name: ClassVar[str]
    kind: ClassVar[BackendKind]
    url: ClassVar[str] = ""
    """Which host of the operator's own to check; the runner sets it, of a class that takes one."""
    takes_url: ClassVar[bool] = False
    """Whether it checks a host that ``--url`` names: without one it is left out, and with one it is
    what runs alone. Names of users and passwords come from the environment.
    """
    memory_bytes: ClassVar[int] = 128 * MIB
    """Memory of a test's VM: enough for the test image to boot."""
    disk_bytes: ClassVar[int] = 8 * MIB
    """Size of a test's blank disk."""
    patience_seconds: ClassVar[float] = 60.0
    """How long a test waits for an event, or for a guest to boot, before it gives up."""

    has_one_manager: ClassVar[bool] = False
    """One service manages both hosts of a migration, such as a vCenter: `outage` is that of both,
    while the hosts, and a migration between them, go on."""

    has_moving_consoles: ClassVar[bool] = False
    """A live migration takes the record of the VM's console along."""

    slow_bytes_per_second: ClassVar[int] = MIB
    """A limit at which the live migration of a VM with a full disk takes some seconds at least."""

    settle_seconds: ClassVar[float] = 0.0
    """How long what was closed or deleted may take to be gone."""

    @abc.abstractmethod
    def start(self) -> None:
        """Start the backend on loopback; raises `BackendUnavailable`."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop all that was started and remove its files. Idempotent."""

    @abc.abstractmethod
    def backend(self) -> Backend:
        """Say what runs."""

    @abc.abstractmethod
    def factory(self) -> IHypervisorFactory:
        """The driver's factory."""

    @abc.abstractmethod
    def settings(self) -> Any:
        """The driver's settings for this backend."""

    @abc.abstractmethod
    def unreachable_settings(self) -> Any:
        """Settings for a host that is not there."""

    @abc.abstractmethod
    def image(self) -> TestImage:
        """An image for the cache; called only if the driver provides `IImageCache`."""

    @abc.abstractmethod
    def nic_backing(self) -> NicBacking:
        """Something on this backend that a NIC can be plugged into."""

    @abc.abstractmethod
    def leftovers(self) -> frozenset[str]:
        """Names of all VMs, disks, images, files and open connections that exist for the driver on
        the backend.
        """

    @abc.abstractmethod
    def foreign_vm(self, vm_uuid: UUID) -> AbstractContextManager[None]:
        """A VM with this uuid, stopped, that the driver did not make; removed on leaving."""

    @abc.abstractmethod
    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """Whether that VM is still there and as it was."""

    @abc.abstractmethod
    def copy_vm(self, vm_uuid: UUID) -> AbstractContextManager[Callable[[], bool]]:
        """A copy of a stopped VM of the driver, with its marks, such as an operator makes by the
        hypervisor's own means; removed on leaving. Gives whether it is still there and as it was.
        """

    @abc.abstractmethod
    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """Give a VM of the driver another label, as an operator would."""

    @abc.abstractmethod
    def power_off_vm(self, vm_uuid: UUID) -> None:
        """Turn a VM of the driver off, as an operator would."""

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """Which settings a VM of the driver has on the backend."""
        raise CannotProvoke("nobody but the driver sees the settings of a VM of this backend")

    @abc.abstractmethod
    def outage(self) -> AbstractContextManager[None]:
        """The backend is away inside the context, and back after it, with all VMs as they were."""

    @abc.abstractmethod
    def full_storage(self) -> AbstractContextManager[None]:
        """Inside the context the storage for disks and images takes no more than a few KiB."""

    @abc.abstractmethod
    def round_trips(self) -> int:
        """How many questions calls of the driver have put to the backend so far, over all its
        connections; without those that a thread of the driver asks by itself.
        """

    def second_settings(self) -> Any:
        """Settings for another host of the same kind, with storage of its own, to and from which
        VMs can go. `leftovers` tells what is left on it, too.
        """
        raise CannotProvoke("this harness has no second host")

    def shared_hosts(self) -> tuple[Any, Any]:
        """Settings for two hosts that keep disks and images on one storage."""
        raise CannotProvoke("this harness has no two hosts with one storage")

    def read_disk(self, settings: Any, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """The first bytes of a disk, as a guest would read them; the VM is stopped.

        Args:
            settings: those of the host that has the VM.
            vm_uuid: the VM.
            key: the disk.
            size_bytes: how many bytes.
        """
        raise CannotProvoke("this harness cannot read disks")

    def write_disk(self, settings: Any, vm_uuid: UUID, key: str, content: bytes) -> None:
        """Put bytes at the beginning of a disk, as a guest would write them; the VM is stopped."""
        raise CannotProvoke("this harness cannot write disks")


_started: dict[type[Harness], Harness] = {}
_failed: dict[type[Harness], Exception] = {}


def started(harness_class: type[Harness]) -> Harness:
    """The harness of this process, started; a start that failed is not tried again."""
    if harness_class in _failed:
        raise _failed[harness_class]
    if harness_class not in _started:
        harness = harness_class()
        atexit.register(harness.stop)
        try:
            harness.start()
        except Exception as error:
            _failed[harness_class] = error
            harness.stop()
            raise
        _started[harness_class] = harness
    return _started[harness_class]


def finished(harness_class: type[Harness]) -> None:
    """Stop the harness of this process; it may be started anew."""
    harness = _started.pop(harness_class, None)
    if harness is not None:
        atexit.unregister(harness.stop)
        harness.stop()
