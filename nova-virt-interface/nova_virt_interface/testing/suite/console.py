"""The record of a guest's console."""

from __future__ import annotations

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.power import StopRequest

__all__ = ["ConsoleSuite"]


class ConsoleSuite(HypervisorMixin):
    """console_log."""

    @rules("CON-1")
    def test_a_vm_that_never_ran_has_written_nothing(self) -> None:
        vm_uuid = self.made() if self.requires(IConsoleLog) else self.new_uuid()
        self.assertEqual(b"", self.hypervisor.console_log(vm_uuid, 1024))

    @rules("CON-1")
    def test_the_end_of_the_record_is_kept_while_stopped(self) -> None:
        vm_uuid = self.booted()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        whole = self.console(vm_uuid)
        self.assertIn(b"NVG ready", whole)
        self.assertEqual(whole[-10:], self.hypervisor.console_log(vm_uuid, 10))

    def test_the_console_of_an_unknown_vm_is_not_found(self) -> None:
        self.requires(IConsoleLog)
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.console_log(self.new_uuid(), 10)
