"""The cache of images, and disks that begin as one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fixtures import TempDir

from nova_virt_interface.call import Call, Progress
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    ImageCorrupt,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
)
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import (
    HypervisorMixin,
    blank_disk,
    image_disk,
    image_request,
)
from nova_virt_interface.values.disks import DiskSpec, FromImage
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest

__all__ = ["ImageSuite"]


class ImageSuite(HypervisorMixin):
    """cache_image, list_cached_images, delete_cached_image."""

    def _keys(self) -> set[str]:
        return {image.key for image in self.requires(IImageCache).list_cached_images()}

    @rules("IMG-1", "IMG-3")
    def test_an_image_is_cached_under_its_key(self) -> None:
        self.requires(IImageCache)
        request = image_request(self.harness, self.services)
        cached = self.hypervisor.cache_image(request)
        self.assertEqual(request.key, cached.key)
        self.assertEqual(self.harness.image().virtual_size_bytes, cached.virtual_size_bytes)
        self.assertIn(cached, self.hypervisor.list_cached_images())

    @rules("IMG-4", "REP-1")
    def test_a_cached_image_is_not_read_again(self) -> None:
        self.requires(IImageCache)
        request = image_request(self.harness, self.services)
        first = self.hypervisor.cache_image(request)
        before = self.harness.leftovers()
        self.assertEqual(first, self.hypervisor.cache_image(request))
        self.assertEqual(1, self.services.images.opened[request.key])
        self.assertEqual(before, self.harness.leftovers())

    @rules("IMG-2")
    def test_asked_for_many_times_at_once_it_is_one_copy(self) -> None:
        self.requires(IImageCache)
        request = image_request(self.harness, self.services)
        before = self.harness.leftovers()
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(self.hypervisor.cache_image, [request] * 4))
        self.assertEqual(1, len(set(results)))
        after_many = self.harness.leftovers() - before
        self.hypervisor.delete_cached_image(DeleteImageRequest(key=request.key))
        self.hypervisor.cache_image(request)
        self.assertEqual(len(after_many), len(self.harness.leftovers() - before))

    @rules("IMG-5", "SRC-1")
    def test_a_corrupt_image_is_not_kept(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        request = image_request(self.harness, self.services, intact=False)
        with self.refused(ImageCorrupt):
            self.hypervisor.cache_image(request)
        self.assertNotIn(request.key, self._keys())
        self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.cache_image(image_request(self.harness, self.services))
        self.assertIn(request.key, self._keys())

    @rules("IMG-5")
    def test_an_image_that_ends_early_is_not_kept(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        whole = image_request(self.harness, self.services)
        request = CacheImageRequest(
            key=whole.key, format=whole.format, size_bytes=whole.size_bytes + 1
        )
        with self.refused(ImageCorrupt):
            self.hypervisor.cache_image(request)
        self.assertEqual(before, self.harness.leftovers())

    def test_an_image_that_the_source_lacks_is_not_found(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        request = CacheImageRequest(key="missing", format=self.harness.image().format, size_bytes=1)
        with self.refused(NotFound, Resource.IMAGE):
            self.hypervisor.cache_image(request)
        self.assertEqual(before, self.harness.leftovers())

    @rules("IMG-5")
    def test_a_full_storage_keeps_nothing_of_an_image(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        request = image_request(self.harness, self.services)
        with self.harness.full_storage():
            with self.refused(InsufficientResources, Resource.STORAGE):
                self.hypervisor.cache_image(request)
            self.assertNotIn(request.key, self._keys())
        self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.cache_image(request)

    @rules("CALL-3", "IMG-5")
    def test_progress_is_told_and_a_cancel_keeps_nothing(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        request = image_request(self.harness, self.services)
        told: list[Progress] = []

        def tell(progress: Progress) -> None:
            told.append(progress)
            call.cancel()

        call = Call("req-progress", on_progress=tell)
        with call, self.refused(Cancelled):
            self.hypervisor.cache_image(request)
        self.assertTrue(told and 0 < told[0].done <= request.size_bytes, told)
        self.assertEqual(before, self.harness.leftovers())
        done: list[int] = []
        with Call("req-whole", on_progress=lambda progress: done.append(progress.done)):
            self.hypervisor.cache_image(request)
        self.assertEqual(sorted(done), done)
        self.assertEqual(request.size_bytes, done[-1])

    @rules("IMG-6", "LIFE-7")
    def test_an_image_that_a_disk_depends_on_stays(self) -> None:
        self.requires(IImageCache)
        key = self.cached_image_key()
        vm_uuid = self.made(disks=(image_disk(self.harness, key),))
        try:
            self.hypervisor.delete_cached_image(DeleteImageRequest(key=key))
        except Conflict as error:
            self.assertEqual(Resource.IMAGE, error.resource)
        else:
            # The disk is a full copy, so that the image may go.
            self.assertNotIn(key, self._keys())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.cached_image_key()
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertIn(key, self._keys())
        for _ in range(2):
            self.hypervisor.delete_cached_image(DeleteImageRequest(key=key))
        self.assertNotIn(key, self._keys())

    @rules("DISK-2", "LIFE-4")
    def test_a_disk_smaller_than_its_image_is_refused(self) -> None:
        self.requires(IImageCache)
        key = self.cached_image_key()
        before = self.harness.leftovers()
        small = DiskSpec(key="root", source=FromImage(image_key=key), size_bytes=512, boot_index=0)
        with self.refused(InvalidRequest) as caught:
            self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=(small,)))
        self.assertFalse(caught.error.may_have_been_done)
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-4")
    def test_a_disk_of_an_image_that_is_not_cached_is_not_found(self) -> None:
        self.requires(IImageCache)
        before = self.harness.leftovers()
        disks = (blank_disk(self.harness), image_disk(self.harness, "not-cached"))
        with self.refused(NotFound, Resource.IMAGE):
            self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=disks))
        self.assertEqual(before, self.harness.leftovers())

    @rules("IMG-2")
    def test_two_vms_of_one_image(self) -> None:
        self.requires(IImageCache)
        disk = image_disk(self.harness, self.cached_image_key())
        first, second = self.running(disks=(disk,)), self.running(disks=(disk,))
        self.hypervisor.delete_vm(first, DeleteVmRequest())
        self.assert_state(second, PowerState.RUNNING)

    @rules("IMG-1")
    def test_path_tricks_in_keys_are_refused(self) -> None:
        for key in ("../secret", "/etc/passwd", "a/b", "..", "", "a" * 200, "A", "a\n"):
            with self.refused(InvalidRequest):
                CacheImageRequest(key=key, format=DiskFormat.RAW, size_bytes=1)
            with self.refused(InvalidRequest):
                FromImage(image_key=key)
            with self.refused(InvalidRequest):
                DeleteImageRequest(key=key)

    @rules("IMG-5")
    def test_a_file_that_is_no_image_of_its_format_is_not_kept(self) -> None:
        self.requires(IImageCache)
        format = self.harness.image().format
        before = self.harness.leftovers()
        rubbish = self.rubbish_file()
        self.services.images.add("rubbish", rubbish)
        request = CacheImageRequest(key="rubbish", format=format, size_bytes=rubbish.stat().st_size)
        if format is DiskFormat.RAW:
            # Any bytes are a raw image: it is kept, with every byte counted.
            self.assertEqual(
                request.size_bytes, self.hypervisor.cache_image(request).virtual_size_bytes
            )
            return
        with self.refused(ImageCorrupt):
            self.hypervisor.cache_image(request)
        self.assertEqual(before, self.harness.leftovers())

    def rubbish_file(self) -> Path:
        """A file that is no disk image."""
        path = Path(self.useFixture(TempDir()).path) / "rubbish"
        path.write_bytes(b"not a disk image " * 8192)
        return path
