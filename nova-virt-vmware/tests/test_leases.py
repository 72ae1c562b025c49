"""Images that travel packed, by NFC leases."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import ImageCorrupt
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.power import StartRequest
from on_vcsim import BLANK, MIB, VcsimTestCase

from nova_virt_vmware.testing.harness import EsxHarness


class TestLeases(VcsimTestCase):
    """On a vCenter."""

    def connect(self) -> Any:
        """As always, but for the way of the images."""
        settings = replace(self.harness.settings(), packed_images=True)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        return driver

    def _extent(self, key: str = "image") -> bytes:
        images = self.harness.server.datastore_folder / "nova-virt-nova" / "images"
        (extent,) = (images / key).glob("*-flat.vmdk")
        return bytes(extent.read_bytes())

    def test_the_disk_is_the_images_and_no_vm_is_left(self) -> None:
        machines = self.harness.server.vm_names()
        request = self.image()
        cached = self.driver.cache_image(request)
        self.assertEqual(self.harness.image_content, self._extent())
        self.assertEqual(len(self.harness.image_content), cached.virtual_size_bytes)
        self.assertEqual(machines, self.harness.server.vm_names())
        self.assertEqual(cached, self.driver.cache_image(request))
        vm_uuid = self.made(self.root(grown_by=MIB))
        found = self.harness.read_as_guest(vm_uuid, "root", 0, 512)
        self.assertEqual(self.harness.image_content[:512], found)

    def test_a_damaged_image_leaves_nothing(self) -> None:
        image = self.harness.image()
        self.services.images.add("damaged", image.path, intact=False)
        size = image.path.stat().st_size
        before = self.harness.leftovers()
        for size_bytes in (size, size + 512):
            request = CacheImageRequest(key="damaged", format=image.format, size_bytes=size_bytes)
            self.assertRaises(ImageCorrupt, self.driver.cache_image, request)
            self.assertEqual(before, self.harness.leftovers())

    def test_what_a_crash_left_is_removed(self) -> None:
        settings = replace(self.harness.settings(), packed_images=True, stale_upload_seconds=60.0)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        vm_uuid = uuid4()
        name = f"nova-virt-image_{vm_uuid}"
        self.harness.server.make_vm(name, vm_uuid)
        images = self.harness.server.datastore_folder / "nova-virt-nova" / "images"
        (images / f".unfinished-image.{vm_uuid.hex}").mkdir(parents=True)
        driver.cache_image(self.image())
        self.assertNotIn(name, self.harness.server.vm_names())
        shutil.rmtree(self.harness.server.datastore_folder / name)

    def test_every_request_may_break(self) -> None:
        request = self.image()

        def gone() -> None:
            # Whatever was cut, an image that is there is whole.
            if self.driver.list_cached_images():
                self.assertEqual(self.harness.image_content, self._extent())
            self.driver.delete_cached_image(DeleteImageRequest(key=request.key))

        self.cut_everywhere(partial(self.driver.cache_image, request), gone)

    def test_an_export_is_the_disk_as_a_host_packs_it(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.made(BLANK, self.root(grown_by=MIB))
        request = ExportDiskRequest(disk_key="root", sink_key="out", format=DiskFormat.VMDK)
        for start in (False, True):
            if start:
                self.driver.start_vm(vm_uuid, StartRequest())
            before = self.harness.leftovers()
            exported = self.driver.export_disk(vm_uuid, request)
            content = self.services.image_sink.committed["out"][-1]
            self.assertEqual(len(content), exported.size_bytes)
            self.assertLess(len(content), exported.virtual_size_bytes)
            whole = self.harness.as_raw(content, DiskFormat.VMDK)
            self.assertEqual(self.harness.image_content + bytes(MIB), whole)
            self.assertEqual(before, self.harness.leftovers())
            server = self.harness.server
            snapshot = server.fact(server.vm(vm_uuid), "snapshot")
            self.assertFalse(snapshot and snapshot.rootSnapshotList)

    def test_every_request_of_an_export_may_break(self) -> None:
        vm_uuid = self.made(BLANK)
        request = ExportDiskRequest(disk_key="data", sink_key="out", format=DiskFormat.VMDK)
        self.cut_everywhere(partial(self.driver.export_disk, vm_uuid, request))
        self.assertEqual(0, self.services.image_sink.open)


class TestEsxLeases(TestLeases):
    """On a host alone."""

    harness_class = EsxHarness
