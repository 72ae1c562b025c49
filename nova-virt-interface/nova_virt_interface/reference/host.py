"""A host in memory: what the reference driver drives. It knows nothing of the contract's
interfaces.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field
from uuid import UUID

from nova_virt_interface.reference.guest import Guest, Inside
from nova_virt_interface.reference.host_moves import Moves

__all__ = [
    "Disk",
    "Host",
    "HostError",
    "Image",
    "Keys",
    "Nic",
    "Vm",
    "digest_of",
    "host_named",
    "hosts",
    "unlocked",
]

GIB = 1024**3


class HostError(Exception):
    """The host refuses; ``code`` is its own name for the reason."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


@dataclass
class Image:
    """An image in the host's cache."""

    format: str
    content: bytes


@dataclass
class Disk:
    """A disk; ``content`` is what it began as."""

    size_bytes: int
    content: bytes = b""
    image_key: str | None = None
    read_only: bool = False
    serial: str | None = None
    boot_index: int | None = None
    digest: str = ""
    origin: str = ""
    """Digest of what may not change in the disk's life."""
    is_volume: bool = False


@dataclass
class Nic:
    """A network interface."""

    mac: str
    digest: str = ""


@dataclass
class Vm:
    """A VM as the host stores it. ``owner`` is the mark of whoever made it."""

    uuid: UUID
    label: str
    owner: str
    vcpus: int
    memory_bytes: int
    digest: str = ""
    state: str = "stopped"
    disks: dict[str, Disk] = field(default_factory=dict)
    nics: dict[str, Nic] = field(default_factory=dict)
    console: bytes = b""
    starts: int = 0
    started_at: float = 0.0
    locks: dict[tuple[str, str], str] = field(default_factory=dict)
    """Digests of what opens its locked devices, by key and purpose."""
    keys: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What opened them: only in memory, while the VM is on."""
    inside: Inside = field(default_factory=Inside)
    slots: dict[str, int] = field(default_factory=dict)
    """Where the devices are that were given a place, by their keys."""
    features: frozenset[str] = frozenset()
    """What it has beside disks and NICs."""


Keys = Mapping[tuple[str, str], bytes]
Listener = Callable[[str, Vm | None], None]


class Host:
    """The host. Every public method is one question over the wire: counted, and refused while it is
    away.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vcpus = 16
        self.memory_bytes = 8 * GIB
        self.storage_bytes = 4 * GIB
        self.away = False
        self.round_trips = 0
        self.connections = 0
        self.ballast_bytes = 0
        self.booted_at = time.monotonic()
        self.in_maintenance = False
        self.orders: list[str] = []
        """What the host itself was told to do."""
        self.moves = Moves()
        self._vms: dict[UUID, Vm] = {}
        self._images: dict[str, Image] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()

    @contextmanager
    def _question(self) -> Iterator[None]:
        with self._lock:
            if self.away:
                raise HostError("AWAY", f"host {self.name} does not answer")
            self.round_trips += 1
            yield

    def set_away(self, away: bool) -> None:
        """Let the host go away or come back, with all VMs as they were."""
        with self._lock:
            self.away = away
            self._tell("host-unreachable" if away else "events-lost", None)

    def open(self, listener: Listener) -> None:
        """Begin a connection; the listener is told of every change of every VM."""
        with self._question():
            self.connections += 1
            self._listeners.append(listener)

    def shut(self, listener: Listener) -> None:
        """End a connection; works while the host is away."""
        with self._lock:
            self.connections -= 1
            self._listeners.remove(listener)

    def vms(self) -> list[Vm]:
        """All VMs, of all owners."""
        with self._question():
            return [copy(vm) for vm in self._vms.values()]

    def vm(self, uuid: UUID) -> Vm:
        """One VM."""
        with self._question():
            return deepcopy(self._existing(uuid))

    def images(self) -> dict[str, Image]:
        """All cached images by key."""
        with self._question():
            return dict(self._images)

    def resources(self) -> tuple[int, int]:
        """Free memory and free storage, in bytes."""
        with self._question():
            return (
                self.memory_bytes - self._memory_used(),
                self.storage_bytes - self._storage_used(),
            )

    def put_image(self, key: str, image: Image) -> None:
        """Store a whole image; an image of this key stays as it is."""
        with self._question():
            if key not in self._images:
                self._reserve(len(image.content))
                self._images[key] = image

    def drop_image(self, key: str) -> None:
        """Remove an image that no disk depends on."""
        with self._question():
            if any(disk.image_key == key for disk in self._disks()):
                raise HostError("IN_USE", f"image {key}")
            self._images.pop(key, None)

    def define(self, vm: Vm) -> None:
        """Store a VM with its disks."""
        with self._question():
            if vm.uuid in self._vms or vm.uuid in {**self.moves.incoming, **self.moves.sent}:
                raise HostError("EXISTS", f"VM {vm.uuid}")
            self._reserve(sum(disk.size_bytes for disk in vm.disks.values()))
            self._vms[vm.uuid] = deepcopy(vm)

    def undefine(self, uuid: UUID) -> None:
        """Remove a VM that is off, with its disks."""
        with self._question():
            vm = self._existing(uuid)
            if vm.state != "stopped":
                raise HostError("BAD_STATE", f"VM {uuid} is {vm.state}")
            del self._vms[uuid]
            self.moves.forget(uuid)
            self._tell("deleted", vm)

    def start(self, uuid: UUID, keys: Keys | None = None) -> None:
        """Boot a VM that is off; the keys open its locked devices."""
        with self._question():
            vm = self._existing(uuid)
            if vm.state not in ("stopped", "crashed"):
                raise HostError("BAD_STATE", f"VM {uuid} is {vm.state}")
            opening = unlocked(vm.locks, keys or {})
            if self.in_maintenance:
                raise HostError("IN_MAINTENANCE", f"host {self.name} takes no VMs")
            gone = {disk.image_key for disk in vm.disks.values()} - {None, *self._images}
            if gone:
                raise HostError("NO_IMAGE", f"VM {uuid} depends on {gone}")
            if vm.memory_bytes > self.memory_bytes - self._memory_used():
                raise HostError("NO_MEMORY", f"VM {uuid} needs {vm.memory_bytes} bytes")
            vm.state = "running"
            vm.keys = opening
            vm.starts += 1
            vm.started_at = time.monotonic()
            vm.console = Guest(vm).boot()
            self._tell("started", vm)

    def ask_to_stop(self, uuid: UUID) -> None:
        """Press the power button: a guest that listens turns off."""
        with self._question():
            vm = self._existing(uuid)
            if vm.state == "running" and Guest(vm).listens:
                vm.console += b"NVG poweroff\r\n"
                self._off(vm)

    def power_off(self, uuid: UUID) -> None:
        """Pull the plug."""
        with self._question():
            vm = self._existing(uuid)
            if vm.state == "stopped":
                raise HostError("BAD_STATE", f"VM {uuid} is stopped")
            self._off(vm)

    def rename(self, uuid: UUID, label: str) -> None:
        """Give a VM another label."""
        with self._question():
            self._existing(uuid).label = label

    def plug_disk(self, uuid: UUID, key: str, disk: Disk) -> None:
        """Make a disk and add it."""
        with self._question():
            vm = self._existing(uuid)
            self._reserve(disk.size_bytes)
            vm.disks[key] = disk
            vm.console += Guest(vm).disk_added(key, disk)

    def unplug_disk(self, uuid: UUID, key: str) -> None:
        """Remove a disk and its content."""
        with self._question():
            vm = self._existing(uuid)
            vm.console += Guest(vm).disk_removed(key)
            del vm.disks[key]

    def plug_nic(self, uuid: UUID, key: str, nic: Nic) -> None:
        """Add a NIC."""
        with self._question():
            vm = self._existing(uuid)
            vm.nics[key] = nic
            vm.console += Guest(vm).nic_event("mac_added", nic)

    def unplug_nic(self, uuid: UUID, key: str) -> None:
        """Remove a NIC."""
        with self._question():
            vm = self._existing(uuid)
            vm.console += Guest(vm).nic_event("mac_removed", vm.nics.pop(key))

    def _existing(self, uuid: UUID) -> Vm:
        if uuid not in self._vms:
            raise HostError("NO_SUCH_VM", str(uuid))
        return self._vms[uuid]

    def _off(self, vm: Vm) -> None:
        vm.state = "stopped"
        vm.keys = {}
        self._tell("stopped", vm)

    def _tell(self, kind: str, vm: Vm | None) -> None:
        for listener in self._listeners:
            listener(kind, vm)

    def _memory_used(self) -> int:
        return sum(
            vm.memory_bytes for vm in self._vms.values() if vm.state in ("running", "paused")
        )

    def _storage_used(self) -> int:
        disks = sum(disk.size_bytes for disk in self._disks())
        return (
            disks + sum(len(image.content) for image in self._images.values()) + self.ballast_bytes
        )

    def _disks(self) -> list[Disk]:
        stored = (*self._vms.values(), *self.moves.stored())
        return list({id(disk): disk for vm in stored for disk in vm.disks.values()}.values())

    def _reserve(self, size_bytes: int) -> None:
        free = self.storage_bytes - self._storage_used()
        if size_bytes > free:
            raise HostError("NO_STORAGE", f"{size_bytes} bytes are needed, {free} are free")


def unlocked(locks: Mapping[tuple[str, str], str], keys: Keys) -> dict[tuple[str, str], bytes]:
    """The keys of all locks; refuses when one does not open."""
    for place, digest in locks.items():
        if digest_of(keys.get(place, b"")) != digest:
            raise HostError("LOCKED", f"device {place[0]} is not opened by what came with the call")
    return {place: keys[place] for place in locks}


def digest_of(key: bytes) -> str:
    """What a lock keeps of its key."""
    return hashlib.sha256(key).hexdigest()


_hosts: dict[str, Host] = {}
_hosts_lock = threading.Lock()


def hosts() -> list[Host]:
    """All hosts in this process."""
    with _hosts_lock:
        return list(_hosts.values())


def host_named(name: str) -> Host:
    """The host of this name in this process; made when it is asked for first."""
    with _hosts_lock:
        return _hosts.setdefault(name, Host(name))
