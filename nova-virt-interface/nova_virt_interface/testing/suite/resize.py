"""VMs that become larger or smaller, and again what they were."""

from __future__ import annotations

import dataclasses
from uuid import UUID

from nova_virt_interface.errors import (
    Conflict,
    InsufficientResources,
    InvalidRequest,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk, image_disk, nic
from nova_virt_interface.values.disks import FromImage
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

__all__ = ["ResizeSuite"]

_OLD = b"as it was before" * 64
_NEW = b"as it became since" * 64


class ResizeSuite(HypervisorMixin):
    """resize_vm, confirm_resize, revert_resize."""

    def _larger(self, **changes: object) -> VmSpec:
        size = 2 * self.harness.disk_bytes
        fields: dict[str, object] = {
            "vcpus": 2,
            "memory_bytes": 2 * self.harness.memory_bytes,
            "disks": (
                blank_disk(self.harness, size_bytes=size),
                blank_disk(self.harness, "extra"),
            ),
            "nics": (nic(self.harness, 7),),
        }
        return self.spec(**fields | changes)

    def _old(self) -> VmSpec:
        disks = (blank_disk(self.harness), blank_disk(self.harness, "swap"))
        return self.spec(disks=disks, nics=(nic(self.harness, 5),))

    def _made_and_written(self) -> UUID:
        self.requires(IResize)
        vm_uuid = self.new_uuid()
        self.hypervisor.create_vm(vm_uuid, self._old())
        self._write(vm_uuid, "data", _OLD)
        self._write(vm_uuid, "swap", _OLD)
        return vm_uuid

    def _resize(self, vm_uuid: UUID, spec: VmSpec) -> None:
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=spec))

    def _revert(self, vm_uuid: UUID) -> None:
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())

    def _confirm(self, vm_uuid: UUID) -> None:
        self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())

    def _write(self, vm_uuid: UUID, key: str, content: bytes) -> None:
        self.harness.write_disk(self.harness.settings(), vm_uuid, key, content)

    def _read(self, vm_uuid: UUID, key: str) -> bytes:
        return self.harness.read_disk(self.harness.settings(), vm_uuid, key, len(_OLD))

    def _assert_is(self, vm_uuid: UUID, spec: VmSpec) -> None:
        state = self.hypervisor.get_vm(vm_uuid)
        self.assertEqual({disk.key for disk in spec.disks}, set(state.disk_keys or ()))
        self.assertEqual({nic.key for nic in spec.nics}, set(state.nic_keys or ()))
        # The description is the VM's, so that making it of that again changes nothing.
        self.hypervisor.create_vm(vm_uuid, spec)
        found = {item.vm_uuid: item for item in self.hypervisor.statistics()}[vm_uuid]
        self.assertIn(found.vcpus, (None, spec.vcpus))
        self.assertIn(found.memory_bytes, (None, spec.memory_bytes))

    @rules("RSZ-2", "RSZ-4", "RSZ-6", "ID-4")
    def test_a_resize_keeps_disks_and_is_confirmed(self) -> None:
        vm_uuid = self._made_and_written()
        for _ in range(2):
            self._resize(vm_uuid, self._larger())
        self.assert_state(vm_uuid, PowerState.STOPPED)
        self._assert_is(vm_uuid, self._larger())
        self.assertEqual(_OLD, self._read(vm_uuid, "data"))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        pending = self.harness.leftovers()
        for _ in range(2):
            self._confirm(vm_uuid)
            self.assert_state(vm_uuid, PowerState.RUNNING)
        self.assertLess(self.harness.leftovers(), pending, "what was kept is still there")
        self._resize(vm_uuid, self._larger())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        with self.refused(Conflict, Resource.VM):
            self.hypervisor.create_vm(vm_uuid, self._old())

    @rules("RSZ-7", "RSZ-1")
    def test_a_revert_brings_everything_back(self) -> None:
        vm_uuid = self._made_and_written()
        # Its console log, too, exists from here on.
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        before = self.harness.leftovers()
        self._resize(vm_uuid, self._larger())
        self._write(vm_uuid, "data", _NEW)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        with self.refused(InvalidState) as caught:
            self._revert(vm_uuid)
        self.assertEqual(PowerState.RUNNING.value, caught.error.state)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        for _ in range(2):
            self._revert(vm_uuid)
            self.assert_state(vm_uuid, PowerState.STOPPED)
        self.assertEqual(before, self.harness.leftovers())
        self._assert_is(vm_uuid, self._old())
        for key in ("data", "swap"):
            self.assertEqual(_OLD, self._read(vm_uuid, key))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self._revert(vm_uuid)
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("RSZ-4", "RSZ-1")
    def test_a_second_resize_while_one_is_pending_is_a_conflict(self) -> None:
        vm_uuid = self._made_and_written()
        self._resize(vm_uuid, self._larger())
        before = self.harness.leftovers()
        for other in (self._larger(vcpus=1), self._old()):
            with self.refused(Conflict, Resource.VM):
                self._resize(vm_uuid, other)
        self.assertEqual(before, self.harness.leftovers())
        self._confirm(vm_uuid)
        self._resize(vm_uuid, self._larger(vcpus=1))
        self._revert(vm_uuid)
        self._assert_is(vm_uuid, self._larger())

    @rules("RSZ-3", "ERR-4")
    def test_what_cannot_be_is_refused_before_anything_is_touched(self) -> None:
        self.requires(IResize)
        vm_uuid = self.made()
        before = self.harness.leftovers()
        disk = blank_disk(self.harness)
        small = dataclasses.replace(disk, size_bytes=(disk.size_bytes or 0) // 2)
        other = dataclasses.replace(disk, source=FromImage(image_key="another"))
        for wrong in (small, other):
            with self.refused(InvalidRequest) as caught:
                self._resize(vm_uuid, self.spec(vcpus=2, disks=(wrong,)))
            self.assertFalse(caught.error.may_have_been_done)
        step = self.hypervisor.describe().memory_step_bytes
        if step > 1:
            odd = self.harness.memory_bytes + 1
            with self.refused(Unsupported):
                self._resize(vm_uuid, self.spec(memory_bytes=odd))
        self.assertEqual(before, self.harness.leftovers())
        self._assert_is(vm_uuid, self.spec())

    @rules("RSZ-3", "RSZ-4")
    def test_a_running_vm_is_refused_but_for_what_it_is(self) -> None:
        self.requires(IResize)
        vm_uuid = self.running()
        before = self.harness.leftovers()
        self._resize(vm_uuid, self.spec())
        with self.refused(InvalidState) as caught:
            self._resize(vm_uuid, self._larger())
        self.assertEqual(PowerState.RUNNING.value, caught.error.state)
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.assertEqual(before, self.harness.leftovers())

    @rules("RSZ-5", "FAIL-1")
    def test_a_failed_resize_leaves_the_vm_as_it_was(self) -> None:
        vm_uuid = self._made_and_written()
        before = self.harness.leftovers()
        room = self.hypervisor.inventory().storage_bytes
        large = self._larger(disks=(blank_disk(self.harness, "extra", 2 * room),))
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self._resize(vm_uuid, large)
        missing = dataclasses.replace(
            blank_disk(self.harness, "extra"), source=FromImage(image_key="missing")
        )
        with self.refused(NotFound, Resource.IMAGE):
            self._resize(vm_uuid, self._larger(disks=(blank_disk(self.harness), missing)))
        self.assertEqual(before, self.harness.leftovers())
        self._assert_is(vm_uuid, self._old())
        self.assertEqual(_OLD, self._read(vm_uuid, "data"))
        self._resize(vm_uuid, self._larger())

    @rules("RSZ-1", "LIFE-5")
    def test_deleting_removes_what_was_kept(self) -> None:
        self.requires(IResize)
        before = self.harness.leftovers()
        vm_uuid = self.made()
        self._resize(vm_uuid, self._larger())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(before, self.harness.leftovers())

    @rules("RSZ-2")
    def test_a_resized_guest_sees_its_larger_disk(self) -> None:
        self.requires(IResize)
        vm_uuid = self.booted()
        off = StopRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.hypervisor.stop_vm(vm_uuid, off)
        root = image_disk(self.harness, self.cached_image_key())
        size = 2 * self.harness.image().virtual_size_bytes
        root = dataclasses.replace(root, size_bytes=size)
        self._resize(vm_uuid, self.spec(disks=(root,)))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        report = self.wait_booted(vm_uuid)
        self.assertIn(size, {int(fact.split()[1]) for fact in report.all("disk")})

    def test_unknown_vms_are_not_resized(self) -> None:
        self.requires(IResize)
        vm_uuid = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            self._resize(vm_uuid, self.spec())
        with self.refused(NotFound, Resource.VM):
            self._confirm(vm_uuid)
        with self.refused(NotFound, Resource.VM):
            self._revert(vm_uuid)
