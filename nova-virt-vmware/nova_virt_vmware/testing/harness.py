"""The conformance harness: the driver against a private vcsim."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any, ClassVar
from uuid import UUID, uuid4

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.harness import (
    Backend,
    BackendKind,
    CannotProvoke,
    Harness,
    TestImage,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind

from nova_virt_vmware.conf import Settings
from nova_virt_vmware.hypervisor import VmwareFactory
from nova_virt_vmware.testing.answers import Answers
from nova_virt_vmware.testing.relay import Relay
from nova_virt_vmware.testing.requests_counter import RequestsCounter
from nova_virt_vmware.testing.server import Server
from nova_virt_vmware.testing.storage import FIRST_CLASS, SERVICE, Storage
from nova_virt_vmware.testing.vcsim import GOVMOMI_VERSION
from nova_virt_vmware.testing.volume_answers import VolumeAnswers

__all__ = ["EsxHarness", "VcsimHarness"]

_MIB = 1024 * 1024
_IMAGE_BYTES = 4 * _MIB
# What vcsim's guest looks for in the disk that is booted.
_MARK = b"NVG-GUEST"


class VcsimHarness(Answers, VolumeAnswers, Harness):
    """Clusters of two hosts each in vcsim, with two datastores. Its guests tell what they find."""

    driver = "vmware"
    backend_name = "vcsim"
    kind = BackendKind.SIMULATED
    memory_bytes = 32 * _MIB
    patience_seconds = 10.0
    has_one_manager = True
    has_moving_consoles = True
    esx: ClassVar[bool] = False
    network: ClassVar[str] = "DC0_DVPG0"

    def start(self) -> None:
        """See `Harness`."""
        self.server = Server(esx=self.esx)
        self.server.start()
        self.storage = Storage(self.server)
        self._relay = Relay(("127.0.0.1", self.server.port))
        self._requests = RequestsCounter(self._relay.port)
        self._requests.start()
        self._make_image()

    def stop(self) -> None:
        """See `Harness`."""
        if hasattr(self, "_requests"):
            self._requests.stop()
        if hasattr(self, "_relay"):
            self._relay.cut()
        if hasattr(self, "server"):
            self.server.stop()

    def _make_image(self) -> None:
        """A disk with content at its start and its end, as qemu-img packs it."""
        folder = self.server.folder
        content = Random(1).randbytes(100_000)  # noqa: S311 - it shall be the same in every run
        size = len(_MARK) + 2 * len(content)
        self.image_content = _MARK + content + bytes(_IMAGE_BYTES - size) + content
        (folder / "image.raw").write_bytes(self.image_content)
        arguments = ["-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized"]
        self.server.tool("qemu-img", "convert", *arguments, "image.raw", "image.vmdk")

    def backend(self) -> Backend:
        """See `Harness`."""
        return Backend(name=self.backend_name, version=GOVMOMI_VERSION, kind=self.kind)

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return VmwareFactory()

    def settings(self) -> Settings:
        """See `Harness`."""
        return Settings(
            host="127.0.0.1",
            port=self._relay.port,
            username=self.server.username,
            password=Secret(self.server.password),
            ca_file=str(self.server.ca_file),
            cluster=self.server.cluster.name,
            datastore=self.server.datastore.name,
            reconnect_interval_seconds=0.2,
        )

    def second_settings(self) -> Settings:
        """See `Harness`: another cluster of the vCenter, with another datastore."""
        if self.esx:
            raise CannotProvoke("an ESXi knows no other one")
        return replace(
            self.settings(),
            cluster=self.server.second_cluster.name,
            datastore=self.server.second_datastore.name,
        )

    def shared_hosts(self) -> tuple[Settings, Settings]:
        """See `Harness`."""
        first, second = self.settings(), self.second_settings()
        return first, replace(second, datastore=first.datastore)

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        return replace(self.settings(), port=port)

    def image(self) -> TestImage:
        """See `Harness`."""
        return TestImage(
            path=self.server.folder / "image.vmdk",
            format=DiskFormat.VMDK,
            virtual_size_bytes=_IMAGE_BYTES,
            boots=True,
        )

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name=self.network)

    def leftovers(self) -> frozenset[str]:
        """See `Harness`. The folders for all VMs and all images stay."""
        self.server.require_alive()
        found = {f"VM {name}" for name in self.server.vm_names()}
        found |= {f"login {number}" for number, _ in enumerate(self.server.sessions())}
        found |= {f"connection {connection}" for connection in self.storage.connections()}
        return frozenset(found | {f"file {file}" for file in self.server.files() if _is_ones(file)})

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        vm = self.server.make_vm("foreign", vm_uuid)
        try:
            yield
        finally:
            self.server.destroy(vm)

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        vm = self.server.vm(vm_uuid)
        name, state, options = (
            self.server.fact(vm, path)
            for path in ("name", "runtime.powerState", "config.extraConfig")
        )
        marked = any(option.key.startswith("nova") for option in options or ())
        return (name, str(state), marked) == ("foreign", "poweredOff", False)

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`. `CloneVM_Task` copies the marks, too; vcsim's does not copy disks."""
        server = self.server
        marks = server.fact(server.vm(vm_uuid), "config.extraConfig")
        copy = server.make_vm("copy", uuid4(), marks=marks)
        try:
            yield lambda: str(server.fact(copy, "runtime.powerState")) == "poweredOff"
        finally:
            server.destroy(copy)

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        self.server.wait(self.server.vm(vm_uuid).Rename_Task(name))

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self.server.wait(self.server.vm(vm_uuid).PowerOffVM_Task())

    @contextmanager
    def outage(self) -> Iterator[None]:
        """See `Harness`."""
        self._relay.cut()
        try:
            yield
        finally:
            self._relay.mend()

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Inside, nothing that either side says arrives; no connection breaks."""
        self._relay.stall()
        try:
            yield
        finally:
            self._relay.flow()

    @contextmanager
    def full_storage(self) -> Iterator[None]:
        """See `Harness`. vcsim refuses nothing for want of room, it only counts it: somebody else's
        disk takes what is free.
        """
        free = self.server.fact(self.server.datastore, "summary.freeSpace")
        vm: Any = self.server.make_vm("ballast", uuid4(), free - 4096)
        try:
            yield
        finally:
            self.server.destroy(vm)

    def round_trips(self) -> int:
        """See `Harness`."""
        return self._requests.count


class EsxHarness(VcsimHarness):
    """A standalone ESXi in vcsim."""

    backend_name = "vcsim-esx"
    esx = True
    network = "VM Network"


def _is_ones(file: str) -> bool:
    """Whether a file belongs to one VM or image, not to all, nor to a volume service."""
    file = file.rpartition(":")[2]
    if file.partition("/")[0] in (SERVICE, FIRST_CLASS):
        return False
    return file.count("/") > 1 or not file.startswith("nova-virt-")
