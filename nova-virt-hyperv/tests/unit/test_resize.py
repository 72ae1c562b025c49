"""Disks and VMs that grow, leave as images, and become again what they were."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import (
    BackendError,
    Conflict,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Unsupported,
)
from nova_virt_interface.values.disks import Blank, DiskLimits, DiskSpec, ResizeDiskRequest
from nova_virt_interface.values.export import Consistency, ExportDiskRequest
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)

from .backend import MIB, BackendTestCase, blank, from_image, medium, nic

_OLD, _NEW = b"as it was" * 100, b"as it is." * 100


class TestResize(BackendTestCase):
    def test_a_disk_grows_also_while_its_vm_runs(self) -> None:
        vm_uuid = self.made(disks=(blank(), medium()))
        grow = self.hypervisor.resize_disk
        for size in (16 * MIB, 16 * MIB, 24 * MIB):
            grow(vm_uuid, ResizeDiskRequest(key="data", size_bytes=size))
            self.assertEqual({"data": size}, self.sizes(vm_uuid))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
        small = ResizeDiskRequest(key="data", size_bytes=8 * MIB)
        self.assertRaises(InvalidRequest, grow, vm_uuid, small)
        media = ResizeDiskRequest(key="config-drive", size_bytes=16 * MIB)
        self.assertRaises(Unsupported, grow, vm_uuid, media)
        other = ResizeDiskRequest(key="other", size_bytes=16 * MIB)
        self.assertRaises(NotFound, grow, vm_uuid, other)

    def sizes(self, vm_uuid: UUID) -> dict[str, int | None]:
        disks = self.hypervisor.vm_statistics(vm_uuid).disks
        return {disk.key: disk.size_bytes for disk in disks if disk.key != "config-drive"}

    def write(self, vm_uuid: UUID, key: str, content: bytes) -> None:
        self.harness.write_disk(self.harness.settings(), vm_uuid, key, content)

    def read(self, vm_uuid: UUID, key: str) -> bytes:
        return self.harness.read_disk(self.harness.settings(), vm_uuid, key, len(_OLD))

    def larger(self) -> ResizeVmRequest:
        root = from_image(size_bytes=64 * MIB)
        limited = DiskSpec(
            key="more",
            source=Blank(),
            size_bytes=8 * MIB,
            limits=DiskLimits(requests_per_second=100),
        )
        nics = (nic("nic-2", 2),)
        return ResizeVmRequest(
            spec=self.spec(
                name="larger", vcpus=2, memory_bytes=128 * MIB, disks=(root, limited), nics=nics
            )
        )

    def small(self) -> UUID:
        self.cached()
        vm_uuid = self.made(disks=(from_image(), blank()), nics=(nic(),))
        for key in ("root", "data"):
            self.write(vm_uuid, key, _OLD)
        return vm_uuid

    def test_a_resize_is_reverted(self) -> None:
        vm_uuid = self.small()
        before, vm = self.harness.leftovers(), self.harness.vm(vm_uuid)
        for _ in range(2):
            self.hypervisor.resize_vm(vm_uuid, self.larger())
        self.assertEqual(_OLD, self.read(vm_uuid, "root"))
        self.write(vm_uuid, "root", _NEW)
        self.assertEqual({"root": 64 * MIB, "more": 8 * MIB}, self.latest(vm_uuid))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        revert = RevertResizeRequest()
        self.assertRaises(InvalidState, self.hypervisor.revert_resize, vm_uuid, revert)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        for _ in range(2):
            self.hypervisor.revert_resize(vm_uuid, revert)
            self.assertEqual(before, self.harness.leftovers())
            self.assertEqual(vm, self.harness.vm(vm_uuid))
        self.assertEqual([_OLD] * 2, [self.read(vm_uuid, key) for key in ("root", "data")])

    def latest(self, vm_uuid: UUID) -> dict[str, int | None]:
        """The largest file of each disk that the VM has now."""
        names = self.harness.vm(vm_uuid)["disks"]
        return {name.split(".")[1]: size for name, size in names.items()}

    def test_a_resize_is_confirmed_while_it_runs(self) -> None:
        vm_uuid = self.small()
        self.hypervisor.resize_vm(vm_uuid, self.larger())
        other = ResizeVmRequest(spec=self.spec(vcpus=3))
        self.assertRaises(Conflict, self.hypervisor.resize_vm, vm_uuid, other)
        self.write(vm_uuid, "root", _NEW)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        for _ in range(2):
            self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())
        self.assertEqual({"root": 64 * MIB, "more": 8 * MIB}, self.latest(vm_uuid))
        self.assertEqual(_NEW, self.read(vm_uuid, "root"))
        files = [item for item in self.harness.leftovers() if item.startswith("file disks")]
        self.assertEqual(2, len(files), str(files))
        self.hypervisor.resize_vm(vm_uuid, self.larger())
        self.hypervisor.create_vm(vm_uuid, self.larger().spec)

    def test_what_a_crash_left_of_a_resize_is_undone_first(self) -> None:
        vm_uuid = self.small()
        self.fault("ModifySystemSettings", "http", skip=1, times=99, code=503, text="gone")
        self.assertRaises(BackendError, self.hypervisor.resize_vm, vm_uuid, self.larger())
        self.harness.control("no_faults")
        self.hypervisor.resize_vm(vm_uuid, self.larger())
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
        self.hypervisor.create_vm(vm_uuid, self.spec(disks=(from_image(), blank()), nics=(nic(),)))

    def request(self, **more: object) -> ExportDiskRequest:
        fields: dict[str, object] = {
            "disk_key": "root",
            "sink_key": "exported",
            "format": DiskFormat.VHDX,
        }
        return ExportDiskRequest(**fields | more)  # type: ignore[arg-type]

    def test_a_disk_is_exported_also_while_its_vm_runs(self) -> None:
        vm_uuid = self.small()
        before = self.harness.leftovers()
        for _ in range(2):
            found = self.hypervisor.export_disk(vm_uuid, self.request())
            self.assertEqual(32 * MIB, found.virtual_size_bytes)
            self.assertEqual(before, self.harness.leftovers())
            self.hypervisor.start_vm(vm_uuid, StartRequest())
        quiesced = self.request(consistency=Consistency.QUIESCED)
        self.assertRaises(PeerUnreachable, self.hypervisor.export_disk, vm_uuid, quiesced)
        raw = self.request(format=DiskFormat.RAW)
        self.assertRaises(Unsupported, self.hypervisor.export_disk, vm_uuid, raw)
        self.assertEqual(before, self.harness.leftovers())
