"""Every request of an operation breaks once, before it and with its reply: nothing is left behind
that a repeat cannot use or a deletion cannot remove.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from uuid import UUID

from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    HostUnreachable,
    InsufficientResources,
    NotFound,
    Unsupported,
)
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    Imported,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.images import DeleteImageRequest, DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    CrashDumpRequest,
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
from on_vcsim import BLANK, MEDIUM, VcsimTestCase, nic, spec

from nova_virt_vmware.testing.faults import fault_answered_at


class TestCutConnections(VcsimTestCase):
    """Each operation, cut at each of its requests."""

    def _delete(self, vm_uuid: UUID) -> Callable[[], object]:
        return lambda: self.driver.delete_vm(vm_uuid, DeleteVmRequest())

    def test_create_and_delete(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.new_uuid()
        whole = spec(self.root(grown_by=1024), BLANK, MEDIUM, nics=(nic(),))
        create = partial(self.driver.create_vm, vm_uuid, whole)
        self.cut_everywhere(create, self._delete(vm_uuid))

        def gone() -> None:
            create()
            self._delete(vm_uuid)()

        self.cut_everywhere(gone)

    def test_cache_image(self) -> None:
        request = self.image()
        self.cut_everywhere(
            lambda: self.driver.cache_image(request),
            lambda: self.driver.delete_cached_image(DeleteImageRequest(key=request.key)),
        )

    def test_hot_plug(self) -> None:
        vm_uuid = self.made()
        image = self.image()
        imported = Imported(key=image.key, format=image.format, size_bytes=image.size_bytes)
        for disk in (
            replace(BLANK, key="extra"),
            MEDIUM,
            replace(BLANK, key="in", source=imported),
        ):
            attach, detach = AttachDiskRequest(disk=disk), DetachDiskRequest(key=disk.key)
            self.cut_everywhere(
                partial(self.driver.attach_disk, vm_uuid, attach),
                partial(self.driver.detach_disk, vm_uuid, detach),
            )
        self.cut_everywhere(
            lambda: self.driver.attach_nic(vm_uuid, AttachNicRequest(nic=nic())),
            lambda: self.driver.detach_nic(vm_uuid, DetachNicRequest(key="nic-1")),
        )

    def _with_a_record(self) -> UUID:
        """A VM that has run, so that its console's record is there."""
        vm_uuid = self.made()
        self.driver.start_vm(vm_uuid, StartRequest())
        self.driver.stop_vm(vm_uuid, StopRequest())
        return vm_uuid

    def test_power(self) -> None:
        vm_uuid = self._with_a_record()
        self.cut_everywhere(
            lambda: self.driver.start_vm(vm_uuid, StartRequest()),
            lambda: self.driver.stop_vm(vm_uuid, StopRequest()),
        )

    def test_suspending_and_questions(self) -> None:
        vm_uuid = self._with_a_record()
        start = partial(self.driver.start_vm, vm_uuid, StartRequest())

        def suspended() -> None:
            start()
            self.driver.suspend_vm(vm_uuid, SuspendRequest())

        self.cut_everywhere(suspended, partial(self.driver.stop_vm, vm_uuid, StopRequest()))
        start()
        mks = OpenConsoleRequest(kind=ConsoleKind.MKS)
        for question in (
            partial(self.driver.open_console, vm_uuid, mks),
            partial(self.driver.trigger_crash_dump, vm_uuid, CrashDumpRequest()),
            partial(self.driver.vm_statistics, vm_uuid),
            partial(self.driver.device_metadata, vm_uuid),
            self.driver.host_status,
        ):
            self.cut_everywhere(question)

    def test_maintenance(self) -> None:
        leave = partial(self.driver.leave_maintenance, LeaveMaintenanceRequest())
        self.addCleanup(leave)
        enter = partial(self.driver.enter_maintenance, EnterMaintenanceRequest())

        def entered() -> None:
            enter()
            self.assertIs(MaintenanceState.IN_MAINTENANCE, self.driver.maintenance())

        self.cut_everywhere(entered, leave)
        self.cut_everywhere(leave, enter)

    def test_resizing(self) -> None:
        vm_uuid, old = self.new_uuid(), spec(BLANK, MEDIUM, nics=(nic(),))
        larger = replace(BLANK, size_bytes=2 * (BLANK.size_bytes or 0))
        new = replace(spec(larger, replace(BLANK, key="extra"), nics=(nic(number=2),)), vcpus=2)
        self.driver.create_vm(vm_uuid, old)
        resize = partial(self.driver.resize_vm, vm_uuid, ResizeVmRequest(spec=new))
        revert = partial(self.driver.revert_resize, vm_uuid, RevertResizeRequest())
        self.cut_everywhere(resize, revert)

        def reverted() -> None:
            resize()
            revert()
            self.driver.create_vm(vm_uuid, old)

        self.cut_everywhere(reverted)

        def confirmed() -> None:
            resize()
            self.driver.confirm_resize(vm_uuid, ConfirmResizeRequest())

        def made_anew() -> None:
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.driver.create_vm(vm_uuid, old)

        self.cut_everywhere(confirmed, made_anew)

    def test_growing(self) -> None:
        vm_uuid = self.made()
        sizes = count(2)

        def grown() -> None:
            size = next(sizes) * (BLANK.size_bytes or 0)
            request = ResizeDiskRequest(key=BLANK.key, size_bytes=size)
            self.driver.resize_disk(vm_uuid, request)

        self.cut_everywhere(grown)

    def test_export(self) -> None:
        vm_uuid = self.made()
        request = ExportDiskRequest(disk_key=BLANK.key, sink_key="out", format=DiskFormat.RAW)
        export = partial(self.driver.export_disk, vm_uuid, request)
        self.cut_everywhere(export)
        self.driver.start_vm(vm_uuid, StartRequest())
        self.cut_everywhere(export)
        self.assertEqual(0, self.services.image_sink.open)


class TestRefusals(VcsimTestCase):
    """Each request is refused once: the error is the contract's, and nothing is left."""

    def test_a_life(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.new_uuid()
        whole = spec(self.root(grown_by=1024), BLANK, MEDIUM, nics=(nic(),))

        def lived() -> None:
            self.driver.create_vm(vm_uuid, whole)
            self.driver.start_vm(vm_uuid, StartRequest())
            extra = replace(BLANK, key="extra")
            self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))
            self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
            self.driver.stop_vm(vm_uuid, StopRequest())

        deleted = partial(self.driver.delete_vm, vm_uuid, DeleteVmRequest())
        for fault in ("TaskInProgress", "NoPermission"):
            self.refuse_everywhere(fault, lived, deleted)

    def test_what_is_refused_says_what_core_knows(self) -> None:
        vm_uuid, attach = self.made(), AttachNicRequest(nic=nic())
        for fault, error in (
            ("TaskInProgress", Busy),
            ("ConcurrentAccess", Busy),
            ("NoPermission", AccessDenied),
            ("NoDiskSpace", InsufficientResources),
            ("InsufficientResourcesFault", InsufficientResources),
            ("FileNotFound", NotFound),
            ("NotSupported", Unsupported),
            ("HostCommunication", HostUnreachable),
            ("SystemError", BackendError),
        ):
            # It looks at the VM and at the networks first.
            with fault_answered_at(2, fault) as seen:
                found = self.assertRaises(error, self.driver.attach_nic, vm_uuid, attach)
            self.assertGreater(len(seen), 2)
            self.assertIn(fault, found.detail)
            self.assertEqual((), self.driver.get_vm(vm_uuid).nic_keys)
