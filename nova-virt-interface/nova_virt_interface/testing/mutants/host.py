"""Bugs in connections, and in what the host says about itself and its VMs."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import HostUnreachable
from nova_virt_interface.reference import translate
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.host import host_named
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.services import IServices
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicModel
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmState, VmStatistics

__all__: list[str] = []


@caught_by("HostSuite.test_the_description_is_fixed_and_costs_nothing")
class DescribeAsksTheHost(ReferenceHypervisor):
    """The host is asked each time what it is."""

    def describe(self) -> HostDescription:
        self._host.resources()
        return super().describe()


@caught_by("HostSuite.test_what_the_host_does_not_take_is_refused_before_anything_is_touched")
class TakesWhatTheHostDoesNotOffer(ReferenceHypervisor):
    """A format or model that the host has not is silently replaced by another."""

    def __init__(self, settings: Settings, services: IServices) -> None:
        super().__init__(settings, services)
        self._offered = self._description
        self._description = replace(
            self._offered, disk_formats=tuple(DiskFormat), nic_models=tuple(NicModel)
        )

    def describe(self) -> HostDescription:
        return self._offered


@caught_by("HostSuite.test_inventory_adds_up")
class MemoryInMebibytes(ReferenceHypervisor):
    """The host's memory is given in its own unit."""

    def inventory(self) -> HostInventory:
        found = super().inventory()
        return replace(found, memory_bytes=found.memory_bytes // 1024**2)


@caught_by("HostSuite.test_all_vms_are_listed_with_their_states")
class ListsRunningVmsOnly(ReferenceHypervisor):
    """VMs that are stopped are not listed."""

    def list_vms(self) -> tuple[VmState, ...]:
        return tuple(vm for vm in super().list_vms() if vm.power_state is PowerState.RUNNING)


@caught_by("HostSuite.test_bulk_questions_cost_the_same_for_any_number_of_vms")
class StatisticsOneByOne(ReferenceHypervisor):
    """Statistics take one question for each VM."""

    def statistics(self) -> tuple[VmStatistics, ...]:
        found = super().statistics()
        for entry in found:
            self._host.vm(entry.vm_uuid)
        return found


@caught_by("HostSuite.test_statistics_name_every_vm")
class NoStatisticsOfStoppedVms(ReferenceHypervisor):
    """What is not running is left out of the statistics."""

    def statistics(self) -> tuple[VmStatistics, ...]:
        return tuple(e for e in super().statistics() if e.power_state is PowerState.RUNNING)


@caught_by("HostSuite.test_a_host_that_is_not_there_is_unreachable")
class ConnectDoesNotConnect(ReferenceHypervisor):
    """A host that is away is found out at the first call only."""

    def __init__(self, settings: Settings, services: IServices) -> None:
        host = host_named(settings.host)
        away, host.away = host.away, False
        super().__init__(settings, services)
        host.away = away


@caught_by("HostSuite.test_an_outage_is_unreachable_and_heals_by_itself")
class AnswersFromMemory(ReferenceHypervisor):
    """While the host is away, the last known states are told as if they were fresh."""

    _last: tuple[VmState, ...] = ()

    def list_vms(self) -> tuple[VmState, ...]:
        try:
            self._last = super().list_vms()
        except HostUnreachable:
            if self._connected is None:
                raise
        return self._last


@caught_by("HostSuite.test_an_outage_is_unreachable_and_heals_by_itself")
class NeverConnectsAgain(ReferenceHypervisor):
    """A connection that broke stays broken."""

    _broken = False

    def list_vms(self) -> tuple[VmState, ...]:
        if self._broken:
            raise HostUnreachable("the connection is broken")
        try:
            return super().list_vms()
        except HostUnreachable:
            self._broken = True
            raise


@caught_by("HostSuite.test_a_closed_connection_is_unreachable")
class WorksAfterClose(ReferenceHypervisor):
    """A closed connection still answers."""

    def list_vms(self) -> tuple[VmState, ...]:
        host = host_named(self._description.hostname)
        return tuple(translate.vm_state(vm) for vm in host.vms())


@caught_by("HostSuite.test_a_closed_connection_is_unreachable")
class CloseTwiceRaises(ReferenceHypervisor):
    """Closing a connection that is closed is an error."""

    def close(self) -> None:
        if self._connected is None:
            raise HostUnreachable("the connection is closed")
        super().close()


@caught_by("HostSuite.test_two_connections_are_independent")
class ConnectionIsLeaked(ReferenceHypervisor):
    """The host keeps the connection when it is closed."""

    def close(self) -> None:
        if self._connected is not None:
            self._connected.connections += 1
        super().close()
