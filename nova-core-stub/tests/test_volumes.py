"""Volumes and images of instances, in what is core's own."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID, uuid4

import testtools
from instances import FLAVOR, Intercepted, ReferenceHost, spawn_request
from nova_virt_interface.errors import InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.reference.storage_server import STORAGE, StoredVolume
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import DiskBus, DiskLimits
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instance_requests import (
    AttachVolumeRequest,
    DetachVolumeRequest,
    SnapshotRequest,
)
from nova_virt_interface.values.instances import InstanceVolume
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.volumes import Encryption, EncryptionFormat, NbdVolume, Volume
from nova_virt_interface.virt_driver.volumes import IVolumeAttachment, IVolumeExtension

from nova_core_stub.library_driver.disks import volume_disk
from nova_core_stub.library_driver.driver import LibraryDriver

SIZE = 1024 * 1024
SNAPSHOT = SnapshotRequest(sink_key="snapshot", format=DiskFormat.RAW)
LUKS = Encryption(format=EncryptionFormat.LUKS)


class VolumesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        reference = self.useFixture(ReferenceHost())
        self.host = reference.host
        self.hypervisor = reference.hypervisor
        self.driver = LibraryDriver(self.hypervisor)
        self.uuid = uuid4()

    def volume(self, **fields: Any) -> InstanceVolume:
        connection = NbdVolume(host="192.0.2.9", port=10809, export=str(uuid4()))
        address = address_of(connection)
        STORAGE.add(address, StoredVolume(size_bytes=SIZE))
        self.addCleanup(STORAGE.remove, address)
        volume = Volume(volume_id=uuid4(), connection=connection)
        return InstanceVolume(volume=volume, size_bytes=SIZE, **fields)

    def without(self, *lower: Any) -> LibraryDriver:
        return LibraryDriver(Intercepted(self.hypervisor, lambda name, call: call(), without=lower))

    def test_volumes_are_attached_where_disks_are_and_volumes_are(self) -> None:
        for interface in (IVolumeAttachment, IVolumeExtension):
            self.assertTrue(interface.providedBy(self.driver))
            self.assertFalse(interface.providedBy(self.without(IVolumeConnector)))
        poorer = self.without(IDiskHotplug)
        self.assertFalse(IVolumeAttachment.providedBy(poorer))
        self.assertTrue(IVolumeExtension.providedBy(poorer))

    def test_the_disk_of_a_volume_is_as_the_volume_says(self) -> None:
        limits = DiskLimits(bytes_per_second=1)
        volume = self.volume(boot_index=2, bus=DiskBus.VIRTIO, limits=limits)
        host = self.hypervisor.describe()
        disk = volume_disk(volume, host)
        volume_id = str(volume.volume.volume_id)
        self.assertEqual((volume_id, volume_id), (disk.key, disk.serial))
        self.assertEqual((volume.volume, SIZE), (disk.source, disk.size_bytes))
        self.assertEqual((DiskBus.VIRTIO, limits, 3), (disk.bus, disk.limits, disk.boot_index))
        poor = dataclasses.replace(host, features=(VmFeature.NIC_MTU,))
        self.assertIsNone(volume_disk(volume, poor).serial)

    def test_a_volume_that_replaced_another_has_its_key(self) -> None:
        before = UUID("00000000-0000-4000-8000-000000000001")
        volume = self.volume(attached_as=before)
        self.driver.spawn(self.uuid, spawn_request(volumes=(volume,)))
        self.assertIn(str(before), self.host.vm(self.uuid).disks)
        self.driver.detach_volume(self.uuid, DetachVolumeRequest(volume_id=before))
        self.assertNotIn(str(before), self.host.vm(self.uuid).disks)

    def test_two_volumes_cannot_have_one_name(self) -> None:
        first = self.volume()
        second = self.volume(attached_as=first.volume.volume_id)
        error = self.assertRaises(InvalidRequest, spawn_request, volumes=(first, second))
        self.assertEqual("volumes.attached_as", error.field)

    def test_a_snapshot_of_what_boots_from_a_volume_is_refused(self) -> None:
        request = spawn_request(image=None, volumes=(self.volume(boot_index=0),))
        self.driver.spawn(self.uuid, request)
        error = self.assertRaises(Unsupported, self.driver.snapshot, self.uuid, SNAPSHOT)
        self.assertIn("volume", error.message)
        missing = self.assertRaises(NotFound, self.driver.snapshot, uuid4(), SNAPSHOT)
        self.assertIs(Resource.VM, missing.resource)

    def test_all_local_disks_are_encrypted(self) -> None:
        secrets = tuple(
            DeviceSecret(key=key, purpose=SecretPurpose.ENCRYPTION, secret=Secret("passphrase"))
            for key in ("root", "ephemeral", "swap")
        )
        request = spawn_request(flavor=FLAVOR, encryption=LUKS, secrets=secrets)
        self.driver.spawn(self.uuid, request)
        disks = self.host.vm(self.uuid).disks
        encrypted = {key for key, disk in disks.items() if disk.encrypted}
        self.assertEqual({"root", "ephemeral", "swap"}, encrypted)
        self.assertTrue(disks["root"].seen().startswith(b"NVG-GUEST"))
        wrong = dataclasses.replace(request, secrets=secrets[:2])
        error = self.assertRaises(InvalidRequest, self.driver.spawn, uuid4(), wrong)
        self.assertEqual("secrets", error.field)

    def test_secrets_go_with_the_volume_that_is_attached(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        plain = self.volume()
        volume = dataclasses.replace(
            plain, volume=dataclasses.replace(plain.volume, encryption=LUKS)
        )
        key = volume.disk_key
        secret = DeviceSecret(key=key, purpose=SecretPurpose.ENCRYPTION, secret=Secret("wrong"))
        attach = AttachVolumeRequest(volume=volume, secrets=(secret,))
        error = self.assertRaises(InvalidRequest, self.driver.attach_volume, self.uuid, attach)
        self.assertIn("does not open", error.message)
