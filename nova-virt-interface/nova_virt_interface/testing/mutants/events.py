"""Bugs in what core is told without asking."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.host import Vm
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.services import IServices
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.events import EventKind, VmEvent
from nova_virt_interface.values.vm import VmState

__all__: list[str] = []


@caught_by("EventSuite.test_what_a_call_does_is_told_in_order")
class DeletionIsNotTold(ReferenceHypervisor):
    """No event says that a VM was deleted."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if kind != "deleted":
            super()._on_change(kind, vm)


@caught_by("EventSuite.test_what_a_call_does_is_told_in_order")
class StartIsToldAfterStop(ReferenceHypervisor):
    """Events are told in another order than they happened in."""

    _started: Vm | None = None

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if kind == "started":
            self._started = vm
        else:
            super()._on_change(kind, vm)
            if kind == "stopped":
                super()._on_change("started", self._started)


@caught_by("EventSuite.test_what_an_operator_does_is_told")
class OnlyOwnCallsAreTold(ReferenceHypervisor):
    """What somebody else does to a VM is not told."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if kind != "stopped":
            super()._on_change(kind, vm)


@caught_by("EventSuite.test_what_an_operator_does_is_told")
class StatesAreStale(ReferenceHypervisor):
    """The first state that was seen of a VM is told for ever."""

    def __init__(self, settings: Settings, services: IServices) -> None:
        super().__init__(settings, services)
        self._seen: dict[UUID, VmState] = {}

    def start_vm(self, vm_uuid: UUID, request: object) -> None:
        super().start_vm(vm_uuid, request)  # type: ignore[arg-type]
        self._seen[vm_uuid] = super().get_vm(vm_uuid)

    def get_vm(self, vm_uuid: UUID) -> VmState:
        return self._seen.get(vm_uuid) or super().get_vm(vm_uuid)


@caught_by("EventSuite.test_foreign_vms_send_no_events")
class ForeignVmsSendEvents(ReferenceHypervisor):
    """Events of all VMs of the host are told, whoever made them."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        self._events.send(EventKind(kind), vm.uuid if vm else None)


@caught_by("EventSuite.test_events_come_from_one_thread_of_the_driver")
class EventsFromTheCallersThread(ReferenceHypervisor):
    """Core's sink is called from inside a call of core."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        _deliver(self, kind, vm)


@caught_by("EventSuite.test_a_sink_that_fails_costs_no_event")
class FailingSinkStopsEvents(ReferenceHypervisor):
    """After the sink has failed once, nothing is told any more."""

    _told = False

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if not self._told:
            super()._on_change(kind, vm)
        self._told = True


@caught_by("EventSuite.test_after_an_outage_core_is_told_to_ask_again")
class OutageIsNotTold(ReferenceHypervisor):
    """Events that were lost in an outage are lost silently."""

    def _on_change(self, kind: str, vm: Vm | None) -> None:
        if kind != "events-lost":
            super()._on_change(kind, vm)


@caught_by("EventSuite.test_a_closed_connection_tells_nothing")
class EventsAfterClose(ReferenceHypervisor):
    """A closed connection goes on to tell what happens."""

    def close(self) -> None:
        host = self._connected
        super().close()
        if host is not None:
            host._listeners.append(lambda kind, vm: _deliver(self, kind, vm))


def _deliver(driver: ReferenceHypervisor, kind: str, vm: Vm | None) -> None:
    vm_uuid = vm.uuid if vm else None
    event = VmEvent(kind=EventKind(kind), at=datetime.now(UTC), vm_uuid=vm_uuid)
    driver._services.events.deliver(event)
