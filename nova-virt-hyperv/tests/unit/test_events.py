"""What is told of a VM that the driver and the watch look at, in whichever order they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast
from uuid import UUID

import testtools
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.events import Events
from nova_virt_hyperv.machines import Entry, Machine, Machines

VM_UUID = UUID(int=1)
SUSPENDED = Entry(
    uuid=VM_UUID,
    machine=Machine(guid="A", mark=None),
    name="one",
    state=PowerState.SUSPENDED,
    vcpus=1,
    memory_mib=64,
    uptime_ms=0,
)


class _Machines:
    """Says one look after the other, the last one for ever."""

    def __init__(self, *looks: Entry) -> None:
        self.looks = list(looks)

    def census(self) -> Sequence[Entry]:
        """See `Machines`."""
        return [self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]]


class TestEvents(testtools.TestCase):
    """One VM, that was suspended."""

    def watch(self, *looks: Entry) -> tuple[Events, SuiteServices]:
        """Begin with the first look."""
        services = SuiteServices()
        events = Events(services.events, cast("Machines", _Machines(*looks)), 0.01)
        events.start()
        self.addCleanup(events.close)
        return events, services

    def test_a_vm_that_the_watch_has_seen_running_is_told_once(self) -> None:
        running = replace(SUSPENDED, state=PowerState.RUNNING)
        events, services = self.watch(SUSPENDED, running)
        services.events.wait_for(EventKind.RESUMED, VM_UUID, 60)
        events.note_running(VM_UUID)
        events.note(EventKind.STOPPED, VM_UUID)
        services.events.wait_for(EventKind.STOPPED, VM_UUID, 60)
        kinds = services.events.kinds(VM_UUID)
        self.assertEqual([EventKind.RESUMED, EventKind.STOPPED], kinds[:2])
