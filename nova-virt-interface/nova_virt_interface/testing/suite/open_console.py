"""Consoles to connect to."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import InvalidState, NotFound, Resource, Unsupported
from nova_virt_interface.hypervisor.console import IConsole
from nova_virt_interface.hypervisor.power import IPause
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.power import PauseRequest, PowerState, StartRequest, StopRequest

__all__ = ["OpenConsoleSuite"]


class OpenConsoleSuite(HypervisorMixin):
    """open_console."""

    def _requests(self) -> list[OpenConsoleRequest]:
        kinds = self.requires(IConsole).describe().console_kinds
        self.assertTrue(kinds, "IConsole is provided, but no kind is offered")
        return [OpenConsoleRequest(kind=kind) for kind in kinds]

    @rules("CON-2")
    def test_every_kind_of_console_lets_in_who_has_the_secret(self) -> None:
        requests, vm_uuid = self._requests(), self.running()
        for request in requests:
            console = self.hypervisor.open_console(vm_uuid, request)
            self.assertEqual(request.kind, console.kind)
            self.assertTrue(console.valid_seconds is None or console.valid_seconds > 0, console)
            self.assertTrue(self.harness.console_lets_in(vm_uuid, console), request)

    @rules("CON-2", "REP-1")
    def test_a_console_that_was_given_out_stays_good(self) -> None:
        requests, vm_uuid = self._requests(), self.running()
        for request in requests:
            given = [self.hypervisor.open_console(vm_uuid, request) for _ in range(2)]
            for console in given:
                self.assertTrue(self.harness.console_lets_in(vm_uuid, console), request)

    @rules("CON-2", "SEC-1")
    def test_a_wrong_secret_is_not_let_in_and_the_right_one_is_in_no_repr(self) -> None:
        requests, vm_uuid = self._requests(), self.running()
        for request in requests:
            console = self.hypervisor.open_console(vm_uuid, request)
            if console.secret is None:
                continue
            right = console.secret.reveal()
            self.assertGreaterEqual(len(right), 8, "the secret can be guessed")
            self.assertNotIn(right.decode("ascii", errors="replace"), repr(console))
            for content in (bytes(reversed(right)) + b"x", b""):
                wrong = replace(console, secret=Secret(content))
                self.assertFalse(self.harness.console_lets_in(vm_uuid, wrong), request)

    @rules("CON-2")
    def test_two_vms_have_consoles_and_secrets_of_their_own(self) -> None:
        requests = self._requests()
        first, second = self.running(), self.running()
        for request in requests:
            one, two = (self.hypervisor.open_console(uuid, request) for uuid in (first, second))
            self.assertTrue(self.harness.console_lets_in(first, one), request)
            self.assertTrue(self.harness.console_lets_in(second, two), request)
            self.assertFalse(self.harness.console_lets_in(second, one), request)

    @rules("CON-2")
    def test_a_vm_that_was_restarted_or_paused_has_its_consoles(self) -> None:
        requests, vm_uuid = self._requests(), self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        if IPause.providedBy(self.tracker.connection):
            self.hypervisor.pause_vm(vm_uuid, PauseRequest())
        for request in requests:
            console = self.hypervisor.open_console(vm_uuid, request)
            self.assertTrue(self.harness.console_lets_in(vm_uuid, console), request)

    @rules("CON-3")
    def test_a_vm_that_is_off_has_no_console(self) -> None:
        requests, vm_uuid = self._requests(), self.made()
        for request in requests:
            with self.refused(InvalidState) as caught:
                self.hypervisor.open_console(vm_uuid, request)
            self.assertEqual(PowerState.STOPPED.value, caught.error.state)

    @rules("CON-3", "CAP-2")
    def test_a_kind_of_console_that_is_not_offered_is_unsupported(self) -> None:
        offered = {request.kind for request in self._requests()}
        vm_uuid = self.running()
        for kind in set(ConsoleKind) - offered:
            with self.refused(Unsupported) as caught:
                self.hypervisor.open_console(vm_uuid, OpenConsoleRequest(kind=kind))
            self.assertEqual("kind", caught.error.field)

    @rules("ID-2")
    def test_a_console_of_what_is_not_ours_is_not_found(self) -> None:
        requests, foreign = self._requests(), self.new_uuid()
        with self.harness.foreign_vm(foreign):
            for vm_uuid in (foreign, self.new_uuid()):
                with self.refused(NotFound, Resource.VM):
                    self.hypervisor.open_console(vm_uuid, requests[0])
