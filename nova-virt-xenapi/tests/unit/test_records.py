"""What an operator makes of the driver's VMs."""

from __future__ import annotations

from nova_virt_interface.errors import NotFound
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DeleteVmRequest

from .pools import OperationTestCase


class TestClones(OperationTestCase):
    """An operator's clone has the marks of its source, and is no VM of the driver's."""

    def clone(self) -> str:
        clone = str(self.operator("VM.clone", self.record()[0], "mine"))
        self.addCleanup(self.remove, clone)
        return clone

    def remove(self, clone: str) -> None:
        records = self.simulator.ask("records", class_name="VM")[clone]
        vbds = self.simulator.ask("records", class_name="VBD")
        vdis = [vbds[ref]["VDI"] for ref in records["VBDs"]]
        self.operator("VM.destroy", clone)
        for vdi in vdis:
            self.operator("VDI.destroy", vdi)

    def test_it_is_not_listed_and_not_acted_on(self) -> None:
        self.make()
        clone = self.clone()
        [state] = self.driver.list_vms()
        self.assertEqual(self.vm_uuid, state.vm_uuid)
        self.start()
        records = self.simulator.ask("records", class_name="VM")
        self.assertEqual("Halted", records[clone]["power_state"])
        self.assertEqual(PowerState.RUNNING, self.state())

    def test_it_stays_with_its_disks_when_its_source_is_deleted(self) -> None:
        self.make()
        clone = self.clone()
        before = self.simulator.ask("records", class_name="VM")[clone]
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertEqual(before, self.simulator.ask("records", class_name="VM")[clone])
        self.assertEqual(3, len(self.simulator.ask("records", class_name="VBD")))
        self.assertRaises(NotFound, self.driver.get_vm, self.vm_uuid)
        # A new VM of this uuid is none of its business.
        self.make()
        self.assertEqual(before, self.simulator.ask("records", class_name="VM")[clone])

    def test_it_makes_no_events(self) -> None:
        self.make()
        clone = self.clone()
        self.operator("VM.start", clone, False, False)
        self.operator("VM.hard_shutdown", clone)
        told = set(self.services.events.kinds())
        self.assertFalse(told & {EventKind.STARTED, EventKind.STOPPED})
