"""Every call of libvirt that an operation makes fails once, before and after it took effect."""

from __future__ import annotations

from fault_case import FaultTestCase
from nova_virt_interface.testing.suite._mixins import blank_disk, image_request, medium, nic
from nova_virt_interface.testing.suite._two_hosts import COLD, LIVE
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    MediaFormat,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.images import DeleteImageRequest, DiskFormat
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    PauseRequest,
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest


class TestFaults(FaultTestCase):
    """Of one host."""

    def test_cache_image(self) -> None:
        request = image_request(self.harness, self.faulty_services)
        delete = DeleteImageRequest(key=request.key)
        self.sweep(
            lambda: self.driver.cache_image(request),
            check=lambda: self.driver.delete_cached_image(delete),
        )

    def test_delete_cached_image(self) -> None:
        request = image_request(self.harness, self.services)
        self.sweep(
            lambda: self.driver.delete_cached_image(DeleteImageRequest(key=request.key)),
            prepare=lambda: self.hypervisor.cache_image(request),
        )

    def test_create(self) -> None:
        disks = (blank_disk(self.harness), medium(MediaFormat.ISO9660))
        self.sweep(
            lambda: self.driver.create_vm(self.vm_uuid, self.spec(disks=disks)),
            check=self.is_in(PowerState.STOPPED),
        )

    def test_start(self) -> None:
        self.sweep(
            lambda: self.driver.start_vm(self.vm_uuid, StartRequest()),
            prepare=self.with_vm,
            check=self.is_in(PowerState.RUNNING),
        )

    def test_stop(self) -> None:
        self.sweep(
            lambda: self.driver.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=0.1)),
            prepare=self.with_running_vm,
            check=self.is_in(PowerState.STOPPED),
        )

    def test_reboot(self) -> None:
        hard = RebootRequest(kind=RebootKind.HARD)
        self.sweep(
            lambda: self.driver.reboot_vm(self.vm_uuid, hard),
            prepare=self.with_running_vm,
            check=self.is_in(PowerState.RUNNING),
        )

    def test_delete(self) -> None:
        self.sweep(
            lambda: self.driver.delete_vm(self.vm_uuid, DeleteVmRequest()),
            prepare=self.with_running_vm,
        )

    def test_pause_and_suspend(self) -> None:
        self.sweep(
            lambda: self.driver.pause_vm(self.vm_uuid, PauseRequest()),
            prepare=self.with_running_vm,
            check=self.is_in(PowerState.PAUSED),
        )
        self.sweep(
            lambda: self.driver.suspend_vm(self.vm_uuid, SuspendRequest()),
            prepare=self.with_running_vm,
            check=self.is_in(PowerState.SUSPENDED),
        )

    def test_attach_and_detach_a_disk(self) -> None:
        attach = AttachDiskRequest(disk=blank_disk(self.harness, "more"))
        self.sweep(
            lambda: self.driver.attach_disk(self.vm_uuid, attach),
            prepare=self.with_running_vm,
        )

        def prepare() -> None:
            self.with_vm()
            self.hypervisor.attach_disk(self.vm_uuid, attach)

        self.sweep(
            lambda: self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="more")),
            prepare=prepare,
        )

    def test_attach_and_detach_a_nic(self) -> None:
        attach = AttachNicRequest(nic=nic(self.harness, 9))
        self.sweep(
            lambda: self.driver.attach_nic(self.vm_uuid, attach), prepare=self.with_running_vm
        )

        def prepare() -> None:
            self.with_vm()
            self.hypervisor.attach_nic(self.vm_uuid, attach)

        self.sweep(
            lambda: self.driver.detach_nic(self.vm_uuid, DetachNicRequest(key=attach.nic.key)),
            prepare=prepare,
        )

    def test_resize_a_disk(self) -> None:
        request = ResizeDiskRequest(key="data", size_bytes=2 * self.harness.disk_bytes)
        for prepare in (self.with_vm, self.with_running_vm):
            self.sweep(lambda: self.driver.resize_disk(self.vm_uuid, request), prepare=prepare)

    def test_export(self) -> None:
        request = ExportDiskRequest(disk_key="data", sink_key="x", format=DiskFormat.QCOW2)
        for prepare in (self.with_vm, self.with_running_vm):
            self.sweep(lambda: self.driver.export_disk(self.vm_uuid, request), prepare=prepare)

    def larger(self) -> ResizeVmRequest:
        disk = blank_disk(self.harness, size_bytes=2 * self.harness.disk_bytes)
        return ResizeVmRequest(
            spec=self.spec(vcpus=2, disks=(disk, blank_disk(self.harness, "more")))
        )

    def test_resize(self) -> None:
        request = self.larger()
        self.sweep(
            lambda: self.driver.resize_vm(self.vm_uuid, request),
            prepare=self.with_vm,
            check=self.is_in(PowerState.STOPPED),
        )

    def test_confirm_and_revert_a_resize(self) -> None:
        def prepare() -> None:
            self.with_vm()
            self.hypervisor.resize_vm(self.vm_uuid, self.larger())

        for end in (
            lambda: self.driver.confirm_resize(self.vm_uuid, ConfirmResizeRequest()),
            lambda: self.driver.revert_resize(self.vm_uuid, RevertResizeRequest()),
        ):
            self.sweep(end, prepare=prepare, check=self.is_in(PowerState.STOPPED))

    def test_console(self) -> None:
        request = OpenConsoleRequest(kind=ConsoleKind.VNC)
        self.sweep(
            lambda: self.driver.open_console(self.vm_uuid, request), prepare=self.with_running_vm
        )

    def test_adopt(self) -> None:
        old, new = self.sharing()
        driver = self.faulty(new.settings)
        request = AdoptVmRequest(spec=self.spec())

        def check() -> None:
            self.assert_at(self.vm_uuid, new, PowerState.STOPPED)
            old.driver.release_vm(self.vm_uuid, ReleaseVmRequest())
            new.driver.delete_vm(self.vm_uuid, DeleteVmRequest())

        self.sweep(
            lambda: driver.adopt_vm(self.vm_uuid, request),
            prepare=lambda: old.driver.create_vm(self.vm_uuid, self.spec()),
            check=check,
        )

    def test_release(self) -> None:
        self.sweep(
            lambda: self.driver.release_vm(self.vm_uuid, ReleaseVmRequest()),
            prepare=self.with_running_vm,
        )


class MigrationFaultTestCase(FaultTestCase):
    """From the first host to the second; ``here`` and ``there`` are healthy connections."""

    ticket_there: MigrationTicket

    def setUp(self) -> None:
        super().setUp()
        self.here, self.there = self.first(), self.second()

    def forget(self) -> None:
        for node in (self.here, self.there):
            node.driver.delete_vm(self.vm_uuid, DeleteVmRequest())

    def with_ticket(self, mode: MigrationMode) -> None:
        self.with_running_vm() if mode is LIVE else self.with_vm()
        self.ticket_there = self.ticket(self.here, self.there, self.vm_uuid, mode)

    def moved(self, mode: MigrationMode) -> None:
        self.with_ticket(mode)
        self.migrate(self.here, self.vm_uuid, self.ticket_there)

    def finished_there(self) -> None:
        request = FinishIncomingRequest(spec=self.spec())
        self.there.driver.finish_incoming(self.vm_uuid, request)


class TestFaultsOfTheSource(MigrationFaultTestCase):
    def migrated(self) -> None:
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=self.ticket_there))

    def end(self) -> None:
        self.finished_there()
        self.here.driver.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())
        self.assertEqual((), self.here.driver.list_vms())

    def test_migrate(self) -> None:
        for mode in (COLD, LIVE):
            self.sweep(
                self.migrated,
                prepare=lambda mode=mode: self.with_ticket(mode),  # type: ignore[misc]
                check=self.end,
            )

    def test_finish(self) -> None:
        def prepare() -> None:
            self.moved(COLD)
            self.finished_there()

        self.sweep(
            lambda: self.driver.finish_outgoing(self.vm_uuid, FinishOutgoingRequest()),
            prepare=prepare,
            check=lambda: self.assertEqual((), self.here.driver.list_vms()),
        )


class TestFaultsOfTheDestination(MigrationFaultTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver_there = self.faulty(self.there.settings)

    def test_prepare_and_cancel(self) -> None:
        def ready() -> None:
            self.with_vm()
            plan = self.plan(self.here, self.there, self.vm_uuid, COLD)
            self.promised = PrepareIncomingRequest(plan=plan, spec=self.spec())

        def cancelled() -> None:
            self.driver_there.cancel_incoming(self.vm_uuid, CancelIncomingRequest())

        self.sweep(
            lambda: self.driver_there.prepare_incoming(self.vm_uuid, self.promised),
            prepare=ready,
            check=lambda: self.cancel(self.there, self.vm_uuid),
        )
        self.sweep(cancelled, prepare=lambda: self.moved(COLD))

    def test_finish(self) -> None:
        request = FinishIncomingRequest(spec=self.spec())
        self.sweep(
            lambda: self.driver_there.finish_incoming(self.vm_uuid, request),
            prepare=lambda: self.moved(COLD),
            check=lambda: self.assert_at(self.vm_uuid, self.there, PowerState.STOPPED),
        )
