"""Units of iSCSI targets to which there is more than one way."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import PeerUnreachable
from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.volumes import Volume, VolumeProtocol

from .backend import MIB, BackendTestCase

_SECOND = "192.0.2.2:3260"


class TestMultipath(BackendTestCase):
    def setUp(self) -> None:
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB)
        made: TestVolume = stack.enter_context(self.harness.volume(wish))
        connection: Any = made.connection
        # The first portal is away, the second is the harness's, and here is a third.
        portals = (*connection.portals, _SECOND)
        self.target = replace(made, connection=replace(connection, portals=portals))
        file = self.harness.root / "volumes" / connection.target_iqn.rpartition(":")[2]
        self.harness.control(
            "add_target",
            iqn=connection.target_iqn,
            portal=_SECOND,
            lun=connection.lun,
            file=str(file),
        )
        source = Volume(volume_id=uuid4(), connection=self.target.connection)
        self.disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)

    def sessions(self) -> int:
        kept: list[str] = self.harness.control("iscsi")
        return len([item for item in kept if item.startswith("session")])

    def test_the_host_goes_every_way(self) -> None:
        host = self.connected(multipath=True)
        self.assertTrue(host.volume_connector().multipath)
        vm_uuid = self.made()
        before = self.harness.leftovers()
        for _ in range(2):
            host.attach_disk(vm_uuid, AttachDiskRequest(disk=self.disk))
            self.assertEqual(2, self.sessions())
        host.start_vm(vm_uuid, StartRequest())
        self.harness.write_as_guest(vm_uuid, "volume", 0, b"by both")
        self.assertEqual(b"by both", self.harness.volume_content(self.target)[:7])
        host.detach_disk(vm_uuid, DetachDiskRequest(key="volume"))
        self.assertEqual(before, self.harness.leftovers())

    def test_one_way_is_enough_where_nobody_asks_for_more(self) -> None:
        self.assertFalse(self.hypervisor.volume_connector().multipath)
        vm_uuid = self.made()
        self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=self.disk))
        self.assertEqual(1, self.sessions())
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="volume"))

    def test_no_way_at_all(self) -> None:
        host, vm_uuid = self.connected(multipath=True), self.made()
        before = self.harness.leftovers()
        connection: Any = self.target.connection
        away = replace(connection, portals=connection.portals[:1])
        disk = replace(self.disk, source=Volume(volume_id=uuid4(), connection=away))
        request = AttachDiskRequest(disk=disk)
        self.assertRaises(PeerUnreachable, host.attach_disk, vm_uuid, request)
        self.assertEqual(before, self.harness.leftovers())
