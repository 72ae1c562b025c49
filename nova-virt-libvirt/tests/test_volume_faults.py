"""As `test_wire_faults`, for volumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from fault_case import FaultTestCase
from nova_virt_interface.testing.harness_storage import TestVolume
from nova_virt_interface.testing.suite._mixins import blank_disk
from nova_virt_interface.testing.suite._volumes import KEY, VolumeMixin, volume_disk
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    Volume,
    VolumeProtocol,
)


class TestVolumeFaults(VolumeMixin, FaultTestCase):
    """Of one host."""

    def with_volume(self, made: TestVolume) -> None:
        disks = (blank_disk(self.harness), volume_disk(made))
        self.hypervisor.create_vm(self.vm_uuid, self.spec(disks=disks))

    def running_with(self, made: TestVolume) -> None:
        self.with_volume(made)
        self.hypervisor.start_vm(self.vm_uuid, StartRequest())

    def test_attach_and_detach(self) -> None:
        for protocol in (VolumeProtocol.FILE, VolumeProtocol.ISCSI):
            with self.volume(protocol) as made:
                attach = AttachDiskRequest(disk=volume_disk(made))
                self.sweep(
                    lambda: self.driver.attach_disk(self.vm_uuid, attach),  # noqa: B023
                    prepare=self.with_running_vm,
                    check=lambda: self.assertTrue(self.harness.volume_is_used(made)),
                )
                self.sweep(
                    lambda: self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key=KEY)),
                    prepare=lambda: self.with_volume(made),
                    check=lambda: self.assertFalse(self.harness.volume_is_used(made)),
                )

    def test_replace(self) -> None:
        with self.volume() as old, self.volume() as new:
            volume = Volume(volume_id=uuid4(), connection=new.connection)
            request = ReplaceVolumeRequest(key=KEY, volume=volume, size_bytes=new.size_bytes)

            def check() -> None:
                self.assertTrue(self.harness.volume_is_used(new))
                self.assertFalse(self.harness.volume_is_used(old))

            self.sweep(
                lambda: self.driver.replace_volume(self.vm_uuid, request),
                prepare=lambda: self.running_with(old),
                check=check,
            )

    @contextmanager
    def snapshots(self, made: TestVolume) -> Iterator[list[CreateVolumeSnapshotRequest]]:
        """Two snapshots that can be made of a volume, one after the other."""
        with self.harness.overlay(made) as lower:
            middle = TestVolume(connection=lower, size_bytes=made.size_bytes)
            with self.harness.overlay(middle) as upper:
                yield [
                    CreateVolumeSnapshotRequest(key=KEY, snapshot_id=uuid4(), overlay=overlay)
                    for overlay in (lower, upper)
                ]

    def deleted(self, snapshot: CreateVolumeSnapshotRequest) -> None:
        delete = DeleteVolumeSnapshotRequest(key=KEY, snapshot_id=snapshot.snapshot_id)
        self.driver.delete_volume_snapshot(self.vm_uuid, delete)

    def test_snapshots(self) -> None:
        with self.volume(self.protocol_of_files()) as made, self.snapshots(made) as both:
            older, newer = both

            def with_snapshots(*snapshots: CreateVolumeSnapshotRequest) -> None:
                self.running_with(made)
                for snapshot in snapshots:
                    self.hypervisor.create_volume_snapshot(self.vm_uuid, snapshot)

            def check_merged() -> None:
                self.deleted(newer)
                self.assertTrue(self.harness.volume_is_used(made))

            self.sweep(
                lambda: self.driver.create_volume_snapshot(self.vm_uuid, older),
                prepare=with_snapshots,
                check=lambda: self.deleted(older),
            )
            for first, check in ((newer, lambda: self.deleted(older)), (older, check_merged)):
                self.sweep(
                    lambda first=first: self.deleted(first),  # type: ignore[misc]
                    prepare=lambda: with_snapshots(older, newer),
                    check=check,
                )
