"""Steps of tests that take two hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nova_virt_interface.call import Call, Progress
from nova_virt_interface.errors import HostUnreachable
from nova_virt_interface.hypervisor.migration import IMigrationSource, IMigrationTarget
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk
from nova_virt_interface.testing.tracker import Tracker
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
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import VmSpec

__all__ = ["COLD", "CONTENT", "LIVE", "Node", "TwoHostsMixin", "Waiting"]

CONTENT = bytes(range(1, 252)) * 17
"""What the guests of these tests have written to their disks."""
LIVE, COLD = MigrationMode.LIVE, MigrationMode.COLD


@dataclass
class Node:
    """One of the two hosts, and how to look at it."""

    settings: Any
    services: SuiteServices
    driver: Any


class TwoHostsMixin(HypervisorMixin):
    """Two hosts, and the way of a VM from one to the other."""

    def first(self) -> Node:
        """The host of all other tests, whose outage can be brought about."""
        return Node(self.harness.settings(), self.services, self.hypervisor)

    def second(self) -> Node:
        """Another host, with storage of its own."""
        return self.node(self.harness.second_settings())

    def sharing(self) -> tuple[Node, Node]:
        """Two hosts on one storage."""
        one, other = self.harness.shared_hosts()
        return self.node(one), self.node(other)

    def node(self, settings: Any) -> Node:
        """A connection to a host; what is made through it is freed after the test."""
        services = SuiteServices()
        connection = self.harness.factory().connect(settings, services)
        self.addCleanup(connection.close)
        tracker = Tracker(connection, self.asked)
        self.addCleanup(tracker.free)
        return Node(settings, services, tracker)

    def requires_mode(self, mode: MigrationMode) -> None:
        """Skip the test, or make it a deviation, where VMs do not migrate so."""
        self.requires(IMigrationSource, IMigrationTarget)
        if mode not in self.hypervisor.describe().migration_modes:
            raise CannotProvoke(f"this hypervisor offers no {mode.value} migration")

    def full_vm(self, node: Node, mode: MigrationMode = LIVE, **changes: object) -> UUID:
        """A VM whose disk is full; for a live migration it runs."""
        vm_uuid = self.new_uuid()
        node.driver.create_vm(vm_uuid, self.spec(**changes))
        content = CONTENT * (self.harness.disk_bytes // len(CONTENT))
        self.harness.write_disk(node.settings, vm_uuid, "data", content)
        if mode is LIVE:
            node.driver.start_vm(vm_uuid, StartRequest())
        return vm_uuid

    def assert_full(self, node: Node, vm_uuid: UUID) -> None:
        """The disk of a stopped VM has all that was written."""
        size = self.harness.disk_bytes // len(CONTENT) * len(CONTENT)
        found = self.harness.read_disk(node.settings, vm_uuid, "data", size)
        self.assertTrue(found == CONTENT * (size // len(CONTENT)), "the disk has another content")

    def plan(
        self, source: Node, target: Node, vm_uuid: UUID, mode: MigrationMode = LIVE, **spec: object
    ) -> MigrationPlan:
        """Ask both hosts how the VM would go."""
        described = source.driver.describe_outgoing(vm_uuid)
        incoming = CheckIncomingRequest(vm=described, spec=self.spec(**spec), mode=mode)
        offer = target.driver.check_incoming(vm_uuid, incoming)
        outgoing = CheckOutgoingRequest(offer=offer, mode=mode)
        plan: MigrationPlan = source.driver.check_outgoing(vm_uuid, outgoing)
        return plan

    def ticket(
        self, source: Node, target: Node, vm_uuid: UUID, mode: MigrationMode = LIVE, **spec: object
    ) -> MigrationTicket:
        """The whole way up to the destination's promise."""
        plan = self.plan(source, target, vm_uuid, mode, **spec)
        return self.prepared(target, vm_uuid, plan, self.spec(**spec))

    def prepared(
        self, target: Node, vm_uuid: UUID, plan: MigrationPlan, spec: VmSpec
    ) -> MigrationTicket:
        """Make the destination ready."""
        request = PrepareIncomingRequest(plan=plan, spec=spec)
        ticket: MigrationTicket = target.driver.prepare_incoming(vm_uuid, request)
        return ticket

    def migrate(self, source: Node, vm_uuid: UUID, ticket: MigrationTicket, **how: Any) -> None:
        """Move or copy the VM."""
        source.driver.migrate_vm(vm_uuid, MigrateVmRequest(ticket=ticket, **how))

    def finish(self, source: Node, target: Node, vm_uuid: UUID, **spec: object) -> None:
        """End a migration on both sides."""
        target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spec(**spec)))
        source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())

    def cancel(self, target: Node, vm_uuid: UUID) -> None:
        """Take back what the destination prepared."""
        target.driver.cancel_incoming(vm_uuid, CancelIncomingRequest())

    @contextmanager
    def on_its_way(
        self, source: Node, vm_uuid: UUID, ticket: MigrationTicket, **how: Any
    ) -> Iterator[Waiting]:
        """A slow live migration, in a thread; inside, it has begun and not come to its end."""
        began = threading.Event()
        how = {"bytes_per_second": self.harness.slow_bytes_per_second} | how
        waiting = Waiting(lambda: self.migrate(source, vm_uuid, ticket, **how), began)
        waiting.start()
        try:
            self.wait_until(began.is_set, "the migration to begin")
            yield waiting
        finally:
            waiting.call.cancel()
            waiting.join()

    def assert_at(self, vm_uuid: UUID, node: Node, state: PowerState, *not_at: Node) -> None:
        """The VM is that host's, in this state, and not that of the others."""
        self.assertEqual(state, node.driver.get_vm(vm_uuid).power_state)
        # What others did, such as the other host, may be seen some seconds late (LIST-1).
        self.wait_until(lambda: _lists(node, vm_uuid), "the VM to be listed")
        self.wait_until(
            lambda: not any(_lists(other, vm_uuid) for other in not_at), "the VM to be listed once"
        )

    def reached(self, node: Node) -> None:
        """Wait until a host that was away answers again."""

        def answers() -> bool:
            try:
                node.driver.list_vms()
            except HostUnreachable:
                return False
            return True

        self.wait_until(answers, "the host to answer again")

    def spare(self) -> VmSpec:
        """Another description than that of the tests' VMs."""
        return self.spec(name="another", disks=(blank_disk(self.harness, "another"),))


class Waiting(threading.Thread):
    """A call of a driver that takes its time; it has begun when it told of progress first."""

    def __init__(self, run: Callable[[], None], began: threading.Event) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self.progress: list[int] = []
        self._run = run
        self._began = began
        self.call = Call("req-migration", on_progress=self._on_progress)

    def _on_progress(self, progress: Progress) -> None:
        self.progress.append(progress.done)
        self._began.set()

    def run(self) -> None:
        """See `threading.Thread`."""
        try:
            with self.call:
                self._run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            self._began.set()

    def result(self, seconds: float) -> BaseException | None:
        """Wait until it has ended, and return its error."""
        self.join(seconds)
        if self.is_alive():
            raise AssertionError("the migration did not end")
        return self.error


def _lists(node: Node, vm_uuid: UUID) -> bool:
    return vm_uuid in [vm.vm_uuid for vm in node.driver.list_vms()]
