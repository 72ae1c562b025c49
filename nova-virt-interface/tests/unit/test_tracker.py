"""The tracker frees what a test made, however the test ended."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import testtools

from nova_virt_interface.errors import BackendError, NotFound
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.host import host_named
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.reference import ReferenceHarness
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.testing.tracker import Tracker
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

PROVIDES = Path(__file__).parents[1] / "provides.toml"
SPEC = VmSpec(name="vm", vcpus=1, memory_bytes=1)


class StubbornHypervisor(ReferenceHypervisor):
    """Refuses to delete one VM."""

    kept: UUID | None = None

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        if vm_uuid == self.kept:
            raise BackendError("the VM does not go")
        super().delete_vm(vm_uuid, request)


class TestTracker(testtools.TestCase):
    def test_what_was_asked_for_is_known_by_the_contracts_names(self) -> None:
        connection = ReferenceHypervisor(Settings(host=self.id()), SuiteServices())
        self.addCleanup(connection.close)
        tracker = Tracker(connection)
        self.assertEqual(set(), tracker.asked.operations)
        tracker.create_vm(UUID(int=1), SPEC)
        tracker.list_vms()
        tracker.connection.inventory()
        expected = {"IHypervisor.create_vm", "IHypervisor.list_vms", "IHypervisor.get_vm"}
        self.assertRaises(NotFound, tracker.get_vm, UUID(int=2))
        self.assertEqual(expected, tracker.asked.operations)
        self.assertEqual({("IHypervisor.get_vm", "NotFound", "vm")}, tracker.asked.errors)
        tracker.free()
        self.assertEqual(expected, tracker.asked.operations)

    def test_what_a_failed_test_made_is_freed(self) -> None:
        class Failing(HypervisorMixin, HypervisorTestCase):
            harness_class = ReferenceHarness
            provides_file = PROVIDES

            def test_it(self) -> None:
                self.running()
                self.cached_image_key()
                self.made_on = self.harness.leftovers()
                raise LookupError("on purpose")

        test, result = Failing("test_it"), testtools.TestResult()
        test.run(result)
        self.assertEqual(
            ["Failing.test_it"], [case.id().split(">.")[-1] for case, _ in result.errors]
        )
        self.assertIn("on purpose", result.errors[0][1])
        self.assertTrue(any("image" in name for name in test.made_on))
        self.assertTrue(any("disk" in name for name in test.made_on))
        self.assertEqual(frozenset(), test.harness.leftovers())

    def test_a_test_that_leaves_something_behind_fails(self) -> None:
        class Leaking(HypervisorTestCase):
            harness_class = ReferenceHarness
            provides_file = PROVIDES

            def test_it(self) -> None:
                self.vm_uuid = self.new_uuid()
                self.tracker.connection.create_vm(self.vm_uuid, SPEC)

        test, result = Leaking("test_it"), testtools.TestResult()
        test.run(result)
        with_it = ReferenceHypervisor(test.harness.settings(), SuiteServices())
        self.addCleanup(with_it.close)
        with_it.delete_vm(test.vm_uuid, DeleteVmRequest())
        self.assertIn("left something behind", result.failures[0][1])

    def test_one_that_cannot_be_freed_does_not_keep_the_others(self) -> None:
        services = SuiteServices()
        connection = StubbornHypervisor(Settings(host=self.id()), services)
        self.addCleanup(connection.close)
        tracker = Tracker(connection)
        uuids = [UUID(int=number) for number in range(8)]
        for vm_uuid in uuids:
            tracker.create_vm(vm_uuid, SPEC)
        tracker.start_vm(uuids[0], StartRequest())
        connection.kept = uuids[3]
        self.assertRaises(BackendError, tracker.free)
        self.assertEqual([uuids[3]], [vm.uuid for vm in host_named(self.id()).vms()])

    def test_it_provides_what_the_connection_provides(self) -> None:
        connection = ReferenceHypervisor(Settings(host=self.id()), SuiteServices())
        self.addCleanup(connection.close)
        for interface in (IHypervisor, IImageCache):
            self.assertTrue(interface.providedBy(Tracker(connection)))

    def test_a_vm_is_noted_also_when_making_it_fails(self) -> None:
        class Halfway(ReferenceHypervisor):
            def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
                super().create_vm(vm_uuid, spec)
                raise BackendError("the reply was lost")

        connection = Halfway(Settings(host=self.id()), SuiteServices())
        self.addCleanup(connection.close)
        tracker = Tracker(connection)
        self.assertRaises(BackendError, tracker.create_vm, vm_uuid=UUID(int=1), spec=SPEC)
        tracker.free()
        self.assertEqual([], host_named(self.id()).vms())
