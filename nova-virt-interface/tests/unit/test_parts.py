"""A connection of parts provides what its parts can do."""

from __future__ import annotations

from uuid import UUID

import testtools
from abc_interface_checker import assert_conforms

from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.power import ICrashDump, IPause
from nova_virt_interface.parts import provide
from nova_virt_interface.values.power import PauseRequest


class Power:
    paused: UUID | None = None

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        self.paused = vm_uuid

    def trigger_crash_dump(self, vm_uuid: UUID) -> None:
        """Takes no request, as it should."""


class Connection:
    pass


class TestProvide(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.connection, self.power = Connection(), Power()

    def test_a_part_does_what_the_connection_is_asked(self) -> None:
        provide(self.connection, {IPause: self.power})
        self.assertTrue(IPause.providedBy(self.connection))
        assert_conforms(IPause, self.connection)
        self.connection.pause_vm(UUID(int=1), PauseRequest())  # type: ignore[attr-defined]
        self.assertEqual(UUID(int=1), self.power.paused)

    def test_one_connection_alone_provides_it(self) -> None:
        provide(self.connection, {IPause: self.power})
        self.assertFalse(IPause.providedBy(Connection()))

    def test_what_a_part_takes_wrongly_is_seen_at_the_connection(self) -> None:
        provide(self.connection, {ICrashDump: self.power})
        self.assertRaises(AssertionError, assert_conforms, ICrashDump, self.connection)

    def test_a_part_without_a_method_is_refused(self) -> None:
        self.assertRaises(AttributeError, provide, self.connection, {IConsoleLog: self.power})
        self.assertFalse(IConsoleLog.providedBy(self.connection))
