"""What libvirt's test driver can show of the driver: bulk questions, ownership, set-up."""

from __future__ import annotations

from uuid import uuid4

import libvirt
from libvirt_case import TestDriverTestCase
from lxml import etree
from lxml.builder import E
from nova_virt_interface.errors import InvalidRequest, NotFound, Unsupported
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.disks import DiskSpec, FromImage
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.power import PowerState, StartRequest

from nova_virt_libvirt.mark import NAMESPACE
from nova_virt_libvirt.testing.rpc_counter import LOCAL_FUNCTIONS

MANY = 1000
BULK = "virConnectGetAllDomainStats"


class TestBulk(TestDriverTestCase):
    def test_a_thousand_vms_are_one_question(self) -> None:
        with self.harness.foreign_vm(uuid4()):
            created = {self.made(disks=()) for _ in range(MANY)}
            self.assert_one_question_each(created)
            # A new connection has learned while connecting what libvirt's bulk answer lacks.
            tracked, self.tracker = self.tracker, self.connect(SuiteServices())
            self.assert_one_question_each(created)
            self.tracker = tracked

    def assert_one_question_each(self, created: object) -> None:
        for question in (self.hypervisor.list_vms, self.hypervisor.statistics):
            before = self.harness.counter.calls.copy()
            answer = question()
            self.assertEqual({BULK: 1}, dict(self.harness.counter.calls - before))
            self.assertEqual(created, {entry.vm_uuid for entry in answer})

    def test_a_question_for_each_vm_would_be_counted(self) -> None:
        created = [self.made(disks=()) for _ in range(3)]
        before = self.harness.round_trips()
        for vm_uuid in created:
            self.hypervisor.get_vm(vm_uuid)
        self.assertGreaterEqual(self.harness.round_trips() - before, len(created))

    def test_every_function_that_does_not_count_exists(self) -> None:
        module = self.harness.counter._module
        self.assertEqual([], [name for name in LOCAL_FUNCTIONS if not hasattr(module, name)])


class TestOwnership(TestDriverTestCase):
    def test_a_new_title_is_the_label_also_in_bulk(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.list_vms()
        self.harness.rename_vm(vm_uuid, "renamed")
        self.assertEqual("renamed", self.hypervisor.get_vm(vm_uuid).name)
        self.harness.rename_vm(vm_uuid, "again")
        self.wait_until(
            lambda: [vm.name for vm in self.hypervisor.list_vms()] == ["again"],
            "the new label in the list",
        )

    def test_a_vm_whose_mark_was_taken_away_is_foreign(self) -> None:
        vm_uuid = self.made()
        mark = self.domain(vm_uuid, lambda domain: domain.metadata(2, NAMESPACE))
        self.domain(vm_uuid, lambda domain: domain.setMetadata(2, None, "x", NAMESPACE, 2))
        self.assertRaises(NotFound, self.hypervisor.start_vm, vm_uuid, StartRequest())
        self.wait_until(lambda: self.hypervisor.list_vms() == (), "the list to be empty")
        self.domain(vm_uuid, lambda domain: domain.setMetadata(2, mark, "x", NAMESPACE, 2))
        self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(vm_uuid).power_state)

    def test_another_owner_does_not_see_it(self) -> None:
        vm_uuid = self.made()
        other = self.connected(owner="another")
        self.assertEqual((), other.list_vms())
        self.assertRaises(NotFound, other.get_vm, vm_uuid)


class TestSetUp(TestDriverTestCase):
    def refused_settings(self, error: type[Exception], **changes: str) -> Exception:
        return self.assertRaises(error, self.connected, **changes)

    def test_a_pool_that_is_somebody_elses_is_refused(self) -> None:
        before = self.behind(lambda connection: len(connection.listAllStoragePools()))
        error = self.refused_settings(InvalidRequest, storage_pool="default-pool")
        self.assertIn("storage_pool", str(error))
        self.assertEqual(
            before, self.behind(lambda connection: len(connection.listAllStoragePools()))
        )

    def test_a_uri_that_libvirt_cannot_read_is_refused(self) -> None:
        self.refused_settings(InvalidRequest, uri="qemu+nonsense:///system")

    def test_a_network_that_does_not_exist_is_not_found(self) -> None:
        backing = NicBacking(kind=NicBackingKind.NETWORK, name="nowhere")
        nic = NicSpec(key="a", mac="52:54:00:00:00:01", backing=backing)
        error = self.assertRaises(NotFound, self.made, nics=(nic,))
        self.assertEqual("nowhere", error.name)

    def test_what_the_test_driver_lacks_is_refused(self) -> None:
        image = DiskSpec(key="root", source=FromImage(image_key="a"), size_bytes=1)
        self.assertRaises(NotFound, self.made, disks=(image,))
        error = self.assertRaises(
            Unsupported, self.made, settings=GuestSettings(firmware=Firmware.UEFI)
        )
        self.assertEqual("settings.firmware", error.field)

    def test_the_vms_of_a_crashed_call_are_made_anew(self) -> None:
        vm_uuid = self.new_uuid()
        left = E.volume(E.name(f"{vm_uuid}-data.qcow2"), E.capacity("1"))

        def leave(connection: libvirt.virConnect) -> None:
            pool = connection.storagePoolLookupByName(self.harness.settings().storage_pool)
            pool.createXML(etree.tostring(left, encoding="unicode"), 0)

        self.behind(leave)
        self.hypervisor.create_vm(vm_uuid, self.spec())
        self.assert_state(vm_uuid, PowerState.STOPPED)
