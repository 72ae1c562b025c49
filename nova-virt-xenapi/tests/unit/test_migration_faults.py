"""Every wire call of a migration fails once, before and after its effect."""

from __future__ import annotations

from typing import Any, ClassVar

from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationPlan,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_xenapi.hypervisor import XenApiFactory
from nova_virt_xenapi.testing.harness import SimulatorHarness

from .fault_matrix import FaultTestCase
from .pools import InPoolHarness


class MigrationFaultCase(FaultTestCase):
    """A migration between two hosts of a pool that have storage of their own."""

    settings = GuestSettings()
    harness_class: ClassVar[type[SimulatorHarness]] = InPoolHarness
    stride = 4
    ticket: MigrationTicket

    def setUp(self) -> None:
        super().setUp()
        settings = self.harness.second_settings()
        self.other: Any = XenApiFactory().connect(settings, SuiteServices())
        self.addCleanup(self.other.close)
        self.destination = self.simulator
        self.before = self.objects()

    def objects(self) -> frozenset[str]:
        """Without sessions: xapi makes one for a migration, and that answer may be lost, too."""
        return frozenset(name for name in super().objects() if not name.startswith("session"))

    def spec(self, **changes: Any) -> VmSpec:
        return super().spec(settings=self.settings, **changes)

    def plan(self, mode: MigrationMode) -> MigrationPlan:
        described = self.driver.describe_outgoing(self.vm_uuid)
        incoming = CheckIncomingRequest(vm=described, spec=self.spec(), mode=mode)
        offer = self.other.check_incoming(self.vm_uuid, incoming)
        request = CheckOutgoingRequest(offer=offer, mode=mode)
        plan: MigrationPlan = self.driver.check_outgoing(self.vm_uuid, request)
        return plan

    def ready(self, mode: MigrationMode) -> None:
        self.with_running_vm() if mode is MigrationMode.LIVE else self.with_vm()
        self.promised = PrepareIncomingRequest(plan=self.plan(mode), spec=self.spec())

    def prepared(self, mode: MigrationMode) -> None:
        self.ready(mode)
        self.ticket = self.other.prepare_incoming(self.vm_uuid, self.promised)

    def moved(self, mode: MigrationMode) -> None:
        self.prepared(mode)
        self.migrate()

    def migrate(self) -> None:
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=self.ticket))

    def finish_there(self) -> None:
        self.other.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=self.spec()))

    def finish_here(self) -> None:
        self.driver.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())

    def finish(self) -> None:
        self.finish_there()
        self.finish_here()
        self.assertEqual((), self.driver.list_vms())
        self.other.delete_vm(self.vm_uuid, DeleteVmRequest())

    def cancel(self) -> None:
        self.other.cancel_incoming(self.vm_uuid, CancelIncomingRequest())


class TestWithTpm(MigrationFaultCase):
    """It is another place then that becomes the VM."""

    settings = GuestSettings(tpm=Tpm())

    def prepare(self) -> None:
        self.driver.cache_image(self.image_request())
        self.driver.create_vm(self.vm_uuid, self.spec())
        [self.state] = self.simulator.ask("tpms").values()
        self.promised = PrepareIncomingRequest(plan=self.plan(MigrationMode.COLD), spec=self.spec())
        self.ticket = self.other.prepare_incoming(self.vm_uuid, self.promised)
        self.migrate()

    def check(self) -> None:
        self.finish_there()
        self.finish_here()
        self.assertEqual([self.state], list(self.simulator.ask("tpms").values()))
        self.other.delete_vm(self.vm_uuid, DeleteVmRequest())

    def test_finish_there(self) -> None:
        self.sweep(self.finish_there, prepare=self.prepare, check=self.check)


class TestInPool(MigrationFaultCase):
    """Every step."""

    def test_prepare(self) -> None:
        self.faulty = self.destination
        self.sweep(
            lambda: self.other.prepare_incoming(self.vm_uuid, self.promised),
            prepare=lambda: self.ready(MigrationMode.LIVE),
            check=self.cancel,
        )

    def test_cancel(self) -> None:
        self.faulty = self.destination
        self.sweep(self.cancel, prepare=lambda: self.prepared(MigrationMode.LIVE))

    def test_migrate_live(self) -> None:
        self.sweep(
            self.migrate,
            prepare=lambda: self.prepared(MigrationMode.LIVE),
            check=self.finish,
        )

    def test_migrate_cold(self) -> None:
        self.sweep(
            self.migrate,
            prepare=lambda: self.prepared(MigrationMode.COLD),
            check=self.finish,
        )

    def test_finish_there(self) -> None:
        self.faulty = self.destination
        for mode in MigrationMode:
            self.sweep(
                self.finish_there,
                prepare=lambda mode=mode: self.moved(mode),  # type: ignore[misc]
                check=self.finish,
            )

    def test_finish_here(self) -> None:
        def prepare() -> None:
            self.moved(MigrationMode.COLD)
            self.finish_there()

        self.sweep(self.finish_here, prepare=prepare, check=self.finish)


class TestAcrossPools(TestInPool):
    """Each host has a pool of its own."""

    harness_class = SimulatorHarness

    def setUp(self) -> None:
        super().setUp()
        self.destination = self.harness.other_pool
