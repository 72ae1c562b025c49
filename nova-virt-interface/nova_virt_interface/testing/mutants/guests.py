"""Bugs in consoles, in what is asked of guests, and in what there is to know of one VM."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import InvalidState, NotFound, PeerUnreachable, Unsupported
from nova_virt_interface.reference.host_consoles import consoles_of
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.console import Console, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import VmStatistics

__all__: list[str] = []


@caught_by("OpenConsoleSuite.test_every_kind_of_console_lets_in_who_has_the_secret")
class ConsoleHasNoSecret(ReferenceHypervisor):
    """What the console asks for is not told."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        return replace(super().open_console(vm_uuid, request), secret=None)


@caught_by("OpenConsoleSuite.test_a_console_that_was_given_out_stays_good")
class NewSecretEndsTheOldOne(ReferenceHypervisor):
    """Who asks for a console locks out who asked before."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        opened = consoles_of(self._host)._open.get((vm_uuid, request.kind.value))
        if opened is not None:
            opened._tickets.clear()
        return super().open_console(vm_uuid, request)


@caught_by("OpenConsoleSuite.test_a_wrong_secret_is_not_let_in_and_the_right_one_is_in_no_repr")
class ConsoleLetsAnybodyIn(ReferenceHypervisor):
    """An empty secret is good, too."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        console = super().open_console(vm_uuid, request)
        consoles_of(self._host)._open[vm_uuid, request.kind.value]._tickets[b""] = float("inf")
        return console


@caught_by("OpenConsoleSuite.test_two_vms_have_consoles_and_secrets_of_their_own")
class ConsoleOfAnotherVm(ReferenceHypervisor):
    """The port of the first console that was opened is given out for every VM."""

    _first: Console | None = None

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        console = super().open_console(vm_uuid, request)
        self._first = self._first or console
        return self._first


@caught_by("OpenConsoleSuite.test_a_vm_that_is_off_has_no_console")
class ConsoleStartsTheVm(ReferenceHypervisor):
    """A VM that is off is started for its console."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        self.start_vm(vm_uuid, StartRequest())
        return super().open_console(vm_uuid, request)


@caught_by("OpenConsoleSuite.test_a_kind_of_console_that_is_not_offered_is_unsupported")
class OtherConsoleThanAsked(ReferenceHypervisor):
    """A kind that the host has not is replaced by its first."""

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        with suppress(Unsupported):
            return super().open_console(vm_uuid, request)
        kind = self.describe().console_kinds[0]
        return super().open_console(vm_uuid, OpenConsoleRequest(kind=kind))


@caught_by("GuestSuite.test_a_guest_takes_a_password_and_nobody_else_learns_it")
class PasswordIsLogged(ReferenceHypervisor):
    """The password is written into the log."""

    def set_guest_password(self, vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        logging.getLogger(__name__).debug("password %s", request.password.reveal().decode())
        super().set_guest_password(vm_uuid, request)


@caught_by("GuestSuite.test_a_password_arrives_as_it_is")
class PasswordIsQuoted(ReferenceHypervisor):
    """The password is prepared for a shell that is not there."""

    def set_guest_password(self, vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        quoted = request.password.reveal().replace(b'"', b'\\"')
        super().set_guest_password(vm_uuid, replace(request, password=Secret(quoted)))


@caught_by("GuestSuite.test_a_guest_without_an_agent_cannot_be_reached")
class SilentGuestIsIgnored(ReferenceHypervisor):
    """A guest that has no agent is said to be at rest."""

    def quiesce_guest(self, vm_uuid: UUID, request: QuiesceRequest) -> None:
        with suppress(PeerUnreachable):
            super().quiesce_guest(vm_uuid, request)


@caught_by("GuestSuite.test_a_guest_that_does_not_run_is_not_asked")
class GuestThatIsOffIsUnreachable(ReferenceHypervisor):
    """A VM that is off is not told from one without an agent."""

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        with suppress(InvalidState):
            super().sync_guest_time(vm_uuid, request)


@caught_by("GuestSuite.test_a_guest_comes_to_rest_and_writes_again")
class UnquiesceDoesNothing(ReferenceHypervisor):
    """A guest stays at rest."""

    def unquiesce_guest(self, vm_uuid: UUID, request: UnquiesceRequest) -> None:
        self._ours(vm_uuid)


@caught_by("GuestSuite.test_a_guest_that_may_be_at_rest_after_an_error_is_said_to_be")
class FailedQuiesceIsSaidToBeUndone(ReferenceHypervisor):
    """A guest that may be at rest is said not to be."""

    def quiesce_guest(self, vm_uuid: UUID, request: QuiesceRequest) -> None:
        try:
            super().quiesce_guest(vm_uuid, request)
        except PeerUnreachable as error:
            error.may_have_been_done = False
            raise


@caught_by("GuestSuite.test_an_agent_that_hangs_is_unreachable")
class HangingAgentIsTaken(ReferenceHypervisor):
    """That an agent took a request counts as done."""

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        try:
            super().sync_guest_time(vm_uuid, request)
        except PeerUnreachable as error:
            if not error.may_have_been_done:
                raise


@caught_by("GuestSuite.test_a_guests_clock_is_set_to_the_hosts")
class ClockIsNotSet(ReferenceHypervisor):
    """The guest's clock is left to itself."""

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        self._ours(vm_uuid)


@caught_by("DiagnosticsSuite.test_one_vm_is_measured_as_all_are")
class MemoryInKibibytes(ReferenceHypervisor):
    """One VM's memory is told in another unit than all VMs' is."""

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        found = super().vm_statistics(vm_uuid)
        return replace(found, memory_bytes=(found.memory_bytes or 0) // 1024)


@caught_by("DiagnosticsSuite.test_one_vm_costs_the_same_among_many")
class AsksAboutAllForOne(ReferenceHypervisor):
    """Every VM of the host is asked about to tell of one."""

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        for vm in self._host.vms():
            self._host.vm(vm.uuid)
        return super().vm_statistics(vm_uuid)


@caught_by("DiagnosticsSuite.test_of_a_vm_that_does_not_run_there_is_its_state")
class StoppedVmHasAnUptime(ReferenceHypervisor):
    """The time since the last start is told of a VM that is off."""

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        found = super().vm_statistics(vm_uuid)
        is_off = found.power_state is PowerState.STOPPED
        return replace(found, uptime_seconds=0) if is_off else found


@caught_by("DiagnosticsSuite.test_every_device_is_where_the_guest_finds_it")
class AddressesByOrder(ReferenceHypervisor):
    """The addresses are guessed from the order of the devices."""

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        found = super().device_metadata(vm_uuid)
        return tuple(
            replace(device, address=f"0000:00:{place:02x}.0") for place, device in enumerate(found)
        )


@caught_by("DiagnosticsSuite.test_what_is_not_ours_has_no_diagnostics")
class UnknownVmHasNoDevices(ReferenceHypervisor):
    """A VM that is not there has no devices."""

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        with suppress(NotFound):
            return super().device_metadata(vm_uuid)
        return ()
