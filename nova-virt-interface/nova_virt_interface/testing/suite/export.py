"""Disks that leave a host as images."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from nova_virt_interface.call import Call, Progress
from nova_virt_interface.errors import (
    Cancelled,
    HostUnreachable,
    InsufficientResources,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk, medium
from nova_virt_interface.testing.suite._volumes import KEY, MARK, VolumeMixin, volume_disk
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.export import Consistency, ExportDiskRequest, ExportedDisk
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest

__all__ = ["ExportSuite"]

_SINK_KEY = "exported-by-a-test"


class ExportSuite(VolumeMixin):
    """`IDiskExport`."""

    def _export_of(self, **changes: Any) -> ExportDiskRequest:
        formats = self.requires(IDiskExport).describe().export_formats
        usual = {"disk_key": "root", "sink_key": _SINK_KEY, "format": formats[0]}
        return ExportDiskRequest(**usual | changes)

    def _vm_of_an_image(self) -> UUID:
        """A VM that runs, of one disk that begins as an image."""
        self.requires(IImageCache, IDiskExport)
        image = image_disk(self.harness, self.cached_image_key())
        larger = (image.size_bytes or 0) + 1024 * 1024
        return self.running(disks=(dataclasses.replace(image, size_bytes=larger),))

    def _exported_content(self, request: ExportDiskRequest, exported: ExportedDisk) -> bytes:
        """What was exported last, as a guest would see it."""
        committed = self.services.image_sink.committed[request.sink_key][-1]
        self.assertEqual(request.format, exported.format)
        self.assertEqual(len(committed), exported.size_bytes)
        content = self.harness.as_raw(committed, request.format)
        self.assertEqual(len(content), exported.virtual_size_bytes)
        return content

    def _assert_nothing_in_the_sink(self) -> None:
        self.assertEqual(0, self.services.image_sink.open)
        self.assertEqual({}, self.services.image_sink.committed)

    @rules("EXP-1", "EXP-2", "EXP-3", "SNK-1", "SNK-2", "CAP-1")
    def test_what_is_exported_is_the_whole_disk(self) -> None:
        vm_uuid = self._vm_of_an_image()
        size = self.harness.disk_of_vm(vm_uuid, "root").size_bytes
        place = size - 2 * len(MARK)
        for number, format in enumerate(self.hypervisor.describe().export_formats, 1):
            mark = MARK.replace(b"test", f"t{number:03d}".encode())
            self.harness.write_as_guest(vm_uuid, "root", place, mark)
            first = self.harness.read_as_guest(vm_uuid, "root", 0, 4096)
            before = self.harness.leftovers()
            request = self._export_of(format=format, sink_key=f"{_SINK_KEY}-{number}")
            for state in (PowerState.RUNNING, PowerState.STOPPED):
                exported = self.hypervisor.export_disk(vm_uuid, request)
                self.assert_state(vm_uuid, state)
                content = self._exported_content(request, exported)
                self.assertEqual(size, len(content))
                self.assertEqual(first, content[:4096])
                self.assertEqual(mark, content[place : place + len(mark)])
                if state is PowerState.RUNNING:
                    self.assertEqual(before, self.harness.leftovers())
                    self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.assertEqual(2, len(self.services.image_sink.committed[request.sink_key]))
            self.assertEqual(0, self.services.image_sink.open)
            self.hypervisor.start_vm(vm_uuid, StartRequest())

    @rules("EXP-1", "EXP-3")
    def test_the_guest_goes_on_writing_after_an_export(self) -> None:
        vm_uuid = self._vm_of_an_image()
        request = self._export_of()
        self.hypervisor.export_disk(vm_uuid, request)
        place = self.harness.disk_of_vm(vm_uuid, "root").size_bytes - len(MARK)
        self.harness.write_as_guest(vm_uuid, "root", place, MARK)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        found = self.harness.read_as_guest(vm_uuid, "root", place, len(MARK))
        self.assertEqual(MARK, found)
        exported = self.hypervisor.export_disk(vm_uuid, request)
        self.assertEqual(MARK, self._exported_content(request, exported)[place:])

    @rules("EXP-3")
    def test_the_progress_of_an_export_is_told(self) -> None:
        vm_uuid, request = self._vm_of_an_image(), self._export_of()
        told: list[Progress] = []
        with Call("req-progress", on_progress=told.append):
            self.hypervisor.export_disk(vm_uuid, request)
        done = [progress.done for progress in told if progress.unit == "bytes"]
        self.assertTrue(done, "nothing was told")
        self.assertEqual(sorted(done), done)
        self.assertGreater(done[-1], 0)

    @rules("EXP-3", "FAIL-1", "CALL-3")
    def test_a_cancelled_export_leaves_nothing(self) -> None:
        vm_uuid, request = self._vm_of_an_image(), self._export_of()
        before = self.harness.leftovers()
        call = Call("req-cancelled-export", on_progress=lambda progress: call.cancel())
        with call, self.refused(Cancelled):
            self.hypervisor.export_disk(vm_uuid, request)
        self._assert_nothing_in_the_sink()
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.export_disk(vm_uuid, request)

    @rules("EXP-3", "FAIL-1")
    def test_a_sink_that_fails_leaves_nothing(self) -> None:
        vm_uuid, request = self._vm_of_an_image(), self._export_of()
        before = self.harness.leftovers()
        sink = self.services.image_sink
        sink.room_bytes = 64 * 1024
        with self.refused(InsufficientResources, Resource.STORAGE):
            self.hypervisor.export_disk(vm_uuid, request)
        self._assert_nothing_in_the_sink()
        sink.room_bytes, sink.fails = None, True
        with self.refused(HostUnreachable):
            self.hypervisor.export_disk(vm_uuid, request)
        sink.fails = False
        self._assert_nothing_in_the_sink()
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.export_disk(vm_uuid, request)

    @rules("EXP-4", "CAP-2", "ERR-4")
    def test_a_format_that_is_not_offered_is_refused(self) -> None:
        self.requires(IDiskExport)
        vm_uuid = self.made()
        asked = self.harness.round_trips()
        for format in set(DiskFormat) - set(self.hypervisor.describe().export_formats):
            with self.refused(Unsupported) as caught:
                request = self._export_of(disk_key="data", format=format)
                self.hypervisor.export_disk(vm_uuid, request)
            self.assertEqual("format", caught.error.field)
        self.assertEqual(asked, self.harness.round_trips())
        self._assert_nothing_in_the_sink()

    @rules("EXP-4", "EXP-3")
    def test_what_is_not_exported_is_refused(self) -> None:
        self.requires(IDiskExport)
        formats = self.hypervisor.describe().media_formats
        media = (medium(formats[0]),) if formats else ()
        vm_uuid = self.made(disks=(blank_disk(self.harness), *media))
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.export_disk(self.new_uuid(), self._export_of(disk_key="data"))
        with self.refused(NotFound, Resource.DISK):
            self.hypervisor.export_disk(vm_uuid, self._export_of(disk_key="missing"))
        for disk in media:
            with self.refused(Unsupported):
                self.hypervisor.export_disk(vm_uuid, self._export_of(disk_key=disk.key))
        if self.hypervisor.describe().volume_protocols:
            with self.volume() as made:
                with_volume = self.made(disks=(volume_disk(made),))
                with self.refused(Unsupported):
                    self.hypervisor.export_disk(with_volume, self._export_of(disk_key=KEY))
        self._assert_nothing_in_the_sink()

    @rules("EXP-1", "EXP-3")
    def test_a_guest_without_an_agent_is_not_brought_to_rest(self) -> None:
        self.requires(IDiskExport)
        disk = DiskSpec(key="root", source=Blank(), size_bytes=self.harness.disk_bytes)
        vm_uuid = self.running(disks=(disk,))
        before = self.harness.leftovers()
        request = self._export_of(consistency=Consistency.QUIESCED, guest_timeout_seconds=1.0)
        with self.refused(PeerUnreachable, Resource.GUEST_AGENT):
            self.hypervisor.export_disk(vm_uuid, request)
        self._assert_nothing_in_the_sink()
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.export_disk(vm_uuid, request)
