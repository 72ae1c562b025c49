"""Volumes as disks: content that outlives VMs, targets that come and go."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import PeerUnreachable, Resource, Unsupported
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import (
    ChapUser,
    HypervisorVolume,
    IscsiVolume,
    Volume,
    VolumeConnection,
)

from .pools import MIB, OperationTestCase

_IQN = "iqn.2010-10.org.openstack:volume-1"


def _disk(connection: VolumeConnection, **more: Any) -> DiskSpec:
    source = Volume(volume_id=uuid4(), connection=connection, **more)
    return DiskSpec(key="volume", source=source, size_bytes=4 * MIB)


class TestVolumes(OperationTestCase):
    """iSCSI targets, and VDIs of the pool."""

    def setUp(self) -> None:
        super().setUp()
        self.simulator.ask("target", iqn=_IQN, units={"1": 4 * MIB})
        self.addCleanup(self.simulator.ask, "target", iqn=_IQN)
        self.disk = _disk(IscsiVolume(portals=("192.0.2.1:3260",), target_iqn=_IQN, lun=1))

    def repositories(self) -> int:
        return len(self.simulator.ask("records", class_name="SR"))

    def test_a_unit_comes_and_goes_with_its_target(self) -> None:
        self.make()
        self.start()
        before, repositories = self.objects(), self.repositories()
        for _ in range(2):
            self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=self.disk))
        self.assertEqual(repositories + 1, self.repositories())
        for _ in range(2):
            self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="volume"))
        self.assertEqual((before, repositories), (self.objects(), self.repositories()))

    def test_a_deleted_vm_lets_go_of_its_volumes(self) -> None:
        repositories = self.repositories()
        self.make(disks=(self.disk,))
        self.start()
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertEqual(repositories, self.repositories())

    def test_a_target_that_is_away_is_told(self) -> None:
        self.make()
        self.start()
        self.simulator.ask("target", iqn=_IQN)
        before, repositories = self.objects(), self.repositories()
        request = AttachDiskRequest(disk=self.disk)
        error = self.assertRaises(PeerUnreachable, self.driver.attach_disk, self.vm_uuid, request)
        self.assertEqual(Resource.VOLUME, error.resource)
        self.assertEqual((before, repositories), (self.objects(), self.repositories()))

    def test_a_vm_whose_volume_is_away_does_not_start(self) -> None:
        self.make(disks=(self.disk,))
        self.simulator.ask("target", iqn=_IQN)
        error = self.assertRaises(
            PeerUnreachable, self.driver.start_vm, self.vm_uuid, StartRequest()
        )
        self.assertEqual(Resource.VOLUME, error.resource)
        self.driver.stop_vm(self.vm_uuid, StopRequest())

    def test_a_vdi_of_the_pool_is_a_volume(self) -> None:
        sr = next(
            ref
            for ref, record in self.simulator.ask("records", class_name="SR").items()
            if record["shared"]
        )
        record = {
            "name_label": "a volume",
            "name_description": "",
            "SR": sr,
            "virtual_size": str(4 * MIB),
            "type": "user",
            "sharable": False,
            "read_only": False,
            "other_config": {},
        }
        vdi = self.simulator.ask("call", method="VDI.create", parameters=[record])
        self.addCleanup(self.simulator.ask, "call", method="VDI.destroy", parameters=[vdi])
        uuid = self.simulator.ask("records", class_name="VDI")[vdi]["uuid"]
        before = self.objects()
        self.make(disks=(_disk(HypervisorVolume(identity=uuid), read_only=True),))
        self.start()
        [vbd] = self.simulator.ask("records", class_name="VBD").values()
        self.assertEqual((vdi, "RO"), (vbd["VDI"], vbd["mode"]))
        self.free(self.vm_uuid)
        self.assertEqual(before, self.objects())
        away = _disk(HypervisorVolume(identity=str(uuid4())))
        self.assertRaises(
            PeerUnreachable,
            self.driver.create_vm,
            self.vm_uuid,
            self.spec(disks=(away,)),
        )

    def test_a_password_that_xapi_would_keep_is_refused(self) -> None:
        user = ChapUser(name="them")
        connection = IscsiVolume(portals=("192.0.2.1:3260",), target_iqn=_IQN, lun=1, user=user)
        secret = DeviceSecret(
            key="volume", purpose=SecretPurpose.AUTHENTICATION, secret=Secret("word")
        )
        spec = self.spec(disks=(_disk(connection),), secrets=(secret,))
        error = self.assertRaises(Unsupported, self.driver.create_vm, self.vm_uuid, spec)
        self.assertEqual("disks[volume].source.connection.user", error.field)

    def test_the_host_tells_its_names(self) -> None:
        connector = self.driver.volume_connector()
        self.assertEqual("xcp-0", connector.hostname)
        self.assertTrue(connector.initiator_iqns[0].startswith("iqn."))
