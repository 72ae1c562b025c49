"""Disks that are linked clones of their images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import Conflict
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, ResizeDiskRequest
from nova_virt_interface.values.images import DeleteImageRequest
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest
from on_vcsim import BLANK, MIB, VcsimTestCase, spec
from pyVmomi import vim


class TestClones(VcsimTestCase):
    """Option linked_clones."""

    def setUp(self) -> None:
        super().setUp()
        self.request = self.image()
        self.driver.cache_image(self.request)

    def connect(self) -> Any:
        """As always, but for the option."""
        settings = replace(self.harness.settings(), linked_clones=True)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        return driver

    def _parent(self, vm_uuid: UUID) -> Any:
        disks = [d for d in self.hardware(vm_uuid) if isinstance(d, vim.vm.device.VirtualDisk)]
        return disks[0].backing.parent

    def _assert_whole(self) -> None:
        """The image is there as it was, and good for another disk."""
        again = self.made(self.root())
        found = self.harness.read_as_guest(again, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)
        self.driver.delete_vm(again, DeleteVmRequest())

    def test_what_it_is_a_clone_of_outlives_it(self) -> None:
        """Also if vSphere deletes the whole chain of a disk that goes with its VM."""
        other = self.made(self.root())
        vm_uuid = self.made(self.root(), BLANK)
        before = self.harness.leftovers()
        extra = replace(self.root(), key="extra", boot_index=None)
        self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))
        self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.assertEqual(before, self.harness.leftovers())
        self._assert_whole()
        self.driver.start_vm(vm_uuid, StartRequest())
        self.driver.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertFalse(self.folder(vm_uuid).exists())
        self._assert_whole()
        found = self.harness.read_as_guest(other, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)

    def test_a_clone_that_was_left_is_not_in_the_way(self) -> None:
        vm_uuid = self.made(BLANK)
        left = [self.folder(vm_uuid) / name for name in ("extra.vmdk", "extra-delta.vmdk")]
        for file in left:
            file.write_text("rubbish")
        disk = replace(self.root(), key="extra", boot_index=None)
        self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
        found = self.harness.read_as_guest(vm_uuid, "extra", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)
        self.assertFalse(left[1].exists())

    def _assert_needed(self, *, is_needed: bool) -> None:
        delete = DeleteImageRequest(key=self.request.key)
        if is_needed:
            self.assertRaises(Conflict, self.driver.delete_cached_image, delete)
        else:
            self.driver.delete_cached_image(delete)
            self.driver.cache_image(self.request)

    def test_a_disk_as_large_as_its_image_is_a_clone_and_needs_it(self) -> None:
        vm_uuid = self.made(self.root())
        self.assertIn("/images/image/", self._parent(vm_uuid).fileName)
        found = self.harness.read_as_guest(vm_uuid, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)
        self._assert_needed(is_needed=True)
        self.driver.delete_vm(vm_uuid, DeleteVmRequest())
        self._assert_needed(is_needed=False)

    def test_a_larger_disk_is_a_copy(self) -> None:
        vm_uuid = self.made(self.root(grown_by=MIB))
        self.assertIsNone(self._parent(vm_uuid))
        self._assert_needed(is_needed=False)

    def test_one_that_grows_is_unlinked(self) -> None:
        vm_uuid = self.made(self.root())
        size = (self.root().size_bytes or 0) + MIB
        grow = ResizeDiskRequest(key="root", size_bytes=size)
        for _ in range(2):
            self.driver.resize_disk(vm_uuid, grow)
        self.assertIsNone(self._parent(vm_uuid))
        self._assert_needed(is_needed=False)
        found = self.harness.read_as_guest(vm_uuid, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)

    def test_one_that_is_plugged_in_and_out(self) -> None:
        vm_uuid = self.made(BLANK)
        disk = replace(self.root(), boot_index=None)
        for _ in range(2):
            self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
        self._assert_needed(is_needed=True)
        self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="root"))
        self._assert_needed(is_needed=False)

    def test_the_image_stays_while_a_resize_is_pending(self) -> None:
        vm_uuid = self.made(self.root())
        larger = ResizeVmRequest(spec=replace(spec(self.root(grown_by=MIB)), vcpus=2))
        self.driver.resize_vm(vm_uuid, larger)
        self._assert_needed(is_needed=True)
        # vSphere finds the parent in the disk's descriptor, vcsim does not look.
        self.driver.revert_resize(vm_uuid, RevertResizeRequest())
        self._assert_needed(is_needed=True)
        self.driver.resize_vm(vm_uuid, larger)
        self.driver.confirm_resize(vm_uuid, ConfirmResizeRequest())
        self.assertIsNone(self._parent(vm_uuid))
        self._assert_needed(is_needed=False)
        found = self.harness.read_as_guest(vm_uuid, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)

    def test_every_request_may_break(self) -> None:
        vm_uuid = self.new_uuid()
        create = partial(self.driver.create_vm, vm_uuid, spec(self.root()))
        delete = partial(self.driver.delete_vm, vm_uuid, DeleteVmRequest())
        self.cut_everywhere(create, delete)
        vm_uuid = self.made(BLANK)
        disk = replace(self.root(), boot_index=None)
        self.cut_everywhere(
            partial(self.driver.attach_disk, vm_uuid, AttachDiskRequest(disk=disk)),
            partial(self.driver.detach_disk, vm_uuid, DetachDiskRequest(key="root")),
        )
        self._assert_whole()
