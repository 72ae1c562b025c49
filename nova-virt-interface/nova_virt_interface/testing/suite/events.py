"""What core learns without asking."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.events import EventKind, VmEvent
from nova_virt_interface.values.power import PowerState, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EventSuite"]


class EventSuite(HypervisorMixin):
    """VmEvent, IEventSink."""

    def _assert_arrives(self, kind: EventKind, vm_uuid: UUID | None, count: int = 1) -> None:
        arrived = self.services.events.wait_for(kind, vm_uuid, self.harness.patience_seconds, count)
        self.assertTrue(
            arrived, f"no {kind} of {vm_uuid}, but {self.services.events.kinds(vm_uuid)}"
        )

    @rules("EVT-1")
    def test_what_a_call_does_is_told_in_order(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self._assert_arrives(EventKind.DELETED, vm_uuid)
        kinds = _without_repeats(self.services.events.kinds(vm_uuid))
        self.assertEqual([EventKind.STARTED, EventKind.STOPPED, EventKind.DELETED], kinds)

    def test_what_an_operator_does_is_told(self) -> None:
        vm_uuid = self.running()
        self.harness.power_off_vm(vm_uuid)
        self._assert_arrives(EventKind.STOPPED, vm_uuid)
        self.wait_until(
            lambda: [vm.power_state for vm in self.hypervisor.list_vms()] == [PowerState.STOPPED],
            "the state to be listed",
        )
        self.assert_state(vm_uuid, PowerState.STOPPED)

    @rules("EVT-3")
    def test_foreign_vms_send_no_events(self) -> None:
        foreign = self.new_uuid()
        with self.harness.foreign_vm(foreign):
            vm_uuid = self.running()
            self._assert_arrives(EventKind.STARTED, vm_uuid)
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self._assert_arrives(EventKind.DELETED, vm_uuid)
        self.assertEqual([], self.services.events.kinds(foreign))

    @rules("EVT-4")
    def test_events_come_from_one_thread_of_the_driver(self) -> None:
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self._assert_arrives(EventKind.STOPPED, vm_uuid)
        self.assertEqual(1, len(self.services.events.threads))
        self.assertNotIn(threading.get_ident(), self.services.events.threads)

    @rules("EVT-4")
    def test_a_sink_that_fails_costs_no_event(self) -> None:
        self.services.events.raises = True
        vm_uuid = self.running()
        self._assert_arrives(EventKind.STARTED, vm_uuid)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self._assert_arrives(EventKind.STOPPED, vm_uuid)

    @rules("EVT-2")
    def test_after_an_outage_core_is_told_to_ask_again(self) -> None:
        self.made()
        with self.harness.outage():
            self._assert_arrives(EventKind.HOST_UNREACHABLE, None)
        self._assert_arrives(EventKind.EVENTS_LOST, None)

    @rules("CONN-6")
    def test_a_closed_connection_tells_nothing(self) -> None:
        services = SuiteServices()
        closed = self.connect(services)
        vm_uuid = self.running()
        self.assertTrue(
            services.events.wait_for(EventKind.STARTED, vm_uuid, self.harness.patience_seconds)
        )
        closed.close()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self._assert_arrives(EventKind.STOPPED, vm_uuid)
        self.assertNotIn(EventKind.STOPPED, services.events.kinds(vm_uuid))

    def test_events_have_aware_times_and_fit_their_kind(self) -> None:
        now = datetime.now(UTC)
        for broken in (
            {"kind": EventKind.STARTED, "at": now.replace(tzinfo=None), "vm_uuid": self.new_uuid()},
            {"kind": EventKind.STARTED, "at": now},
            {"kind": EventKind.EVENTS_LOST, "at": now, "vm_uuid": self.new_uuid()},
        ):
            self.assertRaises(ValueError, VmEvent, **broken)


def _without_repeats(kinds: Iterable[EventKind]) -> list[EventKind]:
    """An event may come twice."""
    found: list[EventKind] = []
    for kind in kinds:
        if found[-1:] != [kind]:
            found.append(kind)
    return found
