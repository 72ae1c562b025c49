"""Every request of a migration, and of an adoption, breaks once, before it and with its reply; and
how many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from nova_virt_interface.call import Call, Progress
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.images import DeleteImageRequest
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmState
from nova_virt_interface.values.volumes import Volume, VolumeProtocol
from on_vcsim import BLANK, MEDIUM, MIB, VcsimTestCase, nic, spec
from pyVmomi import vim

from nova_virt_vmware.session import RELOCATION

LIVE, COLD = MigrationMode.LIVE, MigrationMode.COLD
CONTENT = b"what the guest has written" * 1000
SPEC = spec(BLANK, MEDIUM, nics=(nic(),))


class TwoNodes(VcsimTestCase):
    """Two clusters of one vCenter."""

    def setUp(self) -> None:
        super().setUp()
        fast = self.harness.server.fast_moves()
        fast.__enter__()
        self.addCleanup(fast.__exit__, None, None, None)
        self.spec = SPEC
        self.here, self.there = self.nodes()
        self.vm_uuid = uuid4()
        for node in (self.here, self.there):
            self.addCleanup(node.delete_vm, self.vm_uuid, DeleteVmRequest())

    def nodes(self) -> tuple[Any, Any]:
        return self.driver, self.connect_to(self.harness.second_settings())

    def connect_to(self, settings: Any) -> Any:
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        return driver

    def create(self, mode: MigrationMode) -> None:
        self.here.create_vm(self.vm_uuid, self.spec)
        self.harness.write_as_guest(self.vm_uuid, BLANK.key, 0, CONTENT)
        if mode is LIVE:
            self.here.start_vm(self.vm_uuid, StartRequest())

    def ticket(self, mode: MigrationMode, source: Any, target: Any) -> MigrationTicket:
        vm = source.describe_outgoing(self.vm_uuid)
        check = CheckIncomingRequest(vm=vm, spec=self.spec, mode=mode)
        offer = target.check_incoming(self.vm_uuid, check)
        plan = source.check_outgoing(self.vm_uuid, CheckOutgoingRequest(offer=offer, mode=mode))
        prepare = PrepareIncomingRequest(plan=plan, spec=self.spec)
        ticket: MigrationTicket = target.prepare_incoming(self.vm_uuid, prepare)
        return ticket

    def migrate(self, source: Any, ticket: MigrationTicket) -> None:
        source.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=ticket))

    def finish(self, source: Any, target: Any) -> None:
        target.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=self.spec))
        source.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())

    def go(self, mode: MigrationMode, source: Any, target: Any) -> None:
        self.migrate(source, self.ticket(mode, source, target))
        self.finish(source, target)

    def cancel(self) -> None:
        self.there.cancel_incoming(self.vm_uuid, CancelIncomingRequest())

    def listed(self, node: Any) -> list[VmState]:
        return [vm for vm in node.list_vms() if vm.vm_uuid == self.vm_uuid]

    def assert_whole(self, node: Any) -> None:
        """The VM is there, and its disk and its medium have what they should have."""
        self.assertEqual({"data", "config-drive"}, set(node.get_vm(self.vm_uuid).disk_keys))
        found = self.harness.read_as_guest(self.vm_uuid, BLANK.key, 0, len(CONTENT))
        self.assertTrue(found == CONTENT)
        (drive,) = [
            d for d in self.hardware(self.vm_uuid) if isinstance(d, vim.vm.device.VirtualCdrom)
        ]
        file = self.harness.server.local_file(drive.backing.fileName)
        self.assertEqual(b"medium" * 500, file.read_bytes())


class TestMigrationFaults(TwoNodes):
    """Each step, cut at each of its requests."""

    def _steps(self, mode: MigrationMode) -> tuple[Callable[[], None], ...]:
        """From a VM that is here, before each step: what leads there."""

        def prepared() -> None:
            if not self.listed(self.here):
                self.go(mode, self.there, self.here)
            self.ready = self.ticket(mode, self.here, self.there)

        def sent() -> None:
            prepared()
            self.migrate(self.here, self.ready)

        def finished() -> None:
            sent()
            self.there.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=SPEC))

        return prepared, sent, finished

    def _sweep(self, mode: MigrationMode) -> None:
        self.create(mode)
        prepared, sent, finished = self._steps(mode)
        finish_in = FinishIncomingRequest(spec=SPEC)
        # From now on all its files have the names that the vCenter gives them.
        self.go(mode, self.here, self.there)
        self.go(mode, self.there, self.here)
        self.cut_everywhere(partial(self.ticket, mode, self.here, self.there), self.cancel)
        self.cut_everywhere(self.cancel, prepared)
        self.cut_everywhere(
            lambda: self.migrate(self.here, self.ready), self._again(mode, prepared)
        )
        self.cut_everywhere(
            lambda: self.there.finish_incoming(self.vm_uuid, finish_in), self._again(mode, sent)
        )
        self.cut_everywhere(
            lambda: self.here.finish_outgoing(self.vm_uuid, FinishOutgoingRequest()),
            self._again(mode, finished),
        )
        self.here.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())
        self.assertEqual([], self.listed(self.here))
        self.assert_whole(self.there)

    def _again(self, mode: MigrationMode, lead: Callable[[], None]) -> Callable[[], None]:
        """Bring the VM back, wherever it is, and then to before the step."""

        def again() -> None:
            if mode is COLD and self.listed(self.here):
                self.cancel()
            elif not self.listed(self.here):
                self.finish(self.here, self.there)
            lead()

        return again

    def test_live(self) -> None:
        self._sweep(LIVE)

    def test_cold(self) -> None:
        self._sweep(COLD)


class TestRecoveryFaults(TwoNodes):
    """Adoption and release, cut at each of their requests."""

    def nodes(self) -> tuple[Any, Any]:
        one, other = self.harness.shared_hosts()
        return self.connect_to(one), self.connect_to(other)

    def test_adoption(self) -> None:
        self.create(COLD)
        adopt, release = AdoptVmRequest(spec=SPEC), ReleaseVmRequest()
        old, new = self.here, self.there
        # From now on both have names of a copy.
        new.adopt_vm(self.vm_uuid, adopt)
        old.release_vm(self.vm_uuid, release)
        old.adopt_vm(self.vm_uuid, adopt)
        new.release_vm(self.vm_uuid, release)
        self.cut_everywhere(
            partial(new.adopt_vm, self.vm_uuid, adopt),
            partial(new.release_vm, self.vm_uuid, release),
        )
        new.adopt_vm(self.vm_uuid, adopt)
        self.cut_everywhere(
            partial(old.release_vm, self.vm_uuid, release),
            partial(old.adopt_vm, self.vm_uuid, adopt),
        )
        old.release_vm(self.vm_uuid, release)
        self.assert_whole(new)

    def test_a_vm_that_nobody_remembers_is_adopted_by_its_files(self) -> None:
        self.create(COLD)
        self.here.release_vm(self.vm_uuid, ReleaseVmRequest())
        self.assertEqual(("data",), self.there.find_disks(self.vm_uuid))
        self.there.adopt_vm(self.vm_uuid, AdoptVmRequest(spec=SPEC))
        self.assert_whole(self.there)


class TestLinkedClones(TwoNodes):
    """A clone that goes to another datastore is whole there; one that stays needs its image."""

    def setUp(self) -> None:
        super().setUp()
        self.request = self.image()
        self.here.cache_image(self.request)
        self.spec = spec(self.root())
        _, sharing = self.harness.shared_hosts()
        self.sharing = self.connect_to(replace(sharing, linked_clones=True))
        self.addCleanup(self.sharing.delete_vm, self.vm_uuid, DeleteVmRequest())

    def nodes(self) -> tuple[Any, Any]:
        one, other = self.harness.settings(), self.harness.second_settings()
        return (
            self.connect_to(replace(one, linked_clones=True)),
            self.connect_to(replace(other, linked_clones=True)),
        )

    def _made(self, mode: MigrationMode) -> None:
        self.here.create_vm(self.vm_uuid, self.spec)
        if mode is LIVE:
            self.here.start_vm(self.vm_uuid, StartRequest())
        self._assert_needed()

    def _assert_needed(self) -> None:
        delete = DeleteImageRequest(key=self.request.key)
        self.assertRaises(Conflict, self.here.delete_cached_image, delete)

    def _assert_whole(self) -> None:
        disks = [d for d in self.hardware(self.vm_uuid) if isinstance(d, vim.vm.device.VirtualDisk)]
        self.assertEqual([None], [disk.backing.parent for disk in disks])
        self.here.delete_cached_image(DeleteImageRequest(key=self.request.key))
        found = self.harness.read_as_guest(self.vm_uuid, "root", 0, 4096)
        self.assertEqual(self.harness.image_content[:4096], found)

    def test_to_another_datastore(self) -> None:
        for mode in (LIVE, COLD):
            self.here.cache_image(self.request)
            self._made(mode)
            self.go(mode, self.here, self.there)
            self._assert_whole()
            self.there.delete_vm(self.vm_uuid, DeleteVmRequest())

    def test_every_request_may_break(self) -> None:
        def again() -> None:
            if self.listed(self.there):
                self.finish(self.here, self.there)
                self.there.delete_vm(self.vm_uuid, DeleteVmRequest())
            self._made(LIVE)
            self.ready = self.ticket(LIVE, self.here, self.there)

        self.cut_everywhere(lambda: self.migrate(self.here, self.ready), again)
        # Before its image can go.
        self.here.delete_vm(self.vm_uuid, DeleteVmRequest())

    def test_on_the_same_datastore(self) -> None:
        for mode in (LIVE, COLD):
            self._made(mode)
            self.go(mode, self.here, self.sharing)
            self._assert_needed()
            self.sharing.delete_vm(self.vm_uuid, DeleteVmRequest())
            self.here.delete_cached_image(DeleteImageRequest(key=self.request.key))
            self.here.cache_image(self.request)

    def test_adoption(self) -> None:
        adopt = AdoptVmRequest(spec=self.spec)
        for is_known in (True, False):
            self._made(COLD)
            if not is_known:
                self.here.release_vm(self.vm_uuid, ReleaseVmRequest())
            self.sharing.adopt_vm(self.vm_uuid, adopt)
            self.here.release_vm(self.vm_uuid, ReleaseVmRequest())
            self._assert_needed()
            self.sharing.delete_vm(self.vm_uuid, DeleteVmRequest())


class TestMigrations(TwoNodes):
    """What the contract's suite cannot see."""

    def test_volumes_go_along_and_stay_volumes(self) -> None:
        for protocol in (VolumeProtocol.FILE, VolumeProtocol.HYPERVISOR, VolumeProtocol.ISCSI):
            with self.harness.volume(VolumeWish(protocol=protocol, size_bytes=4 * MIB)) as made:
                source = Volume(volume_id=uuid4(), connection=made.connection)
                disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
                self.spec = spec(BLANK, disk)
                self.create(COLD)
                self.harness.write_as_guest(self.vm_uuid, "volume", 0, CONTENT)
                self.go(COLD, self.here, self.there)
                self.there.start_vm(self.vm_uuid, StartRequest())
                self.go(LIVE, self.there, self.here)
                listed = [len(self.listed(node)) for node in (self.here, self.there)]
                self.assertEqual([1, 0], listed)
                self.assertEqual({"data", "volume"}, set(self.here.get_vm(self.vm_uuid).disk_keys))
                self.assertTrue(self.harness.volume_is_used(made))
                self.here.delete_vm(self.vm_uuid, DeleteVmRequest())
                self.assertFalse(self.harness.volume_is_used(made))
                content = self.harness.volume_content(made)
                self.assertEqual(CONTENT, content[: len(CONTENT)])

    def test_a_vm_with_a_tpm_goes_only_while_it_runs(self) -> None:
        self.spec = replace(SPEC, settings=GuestSettings(tpm=Tpm(key="tpm")))
        self.create(COLD)
        before = self.harness.leftovers()
        self.assertRaises(Unsupported, self.ticket, COLD, self.here, self.there)
        adopt = AdoptVmRequest(spec=self.spec)
        self.assertRaises(Unsupported, self.there.adopt_vm, self.vm_uuid, adopt)
        self.assertEqual(before, self.harness.leftovers())
        self.here.start_vm(self.vm_uuid, StartRequest())
        self.go(LIVE, self.here, self.there)
        self.assert_whole(self.there)

    def test_the_same_folder_is_never_two_vms(self) -> None:
        self.create(COLD)
        for _ in range(2):
            self.go(COLD, self.here, self.there)
            self.go(COLD, self.there, self.here)
        self.assert_whole(self.here)

    def test_a_vm_is_made_anew_where_the_disks_of_the_old_one_are_not(self) -> None:
        self.create(COLD)
        for _ in range(2):
            self.there.create_vm(self.vm_uuid, SPEC)
        self.assertEqual(self.listed(self.here), self.listed(self.there))
        self.there.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assert_whole(self.here)
        _, sharing = (self.connect_to(settings) for settings in self.harness.shared_hosts())
        self.assertRaises(Conflict, sharing.create_vm, self.vm_uuid, SPEC)
        self.assert_whole(self.here)

    def test_what_a_source_left_on_its_way_is_given_up(self) -> None:
        self.create(LIVE)
        ticket = self.ticket(LIVE, self.here, self.there)
        self.harness.server.slow_moves()
        began = threading.Event()

        def migrate() -> None:
            with Call("req-1", on_progress=lambda _: began.set()):
                self.assertRaises(Cancelled, self.migrate, self.here, ticket)

        thread = threading.Thread(target=migrate)
        thread.start()
        self.addCleanup(thread.join)
        self.assertTrue(began.wait(30.0))
        self.cancel()
        thread.join()
        self.assertEqual([1, 0], [len(self.listed(node)) for node in (self.here, self.there)])
        self.assert_whole(self.here)

    def test_a_copy_is_deleted_without_what_the_source_has(self) -> None:
        self.create(COLD)
        self.migrate(self.here, self.ticket(COLD, self.here, self.there))
        self.there.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assert_whole(self.here)

    def test_a_login_that_is_lost_in_the_middle_costs_nothing(self) -> None:
        self.create(LIVE)
        ticket = self.ticket(LIVE, self.here, self.there)
        server = self.harness.server
        server.slow_moves()
        told: list[int] = []

        def terminate(progress: Progress) -> None:
            if not told:
                server.content.sessionManager.TerminateSession(server.sessions())
            told.append(progress.done)

        with Call("req-1", on_progress=terminate):
            self.migrate(self.here, ticket)
        self.finish(self.here, self.there)
        tasks = server.fact(server.vm(self.vm_uuid), "recentTask")
        names = [server.fact(task, "info.descriptionId") for task in tasks]
        self.assertEqual((1, sorted(told)), (names.count(RELOCATION), told))
        self.assert_whole(self.there)

    def test_a_destination_without_hosts_is_named(self) -> None:
        self.create(LIVE)
        self.go(LIVE, self.here, self.there)
        vm = self.there.describe_outgoing(self.vm_uuid)
        check = CheckIncomingRequest(vm=vm, spec=SPEC, mode=LIVE)
        offer = self.here.check_incoming(self.vm_uuid, check)
        outgoing = CheckOutgoingRequest(offer=offer, mode=LIVE)
        with self.harness.server.hosts_lost():
            error = self.assertRaises(
                PeerUnreachable, self.there.check_outgoing, self.vm_uuid, outgoing
            )
        self.assertIs(Resource.DESTINATION, error.resource)

    def test_the_log_of_the_console_goes_along(self) -> None:
        self.create(LIVE)
        self.go(LIVE, self.here, self.there)
        hardware = self.hardware(self.vm_uuid)
        (port,) = [d for d in hardware if isinstance(d, vim.vm.device.VirtualSerialPort)]
        self.harness.server.local_file(port.backing.fileName).write_bytes(b"0123456789")
        self.assertEqual(b"6789", self.there.console_log(self.vm_uuid, 4))

    def test_a_vm_that_has_gone_is_not_stopped_by_its_source(self) -> None:
        self.create(LIVE)
        # Nothing is told any more: what the source knows of the VM is what was.
        events = self.here._events._subscription
        self.patch(events._cache, "apply", lambda _: ({}, set()))
        self.go(LIVE, self.here, self.there)
        self.assertRaises(NotFound, self.here.stop_vm, self.vm_uuid, StopRequest())
        self.assertIs(PowerState.RUNNING, self.there.get_vm(self.vm_uuid).power_state)

    def test_a_vm_that_migrates_is_told_of_once(self) -> None:
        self.create(LIVE)
        self.go(LIVE, self.here, self.there)
        self.assertTrue(self.services.events.wait_for(EventKind.MIGRATED, self.vm_uuid, 10.0))
        self.there.stop_vm(self.vm_uuid, StopRequest())
        self.assertTrue(self.services.events.wait_for(EventKind.STOPPED, self.vm_uuid, 10.0))
        kinds = self.services.events.kinds(self.vm_uuid)
        self.assertEqual(1, kinds.count(EventKind.MIGRATED))
        self.assertIs(PowerState.STOPPED, self.there.get_vm(self.vm_uuid).power_state)

    def test_what_the_steps_cost(self) -> None:
        for mode, expected in ((LIVE, [19, 7, 16]), (COLD, [15, 8, 24])):
            self.create(mode)
            before = self._cost(partial(self.ticket, mode, self.here, self.there))
            ticket = self.ticket(mode, self.here, self.there)
            migrating = self._cost(partial(self.migrate, self.here, ticket))
            after = self._cost(partial(self.finish, self.here, self.there))
            self.assertEqual(expected, [before, migrating, after])
            self.there.delete_vm(self.vm_uuid, DeleteVmRequest())

    def _cost(self, step: Callable[[], object]) -> int:
        before: int = self.harness.round_trips()
        step()
        return int(self.harness.round_trips()) - before
