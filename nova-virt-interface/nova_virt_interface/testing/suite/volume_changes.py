"""Volumes that are replaced, that grow, and of which snapshots are made, while attached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.volumes import IVolumeReplacement, IVolumeSnapshots
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.harness_storage import TestVolume
from nova_virt_interface.testing.suite._mixins import blank_disk
from nova_virt_interface.testing.suite._volumes import (
    KEY,
    MARK,
    PLAIN,
    VOLUME_BYTES,
    VolumeMixin,
    volume_disk,
)
from nova_virt_interface.values.disks import ResizeDiskRequest
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    Volume,
    VolumeProtocol,
)

__all__ = ["VolumeChangeSuite"]

_FIRST, _SECOND, _THIRD = (MARK, MARK.upper(), MARK[::-1])
_FILES = (VolumeProtocol.FILE, VolumeProtocol.NFS, VolumeProtocol.SMB)


class VolumeChangeSuite(VolumeMixin):
    """`IVolumeReplacement`, `IVolumeSnapshots`, and `IDiskResize` of volumes."""

    def _running_with(self, *volumes: TestVolume) -> UUID:
        """A VM that runs with one volume."""
        return self.running(disks=(blank_disk(self.harness), *map(volume_disk, volumes)))

    def _guest_writes(self, vm_uuid: UUID, content: bytes, place: int = 0) -> None:
        self.harness.write_as_guest(vm_uuid, KEY, place * 512, content)

    def _assert_guest_reads(self, vm_uuid: UUID, *contents: bytes) -> None:
        for place, content in enumerate(contents):
            found = self.harness.read_as_guest(vm_uuid, KEY, place * 512, 512)
            self.assertEqual(content, found)

    def _assert_volume_holds(self, volume: TestVolume, content: bytes, place: int = 0) -> None:
        found = self.harness.volume_content(volume)[place * 512 :][:512].ljust(512, b"\0")
        self.assertEqual(content, found)

    def _assert_used(self, used: TestVolume, other: TestVolume) -> None:
        self.assertTrue(self.harness.volume_is_used(used))
        self.assertFalse(self.harness.volume_is_used(other))

    @rules("VOL-6", "VOL-8", "VOL-2", "REP-1")
    def test_a_volume_is_replaced_under_a_running_guest(self) -> None:
        self.requires(IVolumeReplacement, IDiskHotplug)
        large = self.volume(size_bytes=2 * VOLUME_BYTES)
        with self.volume() as old, large as larger, self.volume() as equal:
            before_disk = volume_disk(old)
            vm_uuid = self.listening(before_disk)
            self._guest_writes(vm_uuid, _FIRST)
            new = larger if self._takes(vm_uuid, larger) else equal
            request = _replacement(new)
            for _ in range(2):
                self.hypervisor.replace_volume(vm_uuid, request)
                self._assert_used(new, old)
            self._assert_guest_reads(vm_uuid, _FIRST)
            self._guest_writes(vm_uuid, _SECOND, 1)
            self._assert_volume_holds(new, _FIRST)
            self._assert_volume_holds(new, _SECOND, 1)
            self._assert_volume_holds(old, bytes(512), 1)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self._assert_guest_reads(vm_uuid, _FIRST, _SECOND)
            self._assert_used(new, old)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.detached(vm_uuid)
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assertFalse(self.harness.volume_is_used(new))
            self._assert_volume_holds(old, _FIRST)
            self.attached(vm_uuid, before_disk)
            self._assert_used(old, new)
            self.detached(vm_uuid)

    def _takes(self, vm_uuid: UUID, larger: TestVolume) -> bool:
        """Replace by a larger volume; says whether the hypervisor can."""
        try:
            self.hypervisor.replace_volume(vm_uuid, _replacement(larger))
        except Unsupported as error:
            self.assertEqual("size_bytes", error.field)
            self.assertFalse(self.harness.volume_is_used(larger))
            return False
        return True

    @rules("VOL-7", "VOL-4", "FAIL-1")
    def test_after_a_failed_replacement_the_old_volume_is_used(self) -> None:
        self.requires(IVolumeReplacement)
        with self.volume() as old, self.volume() as new:
            vm_uuid = self._running_with(old)
            self._guest_writes(vm_uuid, _FIRST)
            before = self.harness.leftovers()
            with self.volume() as away:
                pass
            with self.refused(PeerUnreachable, Resource.VOLUME):
                self.hypervisor.replace_volume(vm_uuid, _replacement(away))
            with self.volume(size_bytes=VOLUME_BYTES // 2) as small:
                with self.refused(InvalidRequest):
                    self.hypervisor.replace_volume(vm_uuid, _replacement(small))
                self._assert_used(old, small)
            with Call("req-cancelled") as call, self.refused(Cancelled):
                call.cancel()
                self.hypervisor.replace_volume(vm_uuid, _replacement(new))
            self._assert_used(old, new)
            self.assertEqual(before, self.harness.leftovers())
            self._guest_writes(vm_uuid, _SECOND, 1)
            self._assert_volume_holds(old, _SECOND, 1)
            self.hypervisor.replace_volume(vm_uuid, _replacement(new))
            self._assert_volume_holds(new, _SECOND, 1)

    @rules("VOL-6", "VOL-7")
    def test_what_cannot_be_replaced_is_refused(self) -> None:
        self.requires(IVolumeReplacement)
        with self.volume() as old, self.volume() as new:
            vm_uuid = self._running_with(old)
            request = _replacement(new)
            missing = _replacement(new, key="missing")
            no_volume = _replacement(new, key="data", size_bytes=2 * self.harness.disk_bytes)
            with self.refused(NotFound, Resource.VM):
                self.hypervisor.replace_volume(self.new_uuid(), request)
            with self.refused(NotFound, Resource.DISK):
                self.hypervisor.replace_volume(vm_uuid, missing)
            with self.refused(InvalidRequest):
                self.hypervisor.replace_volume(vm_uuid, no_volume)
            if PLAIN.format not in self.hypervisor.describe().encryption_formats:
                plain = replace(request, volume=replace(request.volume, encryption=PLAIN))
                with self.refused(Unsupported):
                    self.hypervisor.replace_volume(vm_uuid, plain)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            with self.refused(InvalidState) as caught:
                self.hypervisor.replace_volume(vm_uuid, request)
            self.assertEqual(PowerState.STOPPED.value, caught.error.state)
            self.assertFalse(self.harness.volume_is_used(new))

    @rules("DISK-10", "DISK-11", "VOL-3", "REP-1")
    def test_the_new_size_of_a_volume_is_taken_over(self) -> None:
        self.requires(IDiskResize)
        for protocol in self.protocols():
            if protocol in self.harness.fixed_size_protocols:
                continue
            with self.volume(protocol) as made:
                vm_uuid = self._running_with(made)
                large = ResizeDiskRequest(key=KEY, size_bytes=2 * VOLUME_BYTES)
                if self.has_feature(VmFeature.ONLINE_DISK_RESIZE):
                    with self.refused(InvalidRequest):
                        self.hypervisor.resize_disk(vm_uuid, large)
                self.harness.grow_volume(made, large.size_bytes)
                if not self.has_feature(VmFeature.ONLINE_DISK_RESIZE):
                    with self.refused(InvalidState):
                        self.hypervisor.resize_disk(vm_uuid, large)
                    self.hypervisor.stop_vm(vm_uuid, StopRequest())
                for _ in range(2):
                    self.hypervisor.resize_disk(vm_uuid, large)
                    size = self.harness.disk_of_vm(vm_uuid, KEY).size_bytes
                    self.assertEqual(large.size_bytes, size, protocol.value)
                self.hypervisor.start_vm(vm_uuid, StartRequest())
                self._guest_writes(vm_uuid, MARK, large.size_bytes // 512 - 1)
                self.hypervisor.stop_vm(vm_uuid, StopRequest())
                self.hypervisor.resize_disk(vm_uuid, large)
                self.detached(vm_uuid)

    def _with_a_file(self, use: Callable[[TestVolume, UUID], None]) -> None:
        self.requires(IVolumeSnapshots)
        protocol = next(found for found in self.protocols() if found in _FILES)
        with self.volume(protocol) as made:
            vm_uuid = self._running_with(made)
            use(made, vm_uuid)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.detached(vm_uuid)

    @rules("VOL-9", "VOL-10", "REP-1")
    def test_a_snapshot_is_one_moment_of_a_volume(self) -> None:
        def use(made: TestVolume, vm_uuid: UUID) -> None:
            before = self.harness.leftovers()
            self._guest_writes(vm_uuid, _FIRST)
            with self.harness.overlay(made) as overlay:
                create = _snapshot(overlay)
                for _ in range(2):
                    self.hypervisor.create_volume_snapshot(vm_uuid, create)
                self._guest_writes(vm_uuid, _SECOND, 1)
                self._assert_guest_reads(vm_uuid, _FIRST, _SECOND)
                self._assert_volume_holds(made, _FIRST)
                self._assert_volume_holds(made, bytes(512), 1)
                with self.harness.overlay(made) as other:
                    wrong = _snapshot(other, create.snapshot_id)
                    with self.refused(Conflict, Resource.VOLUME):
                        self.hypervisor.create_volume_snapshot(vm_uuid, wrong)
                self.hypervisor.stop_vm(vm_uuid, StopRequest())
                self.hypervisor.start_vm(vm_uuid, StartRequest())
                self._assert_guest_reads(vm_uuid, _FIRST, _SECOND)
                for _ in range(2):
                    self.hypervisor.delete_volume_snapshot(vm_uuid, _deletion(create))
                used = TestVolume(connection=overlay, size_bytes=made.size_bytes)
                self._assert_used(made, used)
            self._assert_volume_holds(made, _SECOND, 1)
            self._assert_guest_reads(vm_uuid, _FIRST, _SECOND)
            self._guest_writes(vm_uuid, _THIRD, 2)
            self._assert_volume_holds(made, _THIRD, 2)
            self.assertEqual(before, self.harness.leftovers())

        self._with_a_file(use)

    @rules("VOL-9", "VOL-10")
    def test_the_older_of_two_snapshots_is_deleted_first(self) -> None:
        def use(made: TestVolume, vm_uuid: UUID) -> None:
            self._guest_writes(vm_uuid, _FIRST)
            with self.harness.overlay(made) as lower:
                older = _snapshot(lower)
                self.hypervisor.create_volume_snapshot(vm_uuid, older)
                self._guest_writes(vm_uuid, _SECOND, 1)
                middle = TestVolume(connection=lower, size_bytes=made.size_bytes)
                with self.harness.overlay(middle) as upper:
                    newer = _snapshot(upper)
                    self.hypervisor.create_volume_snapshot(vm_uuid, newer)
                    self._guest_writes(vm_uuid, _THIRD, 2)
                    self.hypervisor.delete_volume_snapshot(vm_uuid, _deletion(older))
                    self._assert_used(made, middle)
                    self._assert_volume_holds(made, _SECOND, 1)
                    self._assert_volume_holds(made, bytes(512), 2)
                    self._assert_guest_reads(vm_uuid, _FIRST, _SECOND, _THIRD)
                    self.hypervisor.delete_volume_snapshot(vm_uuid, _deletion(newer))
                self._assert_volume_holds(made, _THIRD, 2)
                self._assert_guest_reads(vm_uuid, _FIRST, _SECOND, _THIRD)

        self._with_a_file(use)

    @rules("VOL-9", "VOL-10")
    def test_what_has_no_snapshot_is_refused(self) -> None:
        def use(made: TestVolume, vm_uuid: UUID) -> None:
            with self.harness.overlay(made) as overlay:
                create = _snapshot(overlay)
            with self.refused(PeerUnreachable, Resource.VOLUME):
                self.hypervisor.create_volume_snapshot(vm_uuid, create)
            self._guest_writes(vm_uuid, _FIRST)
            self._assert_volume_holds(made, _FIRST)
            for method, request in (
                ("create_volume_snapshot", create),
                ("delete_volume_snapshot", _deletion(create)),
            ):
                self._assert_no_snapshot_of(vm_uuid, method, request)
            with self.refused(Unsupported):
                local = _snapshot(overlay, key="data")
                self.hypervisor.create_volume_snapshot(vm_uuid, local)

        self._with_a_file(use)

    def _assert_no_snapshot_of(self, vm_uuid: UUID, method: str, request: Any) -> None:
        ask = getattr(self.hypervisor, method)
        with self.refused(NotFound, Resource.VM):
            ask(self.new_uuid(), request)
        missing = replace(request, key="missing")
        with self.refused(NotFound, Resource.DISK):
            ask(vm_uuid, missing)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        with self.refused(InvalidState) as caught:
            ask(vm_uuid, request)
        self.assertEqual(PowerState.STOPPED.value, caught.error.state)
        self.hypervisor.start_vm(vm_uuid, StartRequest())


def _replacement(new: TestVolume, key: str = KEY, size_bytes: int = 0) -> ReplaceVolumeRequest:
    volume = Volume(volume_id=uuid4(), connection=new.connection)
    return ReplaceVolumeRequest(key=key, volume=volume, size_bytes=size_bytes or new.size_bytes)


def _snapshot(
    overlay: Any, snapshot_id: UUID | None = None, key: str = KEY
) -> CreateVolumeSnapshotRequest:
    return CreateVolumeSnapshotRequest(key=key, snapshot_id=snapshot_id or uuid4(), overlay=overlay)


def _deletion(created: CreateVolumeSnapshotRequest) -> DeleteVolumeSnapshotRequest:
    return DeleteVolumeSnapshotRequest(key=created.key, snapshot_id=created.snapshot_id)
