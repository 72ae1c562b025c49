"""Every wire call of every operation fails once, before and after its effect."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import HostUnreachable
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.host import EnterMaintenanceRequest, LeaveMaintenanceRequest
from nova_virt_interface.values.images import DeleteImageRequest, DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    PauseRequest,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest

from .fault_matrix import FaultTestCase
from .pools import MIB

_HARD = RebootRequest(kind=RebootKind.HARD)
_EXTRA = DiskSpec(key="extra", source=Blank(), size_bytes=2 * MIB)


class TestFaults(FaultTestCase):
    """Of one host."""

    def test_cache_image(self) -> None:
        self.sweep(lambda: self.driver.cache_image(self.image_request()))

    def test_delete_cached_image(self) -> None:
        self.sweep(
            lambda: self.driver.delete_cached_image(DeleteImageRequest(key="image-1")),
            prepare=lambda: self.driver.cache_image(self.image_request()),
        )

    def test_create(self) -> None:
        self.sweep(
            lambda: self.driver.create_vm(self.vm_uuid, self.spec()),
            prepare=lambda: self.driver.cache_image(self.image_request()),
            check=self.assert_stopped,
        )

    def test_create_leaves_nothing_after_an_error(self) -> None:
        self.driver.cache_image(self.image_request())
        with_image = self.objects()
        unharmed = []
        for action in ("drop_before", "drop_after", "truncate"):
            for position in range(14):
                self.simulator.ask("fault", method="*", action=action, skip=position)
                try:
                    self.driver.create_vm(self.vm_uuid, self.spec())
                except HostUnreachable:
                    self.assertEqual(with_image, self.objects(), f"{action} {position}")
                else:
                    unharmed.append((action, position))
                    self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        # xapi answers an upload before it has the content: its answer is never lost.
        upload = 9
        self.assertEqual([("drop_after", upload), ("truncate", upload)], unharmed)
        self.free(self.vm_uuid)

    def test_start(self) -> None:
        self.sweep(
            lambda: self.driver.start_vm(self.vm_uuid, StartRequest()),
            prepare=self.with_vm,
            check=self.assert_running,
        )

    def test_stop(self) -> None:
        self.sweep(
            lambda: self.driver.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=0.1)),
            prepare=self.with_running_vm,
            check=self.assert_stopped,
        )

    def test_reboot(self) -> None:
        self.sweep(
            lambda: self.driver.reboot_vm(self.vm_uuid, _HARD),
            prepare=self.with_running_vm,
            check=self.assert_running,
        )

    def test_delete(self) -> None:
        self.sweep(
            lambda: self.driver.delete_vm(self.vm_uuid, DeleteVmRequest()),
            prepare=self.with_running_vm,
        )

    def test_pause(self) -> None:
        self.sweep(
            lambda: self.driver.pause_vm(self.vm_uuid, PauseRequest()),
            prepare=self.with_running_vm,
        )

    def test_suspend(self) -> None:
        self.sweep(
            lambda: self.driver.suspend_vm(self.vm_uuid, SuspendRequest()),
            prepare=self.with_running_vm,
        )

    def test_maintenance(self) -> None:
        def leave() -> None:
            self.driver.leave_maintenance(LeaveMaintenanceRequest())

        self.addCleanup(leave)
        self.sweep(
            lambda: self.driver.enter_maintenance(EnterMaintenanceRequest()),
            prepare=leave,
        )
        self.sweep(leave)

    def test_export_with_a_task(self) -> None:
        request = ExportDiskRequest(disk_key="root", sink_key="e", format=DiskFormat.QCOW2)
        self.sweep(
            lambda: self.driver.export_disk(self.vm_uuid, request), prepare=self.with_running_vm
        )

    def test_export(self) -> None:
        request = ExportDiskRequest(disk_key="root", sink_key="x", format=DiskFormat.VHD)
        self.sweep(
            lambda: self.driver.export_disk(self.vm_uuid, request), prepare=self.with_running_vm
        )
        self.assertEqual(0, self.services.image_sink.open)

    def test_resize_disk(self) -> None:
        request = ResizeDiskRequest(key="root", size_bytes=8 * MIB)
        self.sweep(lambda: self.driver.resize_disk(self.vm_uuid, request), prepare=self.with_vm)

    def larger(self) -> ResizeVmRequest:
        """A description of the VM of these tests with more of everything."""
        return ResizeVmRequest(spec=self.spec(vcpus=2, nics=(self.nic("nic-1", 1),)))

    def test_resize(self) -> None:
        request = self.larger()
        self.sweep(
            lambda: self.driver.resize_vm(self.vm_uuid, request),
            prepare=self.with_vm,
            check=self.assert_stopped,
        )

    def test_resize_with_a_tpm(self) -> None:
        settings = GuestSettings(tpm=Tpm())
        request = ResizeVmRequest(spec=replace(self.larger().spec, settings=settings))

        def prepare() -> None:
            self.driver.cache_image(self.image_request())
            self.driver.create_vm(self.vm_uuid, self.spec(settings=settings))

        def check() -> None:
            self.assert_stopped()
            vms = self.simulator.ask("records", class_name="VM").values()
            self.assertFalse([row for row in vms if "nova-virt-clone" in row["other_config"]])

        self.sweep(
            lambda: self.driver.resize_vm(self.vm_uuid, request), prepare=prepare, check=check
        )

    def test_confirm_and_revert_a_resize(self) -> None:
        request = self.larger()

        def prepare() -> None:
            self.with_vm()
            self.driver.resize_vm(self.vm_uuid, request)

        for end in (
            lambda: self.driver.confirm_resize(self.vm_uuid, ConfirmResizeRequest()),
            lambda: self.driver.revert_resize(self.vm_uuid, RevertResizeRequest()),
        ):
            self.sweep(end, prepare=prepare, check=self.assert_stopped)

    def test_attach_disk(self) -> None:
        self.sweep(
            lambda: self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=_EXTRA)),
            prepare=self.with_running_vm,
        )

    def test_detach_disk(self) -> None:
        def prepare() -> None:
            self.with_running_vm()
            self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=_EXTRA))

        self.sweep(
            lambda: self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="extra")),
            prepare=prepare,
        )

    def test_attach_nic(self) -> None:
        request = AttachNicRequest(nic=self.nic("extra", 9))
        self.sweep(
            lambda: self.driver.attach_nic(self.vm_uuid, request), prepare=self.with_running_vm
        )

    def test_detach_nic(self) -> None:
        self.sweep(
            lambda: self.driver.detach_nic(self.vm_uuid, DetachNicRequest(key="nic-1")),
            prepare=self.with_running_vm,
        )
