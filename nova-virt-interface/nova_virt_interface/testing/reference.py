"""Harnesses of the reference driver, at both levels."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.reference.host import Host, Vm, host_named
from nova_virt_interface.reference.host_migration import share_storage
from nova_virt_interface.reference.hypervisor import ReferenceFactory
from nova_virt_interface.reference.virt_driver import ReferenceDirectFactory
from nova_virt_interface.testing.harness import Backend, BackendKind, Harness, TestImage
from nova_virt_interface.testing.reference_power import ReferencePowerAnswers
from nova_virt_interface.testing.reference_storage import ReferenceStorageAnswers
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind

__all__ = ["ReferenceDirectHarness", "ReferenceHarness"]

_numbers = itertools.count()


class ReferenceHarness(ReferencePowerAnswers, ReferenceStorageAnswers, Harness):
    """The reference driver, on a host in memory of its own."""

    driver = "reference"
    backend_name = "memory"
    kind = BackendKind.SIMULATED
    patience_seconds = 10.0
    _factory: ClassVar[type[ReferenceFactory | ReferenceDirectFactory]] = ReferenceFactory

    def start(self) -> None:
        """See `Harness`."""
        self._name = f"conformance-{os.getpid()}-{next(_numbers)}"
        self._shared = (f"{self._name}-shared-1", f"{self._name}-shared-2")
        share_storage(f"{self._name}-storage", *map(host_named, self._shared))
        self._directory = tempfile.TemporaryDirectory(prefix="nova-virt-reference-")
        self._image = Path(self._directory.name) / "guest.raw"
        self._image.write_bytes(GUEST_IMAGE)

    def stop(self) -> None:
        """See `Harness`."""
        if hasattr(self, "_directory"):
            self._directory.cleanup()

    @property
    def host(self) -> Host:
        """The host in memory."""
        return host_named(self._name)

    def backend(self) -> Backend:
        """See `Harness`."""
        return Backend(name=self.backend_name, version="1", kind=self.kind)

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return self._factory()

    def settings(self) -> Settings:
        """See `Harness`."""
        return Settings(host=self._name)

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        host_named(f"{self._name}-away").away = True
        return Settings(host=f"{self._name}-away")

    def image(self) -> TestImage:
        """See `Harness`."""
        size = len(GUEST_IMAGE)
        return TestImage(
            path=self._image, format=DiskFormat.RAW, virtual_size_bytes=size, boots=True
        )

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name="network-1")

    def leftovers(self) -> frozenset[str]:
        """See `Harness`."""
        names = (self._name, f"{self._name}-second", *self._shared)
        return frozenset().union(*(_found(host_named(name)) for name in names))

    def second_settings(self) -> Settings:
        """See `Harness`."""
        return Settings(host=f"{self._name}-second")

    def shared_hosts(self) -> tuple[Settings, Settings]:
        """See `Harness`."""
        first, second = self._shared
        return Settings(host=first), Settings(host=second)

    def read_disk(self, settings: Settings, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """See `Harness`."""
        content = host_named(settings.host).vm(vm_uuid).disks[key].content
        return content[:size_bytes].ljust(size_bytes, b"\0")

    def write_disk(self, settings: Settings, vm_uuid: UUID, key: str, content: bytes) -> None:
        """See `Harness`."""
        disk = host_named(settings.host)._vms[vm_uuid].disks[key]
        disk.content = content + disk.content[len(content) :]

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        self.host.define(
            Vm(uuid=vm_uuid, label="foreign", owner="somebody", vcpus=1, memory_bytes=1)
        )
        try:
            yield
        finally:
            self.host.undefine(vm_uuid)

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        vm = self.host.vm(vm_uuid)
        return (vm.label, vm.owner, vm.state) == ("foreign", "somebody", "stopped")

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`."""
        copy = replace(deepcopy(self.host.vm(vm_uuid)), uuid=uuid4(), label="copy", disks={})
        self.host.define(copy)
        try:
            yield lambda: copy == self.host.vm(copy.uuid)
        finally:
            self.host.undefine(copy.uuid)

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        return frozenset(map(VmFeature, self.host.vm(vm_uuid).features))

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        self.host.rename(vm_uuid, name)

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self.host.power_off(vm_uuid)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """See `Harness`."""
        self.host.set_away(True)
        try:
            yield
        finally:
            self.host.set_away(False)

    @contextmanager
    def full_storage(self) -> Iterator[None]:
        """See `Harness`."""
        self.host.ballast_bytes = self.host.resources()[1] - 4096
        try:
            yield
        finally:
            self.host.ballast_bytes = 0

    def round_trips(self) -> int:
        """See `Harness`."""
        return self.host.round_trips


def _found(host: Host) -> set[str]:
    vms = host.vms()
    found = {f"VM {vm.uuid}" for vm in vms} | {f"image {key}" for key in host.images()}
    found |= {f"disk {key} of {vm.uuid}" for vm in vms for key in vm.disks}
    found |= {f"secret of {k}" for vm in vms for k, d in vm.disks.items() if d.key or d.login}
    found |= {f"mount {key}" for key in host.mounts()}
    found |= {f"connection {number}" for number in range(host.connections)}
    return {f"{thing} on {host.name}" for thing in found | set(host.moves.traces())}


class ReferenceDirectHarness(ReferenceHarness):
    """The reference driver that provides `IVirtDriver` itself."""

    driver = "reference-direct"
    backend_name = "memory-direct"
    _factory = ReferenceDirectFactory
