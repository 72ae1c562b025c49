"""What the tests against vcsim share."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import testtools
from nova_virt_interface.errors import HostUnreachable, VirtError
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import started
from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media, MediaFormat
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_vmware.testing.faults import connection_cut_at, fault_answered_at
from nova_virt_vmware.testing.harness import VcsimHarness

MIB = 1024 * 1024
BLANK = DiskSpec(key="data", source=Blank(), size_bytes=8 * MIB)
MEDIUM = DiskSpec(
    key="config-drive", source=Media(format=MediaFormat.ISO9660, content=b"medium" * 500)
)


def spec(*disks: DiskSpec, nics: tuple[NicSpec, ...] = (), name: str = "test") -> VmSpec:
    return VmSpec(name=name, vcpus=1, memory_bytes=32 * MIB, disks=disks or (BLANK,), nics=nics)


def nic(network: str = "DC0_DVPG0", number: int = 1) -> NicSpec:
    backing = NicBacking(kind=NicBackingKind.NETWORK, name=network)
    return NicSpec(key=f"nic-{number}", mac=f"52:54:00:00:00:{number:02x}", backing=backing)


MOST_REQUESTS = 90
# Not the same ones before they are sent and with their replies.
STRIDES = {False: 5, True: 4}


class VcsimTestCase(testtools.TestCase):
    """A connection of its own to this process's vcsim; proves that nothing is left."""

    harness_class: ClassVar[type[VcsimHarness]] = VcsimHarness

    def setUp(self) -> None:
        super().setUp()
        self.harness: Any = started(self.harness_class)
        before = self.harness.leftovers()
        self.addCleanup(lambda: self.assertEqual(before, self.harness.leftovers()))
        self.services = SuiteServices()
        self.driver = self.connect()

    def connect(self) -> Any:
        driver = self.harness.factory().connect(self.harness.settings(), self.services)
        self.addCleanup(driver.close)
        return driver

    def new_uuid(self) -> UUID:
        """The uuid of a VM that is deleted after the test."""
        vm_uuid = uuid4()
        self.addCleanup(lambda: self.driver.delete_vm(vm_uuid, DeleteVmRequest()))
        return vm_uuid

    def made(self, *disks: DiskSpec, **more: Any) -> UUID:
        vm_uuid = self.new_uuid()
        self.driver.create_vm(vm_uuid, spec(*disks, **more))
        return vm_uuid

    def image(self, key: str = "image") -> CacheImageRequest:
        """Offer the harness's image; it is removed from the cache after the test."""
        image = self.harness.image()
        self.services.images.add(key, image.path)
        self.addCleanup(lambda: self.driver.delete_cached_image(DeleteImageRequest(key=key)))
        size = image.path.stat().st_size
        return CacheImageRequest(key=key, format=image.format, size_bytes=size)

    def root(self, key: str = "image", grown_by: int = 0) -> DiskSpec:
        size = self.harness.image().virtual_size_bytes + grown_by
        return DiskSpec(key="root", source=FromImage(image_key=key), size_bytes=size, boot_index=0)

    def folder(self, vm_uuid: UUID) -> Path:
        """The folder of a VM's files, as vcsim has it."""
        path: Path = self.harness.server.datastore_folder / "nova-virt-nova" / "vms" / str(vm_uuid)
        return path

    def hardware(self, vm_uuid: UUID) -> Any:
        server = self.harness.server
        return server.fact(server.vm(vm_uuid), "config.hardware.device")

    def cut_everywhere(
        self, operation: Callable[[], object], undo: Callable[[], object] = lambda: None
    ) -> None:
        """Cut the operation before its requests and with their replies, each time repeat it, then
        undo it. All requests are cut in a long run, else every so many.
        """
        for after, stride in STRIDES.items():
            self._break_everywhere(operation, undo, stride, partial(connection_cut_at, after=after))

    def refuse_everywhere(
        self, fault: str, operation: Callable[[], object], undo: Callable[[], object]
    ) -> None:
        """As `cut_everywhere`, but the server refuses each request by this fault once."""
        self._break_everywhere(operation, undo, 2, partial(fault_answered_at, name=fault))

    def _break_everywhere(
        self,
        operation: Callable[[], object],
        undo: Callable[[], object],
        stride: int,
        broken_at: Callable[[int], AbstractContextManager[list[int]]],
    ) -> None:
        is_long = bool(os.environ.get("NOVA_VIRT_TEST_LONG"))
        undo()
        before = self.harness.leftovers()
        for number in range(0, MOST_REQUESTS, 1 if is_long else stride):
            with broken_at(number) as seen:
                self._attempted(operation)
            if len(seen) <= number:
                undo()
                return
            operation()
            undo()
            self.assertEqual(before, self.harness.leftovers(), f"{broken_at}, {number}")
        self.fail("the operation does not end")

    def _attempted(self, operation: Callable[[], object]) -> None:
        try:
            operation()
        except VirtError as error:
            self.assertTrue(error.remedy or not isinstance(error, HostUnreachable))
