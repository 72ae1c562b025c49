"""Volumes and images of instances."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface.errors import (
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.testing.suite._instances import InstanceMixin
from nova_virt_interface.testing.suite._volumes import LUKS, MARK, PLAIN, VOLUME_BYTES, secret
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.instance_requests import (
    AttachVolumeRequest,
    DetachVolumeRequest,
    ExtendVolumeRequest,
    SnapshotRequest,
    SwapVolumeRequest,
)
from nova_virt_interface.values.instances import (
    DestroyRequest,
    InstanceVolume,
    PowerOffRequest,
    PowerOnRequest,
)
from nova_virt_interface.values.power import PowerState, SuspendRequest
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    EncryptionFormat,
    Volume,
    VolumeProtocol,
)
from nova_virt_interface.virt_driver.console import IConsoleOutput
from nova_virt_interface.virt_driver.power import IInstanceSuspend
from nova_virt_interface.virt_driver.snapshots import IInstanceSnapshot
from nova_virt_interface.virt_driver.volumes import (
    IAssistedVolumeSnapshots,
    IVolumeAttachment,
    IVolumeExtension,
    IVolumeSwap,
)

__all__ = ["InstanceVolumeSuite"]

_FILES = (VolumeProtocol.FILE, VolumeProtocol.NFS, VolumeProtocol.SMB)
_OFF = PowerOffRequest(graceful_timeout_seconds=0.0)


class InstanceVolumeSuite(InstanceMixin):
    """`IVolumeAttachment`, `IVolumeExtension`, `IVolumeSwap`, `IAssistedVolumeSnapshots`,
    `IInstanceSnapshot`, and instances that boot from volumes.
    """

    @contextmanager
    def _a_volume(self, *protocols: VolumeProtocol, **wishes: Any) -> Iterator[TestVolume]:
        offered = self.requires(IVolumeConnector).describe().volume_protocols
        protocol = next(found for found in offered if found in (protocols or offered))
        wish = {"protocol": protocol, "size_bytes": VOLUME_BYTES} | wishes
        with self.harness.volume(VolumeWish(**wish)) as made:
            yield made

    def _root_volume(self, made: TestVolume) -> InstanceVolume:
        return replace(_instance_volume(made), boot_index=0)

    @rules("VOL-1", "VOL-2", "DISK-3", "DISK-5", "REP-1")
    def test_a_volume_is_attached_to_a_running_instance(self) -> None:
        self.requires(IVolumeAttachment)
        instance_uuid, _ = self.spawned()
        before = self.harness.leftovers()
        with self._a_volume() as made:
            volume = _instance_volume(made)
            key = str(volume.volume.volume_id)
            for _ in range(2):
                self.virt_driver.attach_volume(instance_uuid, AttachVolumeRequest(volume=volume))
            seen = self.harness.disk_of_vm(instance_uuid, key)
            self.assertEqual(made.size_bytes, seen.size_bytes)
            offered = self.virt_driver.describe().features
            self.assertEqual(key if VmFeature.DISK_SERIAL in offered else None, seen.serial)
            self.harness.write_as_guest(instance_uuid, key, 0, MARK)
            other = replace(volume, boot_index=1)
            with self.refused(Conflict, Resource.DISK):
                self.virt_driver.attach_volume(instance_uuid, AttachVolumeRequest(volume=other))
            for _ in range(2):
                self.virt_driver.detach_volume(instance_uuid, _detachment(volume))
            self.assertFalse(self.harness.volume_is_used(made))
            self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
            self.assertEqual(before, self.harness.leftovers())
        with self.refused(PeerUnreachable, Resource.VOLUME):
            self.virt_driver.attach_volume(instance_uuid, AttachVolumeRequest(volume=volume))
        self.assertEqual(before, self.harness.leftovers())

    @rules("SEC-3", "SEC-4")
    def test_an_encrypted_volume_comes_with_its_secret(self) -> None:
        self.requires(IVolumeAttachment)
        offered = self.virt_driver.describe().features
        instance_uuid, _ = self.spawned()
        wish = {"encryption": EncryptionFormat.LUKS, "passphrase": "correct-horse-battery-staple"}
        if VmFeature.VOLUME_ENCRYPTION not in offered:
            wish = {}
        with self._a_volume(**wish) as made:
            volume = _instance_volume(made, encryption=LUKS)
            attach = AttachVolumeRequest(volume=volume, secrets=())
            if not wish:
                with self.refused(Unsupported):
                    self.virt_driver.attach_volume(instance_uuid, attach)
                return
            with self.refused(InvalidRequest) as caught:
                self.virt_driver.attach_volume(instance_uuid, attach)
            self.assertEqual("secrets", caught.error.field)
            secrets = (secret(key=volume.disk_key),)
            self.virt_driver.attach_volume(instance_uuid, replace(attach, secrets=secrets))
            self.virt_driver.power_off(instance_uuid, _OFF)
            self.virt_driver.power_on(instance_uuid, PowerOnRequest(secrets=secrets))
            self.assert_state(instance_uuid, PowerState.RUNNING)
            self.virt_driver.detach_volume(instance_uuid, _detachment(volume))

    @rules("SPAWN-1", "SPAWN-3", "VOL-1", "SNAP-1")
    def test_an_instance_boots_from_a_volume(self) -> None:
        self.requires(IVolumeConnector)
        before = self.without_images()
        image = self.harness.image()
        with self._a_volume(boots=True, size_bytes=image.virtual_size_bytes) as made:
            instance_uuid = self.new_uuid()
            request = replace(self.request(), image=None, volumes=(self._root_volume(made),))
            for _ in range(2):
                self.virt_driver.spawn(instance_uuid, request)
            self.assert_state(instance_uuid, PowerState.RUNNING)
            if IConsoleOutput.providedBy(self.virt_driver) and image.boots:
                self.wait_ready(instance_uuid)
            if IInstanceSnapshot.providedBy(self.virt_driver):
                with self.refused(Unsupported):
                    self.virt_driver.snapshot(instance_uuid, self._snapshot_request())
                self.assertEqual(0, self.services.image_sink.open)
            self.virt_driver.destroy(instance_uuid, DestroyRequest())
            self.assertFalse(self.harness.volume_is_used(made))
            self.assertTrue(self.harness.volume_content(made).strip(b"\0"))
        self.assertEqual(before, self.without_images())

    @rules("SPAWN-2", "VOL-4")
    def test_an_instance_whose_volume_is_away_leaves_nothing(self) -> None:
        self.requires(IVolumeConnector)
        before = self.without_images()
        with self._a_volume() as made:
            volumes = (_instance_volume(made),)
        with self.refused(PeerUnreachable, Resource.VOLUME):
            self.virt_driver.spawn(self.new_uuid(), self.request(volumes=volumes))
        self.assertEqual(before, self.without_images())

    @rules("DISK-10", "DISK-11")
    def test_the_new_size_of_a_volume_is_taken_over_by_an_instance(self) -> None:
        self.requires(IVolumeExtension)
        offered = set(self.virt_driver.describe().volume_protocols)
        protocols = offered - self.harness.fixed_size_protocols
        with self._a_volume(*protocols) as made:
            volume = _instance_volume(made)
            instance_uuid, _ = self.spawned(volumes=(volume,))
            extend = _extension(volume, 2 * VOLUME_BYTES)
            if VmFeature.ONLINE_DISK_RESIZE not in self.virt_driver.describe().features:
                with self.refused(InvalidState):
                    self.virt_driver.extend_volume(instance_uuid, extend)
                self.virt_driver.power_off(instance_uuid, _OFF)
            with self.refused(InvalidRequest):
                self.virt_driver.extend_volume(instance_uuid, extend)
            self.harness.grow_volume(made, extend.size_bytes)
            for _ in range(2):
                self.virt_driver.extend_volume(instance_uuid, extend)
            seen = self.harness.disk_of_vm(instance_uuid, volume.disk_key)
            self.assertEqual(extend.size_bytes, seen.size_bytes)
            with self.refused(NotFound, Resource.DISK):
                self.virt_driver.extend_volume(instance_uuid, replace(extend, volume_id=uuid4()))
            self.virt_driver.destroy(instance_uuid, DestroyRequest())

    @rules("SWAP-1", "VOL-6", "VOL-8")
    def test_a_volume_is_swapped_and_keeps_its_name(self) -> None:
        self.requires(IVolumeSwap, IVolumeAttachment)
        with self._a_volume() as old, self._a_volume() as new:
            volume = _instance_volume(old)
            instance_uuid, _ = self.spawned(volumes=(volume,))
            self.harness.write_as_guest(instance_uuid, volume.disk_key, 0, MARK)
            swap = _swap(volume, new)
            for _ in range(2):
                self.virt_driver.swap_volume(instance_uuid, swap)
                self.assertFalse(self.harness.volume_is_used(old))
            found = self.harness.read_as_guest(instance_uuid, volume.disk_key, 0, len(MARK))
            self.assertEqual(MARK, found)
            self.assertEqual(MARK, self.harness.volume_content(new)[: len(MARK)])
            self.virt_driver.detach_volume(instance_uuid, _detachment(volume))
            self.assertFalse(self.harness.volume_is_used(new))
            whole = replace(
                _instance_volume(new),
                volume=swap.replacement,
                attached_as=volume.volume.volume_id,
            )
            self.virt_driver.attach_volume(instance_uuid, AttachVolumeRequest(volume=whole))
            self.assertTrue(self.harness.disk_of_vm(instance_uuid, volume.disk_key))
            self.virt_driver.power_off(instance_uuid, _OFF)
            self.virt_driver.detach_volume(instance_uuid, _detachment(volume))
            with self.refused(NotFound, Resource.DISK):
                self.virt_driver.swap_volume(instance_uuid, swap)

    @rules("VOL-7", "CAP-2", "ERR-4")
    def test_a_volume_that_cannot_take_its_place_is_not_swapped(self) -> None:
        self.requires(IVolumeSwap, IVolumeAttachment)
        with self._a_volume() as old, self._a_volume() as new:
            volume = _instance_volume(old)
            instance_uuid, _ = self.spawned(volumes=(volume,))
            with self._a_volume() as away:
                pass
            with self.refused(PeerUnreachable, Resource.VOLUME):
                self.virt_driver.swap_volume(instance_uuid, _swap(volume, away))
            small = self._a_volume(size_bytes=VOLUME_BYTES // 2)
            with small as made, self.refused(InvalidRequest):
                self.virt_driver.swap_volume(instance_uuid, _swap(volume, made))
            if PLAIN.format not in self.virt_driver.describe().encryption_formats:
                plain = _swap(volume, new, encryption=PLAIN)
                with self.refused(Unsupported):
                    self.virt_driver.swap_volume(instance_uuid, plain)
            self.virt_driver.power_off(instance_uuid, _OFF)
            with self.refused(InvalidState):
                self.virt_driver.swap_volume(instance_uuid, _swap(volume, new))
            self.assertFalse(self.harness.volume_is_used(new))

    @rules("CAP-2", "ERR-4")
    def test_a_volume_that_is_not_offered_is_not_attached(self) -> None:
        self.requires(IVolumeAttachment)
        if PLAIN.format in self.virt_driver.describe().encryption_formats:
            raise CannotProvoke("this hypervisor takes every encryption")
        with self._a_volume() as made:
            instance_uuid, _ = self.spawned()
            before = self.harness.leftovers()
            plain = AttachVolumeRequest(volume=_instance_volume(made, encryption=PLAIN))
            with self.refused(Unsupported):
                self.virt_driver.attach_volume(instance_uuid, plain)
            self.assertEqual(before, self.harness.leftovers())

    @rules("DISK-12")
    def test_a_suspended_instance_keeps_its_volumes(self) -> None:
        self.requires(IVolumeAttachment, IInstanceSuspend)
        with self._a_volume() as one, self._a_volume() as other:
            volume = _instance_volume(one)
            instance_uuid, _ = self.spawned(volumes=(volume,))
            self.virt_driver.suspend(instance_uuid, SuspendRequest())
            with self.refused(InvalidState):
                self.virt_driver.detach_volume(instance_uuid, _detachment(volume))
            with self.refused(InvalidState):
                attach = AttachVolumeRequest(volume=_instance_volume(other))
                self.virt_driver.attach_volume(instance_uuid, attach)
            self.virt_driver.destroy(instance_uuid, DestroyRequest())

    @rules("VOL-9", "VOL-10")
    def test_snapshots_of_a_volume_of_an_instance(self) -> None:
        self.requires(IAssistedVolumeSnapshots)
        with self._a_volume(*_FILES) as made:
            volume = _instance_volume(made)
            instance_uuid, _ = self.spawned(volumes=(volume,))
            key = volume.disk_key
            with self.harness.overlay(made) as overlay:
                create = CreateVolumeSnapshotRequest(key=key, snapshot_id=uuid4(), overlay=overlay)
                delete = DeleteVolumeSnapshotRequest(key=key, snapshot_id=create.snapshot_id)
                self.virt_driver.create_volume_snapshot(instance_uuid, create)
                self.harness.write_as_guest(instance_uuid, key, 0, MARK)
                self.assertNotEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
                self.virt_driver.delete_volume_snapshot(instance_uuid, delete)
            self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
            self.virt_driver.power_off(instance_uuid, _OFF)
            with self.refused(InvalidState):
                self.virt_driver.create_volume_snapshot(instance_uuid, create)
            self.virt_driver.destroy(instance_uuid, DestroyRequest())

    def _snapshot_request(self) -> SnapshotRequest:
        formats = self.requires(IInstanceSnapshot).describe().export_formats
        return SnapshotRequest(sink_key="snapshot-by-a-test", format=formats[0])

    @rules("EXP-1", "EXP-2", "EXP-4", "SNK-1")
    def test_a_snapshot_is_the_root_disk(self) -> None:
        self.requires(IInstanceSnapshot)
        instance_uuid, _ = self.spawned()
        size = self.harness.disk_of_vm(instance_uuid, "root").size_bytes
        self.harness.write_as_guest(instance_uuid, "root", size - len(MARK), MARK)
        request = self._snapshot_request()
        taken = self.virt_driver.snapshot(instance_uuid, request)
        (content,) = self.services.image_sink.committed[request.sink_key]
        self.assertEqual((request.format, len(content)), (taken.format, taken.size_bytes))
        whole = self.harness.as_raw(content, request.format)
        self.assertEqual((size, MARK), (len(whole), whole[-len(MARK) :]))
        self.assertEqual(0, self.services.image_sink.open)
        self.assert_state(instance_uuid, PowerState.RUNNING)
        for format in set(type(request.format)) - set(self.virt_driver.describe().export_formats):
            with self.refused(Unsupported):
                self.virt_driver.snapshot(instance_uuid, replace(request, format=format))

    def test_volumes_of_unknown_instances_are_not_found(self) -> None:
        self.requires(IVolumeAttachment)
        with self._a_volume() as made:
            volume = _instance_volume(made)
            with self.refused(NotFound, Resource.VM):
                attach = AttachVolumeRequest(volume=volume)
                self.virt_driver.attach_volume(self.new_uuid(), attach)
            with self.refused(NotFound, Resource.VM):
                self.virt_driver.detach_volume(self.new_uuid(), _detachment(volume))
            for interface, method, request in (
                (IVolumeExtension, "extend_volume", _extension(volume, 2 * VOLUME_BYTES)),
                (IVolumeSwap, "swap_volume", _swap(volume, made)),
            ):
                if interface.providedBy(self.virt_driver):
                    with self.refused(NotFound, Resource.VM):
                        getattr(self.virt_driver, method)(self.new_uuid(), request)
        if IInstanceSnapshot.providedBy(self.virt_driver):
            with self.refused(NotFound, Resource.VM):
                self.virt_driver.snapshot(self.new_uuid(), self._snapshot_request())


def _swap(volume: InstanceVolume, new: TestVolume, **fields: Any) -> SwapVolumeRequest:
    return SwapVolumeRequest(
        volume_id=volume.volume.volume_id,
        replacement=Volume(volume_id=uuid4(), connection=new.connection, **fields),
        size_bytes=new.size_bytes,
    )


def _extension(volume: InstanceVolume, size_bytes: int) -> ExtendVolumeRequest:
    return ExtendVolumeRequest(volume_id=volume.volume.volume_id, size_bytes=size_bytes)


def _instance_volume(made: TestVolume, **fields: Any) -> InstanceVolume:
    volume = Volume(volume_id=uuid4(), connection=made.connection, **fields)
    return InstanceVolume(volume=volume, size_bytes=made.size_bytes)


def _detachment(volume: InstanceVolume) -> DetachVolumeRequest:
    return DetachVolumeRequest(volume_id=UUID(volume.disk_key))
