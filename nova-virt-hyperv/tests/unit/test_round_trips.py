"""What each operation costs in requests, job polling apart. The README has the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import Volume, VolumeProtocol

from .backend import MIB, BackendTestCase, blank, from_image, login_of, medium, nic
from .test_nics import tagged


class TestRoundTrips(BackendTestCase):
    def cost(self, do: Callable[[], object]) -> int:
        """Requests without those that look whether a job has ended."""
        before: dict[str, int] = self.harness.control("requests")
        do()
        after: dict[str, int] = self.harness.control("requests")
        polls = after.pop("Get", 0) - before.pop("Get", 0)
        self.assertGreaterEqual(polls, 0)
        return sum(after.values()) - sum(before.values())

    def test_questions_about_all_vms(self) -> None:
        for _ in range(3):
            self.made()
        self.assertEqual(1, self.cost(self.hypervisor.list_vms))
        self.assertEqual(1, self.cost(self.hypervisor.statistics))
        self.assertEqual(3, self.cost(self.hypervisor.inventory))
        self.assertEqual(0, self.cost(self.hypervisor.describe))

    def test_creation(self) -> None:
        self.cached()
        vm_uuid = self.new_uuid()
        disks = (from_image(), blank(), medium())
        spec = self.spec(disks=disks, nics=(nic(), nic("nic-2", 2)))
        cost = self.cost(lambda: self.hypervisor.create_vm(vm_uuid, spec))
        self.assertEqual(16, cost)
        self.assertLessEqual(cost, 8 + 2 * len(spec.disks) + 2 * len(spec.nics))
        self.assertEqual(1, self.cost(lambda: self.hypervisor.create_vm(vm_uuid, spec)))

    def test_the_least(self) -> None:
        vm_uuid = self.new_uuid()
        self.assertEqual(4, self.cost(lambda: self.hypervisor.create_vm(vm_uuid, self.spec())))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        deletion = self.cost(lambda: self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest()))
        self.assertEqual(4, deletion)

    def test_power_and_deletion(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.list_vms()
        hard = RebootRequest(kind=RebootKind.HARD)
        self.assertEqual(2, self.cost(lambda: self.hypervisor.get_vm(vm_uuid)))
        self.assertEqual(1, self.cost(lambda: self.hypervisor.start_vm(vm_uuid, StartRequest())))
        self.assertEqual(1, self.cost(lambda: self.hypervisor.reboot_vm(vm_uuid, hard)))
        self.assertEqual(1, self.cost(lambda: self.hypervisor.stop_vm(vm_uuid, StopRequest())))
        deletion = self.cost(lambda: self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest()))
        self.assertEqual(2, deletion)

    def test_one_vm_and_the_host(self) -> None:
        vm_uuid = self.made(disks=(blank(),), nics=(nic(),))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.list_vms()
        self.assertEqual(5, self.cost(lambda: self.hypervisor.vm_statistics(vm_uuid)))
        self.assertEqual(3, self.cost(lambda: self.hypervisor.device_metadata(vm_uuid)))
        self.assertEqual(4, self.cost(self.hypervisor.host_status))
        self.assertEqual(5, self.cost(self.hypervisor.topology))
        self.assertEqual(1, self.cost(self.hypervisor.maintenance))

    def test_what_some_vms_have_costs_more(self) -> None:
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB)
        vm_uuid = self.made()
        with self.harness.volume(wish) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            come, go = AttachDiskRequest(disk=disk), DetachDiskRequest(key="volume")
            self.assertEqual(17, self.cost(lambda: self.hypervisor.attach_disk(vm_uuid, come)))
            self.assertEqual(10, self.cost(lambda: self.hypervisor.detach_disk(vm_uuid, go)))
        given = (login_of("volume", "staple-horse-12"),)
        with self.harness.volume(replace(wish, password="staple-horse-12")) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            vm_uuid, start = self.made(disks=(disk,), secrets=given), StartRequest(secrets=given)
            self.hypervisor.list_vms()
            self.assertEqual(15, self.cost(lambda: self.hypervisor.start_vm(vm_uuid, start)))
            self.assertEqual(7, self.cost(lambda: self.hypervisor.stop_vm(vm_uuid, StopRequest())))
        plain, first, second = self.new_uuid(), self.new_uuid(), self.new_uuid()
        least = self.cost(lambda: self.hypervisor.create_vm(plain, self.spec(nics=(nic(),))))
        spec = self.spec(nics=(nic(),), settings=GuestSettings(tpm=Tpm()))
        # The first one makes the host's guardian.
        self.hypervisor.create_vm(first, spec)
        more = self.cost(lambda: self.hypervisor.create_vm(second, spec))
        self.assertEqual(6, more - least)
        spec = self.spec(nics=(tagged(),))
        more = self.cost(lambda: self.hypervisor.create_vm(self.new_uuid(), spec))
        self.assertEqual(2, more - least)

    def test_hot_plug(self) -> None:
        vm_uuid = self.made()
        disk, card = AttachDiskRequest(disk=blank()), AttachNicRequest(nic=nic())
        self.assertEqual(8, self.cost(lambda: self.hypervisor.attach_disk(vm_uuid, disk)))
        gone = DetachDiskRequest(key="data")
        self.assertEqual(5, self.cost(lambda: self.hypervisor.detach_disk(vm_uuid, gone)))
        self.assertEqual(7, self.cost(lambda: self.hypervisor.attach_nic(vm_uuid, card)))
        unplugged = DetachNicRequest(key="nic-1")
        self.assertEqual(4, self.cost(lambda: self.hypervisor.detach_nic(vm_uuid, unplugged)))
