"""VMs whose host is gone, but not their disks."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import Conflict, NotFound, Resource, Unsupported
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import blank_disk, medium, nic_to_nowhere
from nova_virt_interface.testing.suite._two_hosts import COLD, TwoHostsMixin
from nova_virt_interface.values.disks import DiskBus
from nova_virt_interface.values.nics import NicBackingKind
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["RecoverySuite"]


class RecoverySuite(TwoHostsMixin):
    """find_disks, adopt_vm, release_vm. The old host is not off here: its VM is."""

    @rules("REC-1", "REC-2", "REC-5", "LIFE-1")
    def test_a_vm_is_adopted_and_released(self) -> None:
        self.requires(IRecovery)
        old, new = self.sharing()
        formats = new.driver.describe().media_formats
        disks = (blank_disk(self.harness), *(medium(format) for format in formats[:1]))
        vm_uuid = self.full_vm(old, COLD, disks=disks)
        self.assertEqual(("data",), new.driver.find_disks(vm_uuid))
        adopt = AdoptVmRequest(spec=self.spec(disks=disks))
        for _ in range(2):
            new.driver.adopt_vm(vm_uuid, adopt)
            self.assert_at(vm_uuid, new, PowerState.STOPPED)
        self.assert_full(new, vm_uuid)
        new.driver.start_vm(vm_uuid, StartRequest())
        for _ in range(2):
            old.driver.release_vm(vm_uuid, ReleaseVmRequest())
            self.assert_at(vm_uuid, new, PowerState.RUNNING, old)
        new.driver.adopt_vm(vm_uuid, adopt)
        self.assert_at(vm_uuid, new, PowerState.RUNNING)
        new.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_full(new, vm_uuid)
        new.driver.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual((), new.driver.find_disks(vm_uuid))

    @rules("REC-2", "REC-3")
    def test_a_vm_that_cannot_be_adopted_leaves_the_disks_as_they_were(self) -> None:
        self.requires(IRecovery)
        old, new = self.sharing()
        vm_uuid = self.full_vm(old, COLD)
        before = self.harness.leftovers()
        more = (blank_disk(self.harness), blank_disk(self.harness, "missing"))
        with self.refused(NotFound, Resource.DISK):
            new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec(disks=more)))
        host = new.driver.describe()
        disk = self.spec().disks[0]
        wrong = [replace(disk, bus=bus) for bus in set(DiskBus) - {*host.disk_buses}]
        for other in wrong[:1]:
            with self.refused(Unsupported):
                new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec(disks=(other,))))
        if NicBackingKind.NETWORK in host.nic_backings:
            with self.refused(NotFound, Resource.NETWORK):
                spec = self.spec(nics=(nic_to_nowhere(self.harness),))
                new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=spec))
        self.assertEqual(before, self.harness.leftovers())
        self.assert_full(old, vm_uuid)
        new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec()))
        with self.refused(Conflict, Resource.VM):
            new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec(vcpus=2)))
        self.assert_full(new, vm_uuid)
        old.driver.release_vm(vm_uuid, ReleaseVmRequest())

    @rules("REC-1", "REC-2")
    def test_a_vm_that_never_was_has_no_disks(self) -> None:
        recovery = self.requires(IRecovery)
        vm_uuid = self.new_uuid()
        self.assertEqual((), recovery.find_disks(vm_uuid))
        before = self.harness.leftovers()
        with self.refused(NotFound, Resource.DISK):
            recovery.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec()))
        self.assertEqual(before, self.harness.leftovers())
        recovery.release_vm(vm_uuid, ReleaseVmRequest())

    @rules("REC-2", "ID-2")
    def test_a_foreign_vm_is_neither_adopted_nor_released(self) -> None:
        recovery = self.requires(IRecovery)
        vm_uuid = self.new_uuid()
        with self.harness.foreign_vm(vm_uuid):
            self.assertEqual((), recovery.find_disks(vm_uuid))
            with self.refused(Conflict, Resource.VM):
                recovery.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec(disks=())))
            recovery.release_vm(vm_uuid, ReleaseVmRequest())
            self.assertTrue(self.harness.foreign_vm_untouched(vm_uuid))

    @rules("REC-5")
    def test_a_released_vm_that_runs_is_turned_off(self) -> None:
        self.requires(IRecovery)
        old, new = self.sharing()
        vm_uuid = self.full_vm(old, COLD)
        new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec()))
        old.driver.start_vm(vm_uuid, StartRequest())
        old.driver.release_vm(vm_uuid, ReleaseVmRequest())
        self.assert_at(vm_uuid, new, PowerState.STOPPED, old)
        self.assert_full(new, vm_uuid)

    @rules("REC-2")
    def test_a_description_of_its_own_is_the_adopted_vms(self) -> None:
        self.requires(IRecovery)
        old, new = self.sharing()
        vm_uuid = self.full_vm(old, COLD)
        larger = replace(self.spec(), name="after the fire", vcpus=2)
        new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=larger))
        self.assertEqual("after the fire", new.driver.get_vm(vm_uuid).name)
        new.driver.create_vm(vm_uuid, larger)
        old.driver.release_vm(vm_uuid, ReleaseVmRequest())
