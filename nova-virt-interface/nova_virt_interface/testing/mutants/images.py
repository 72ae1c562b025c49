"""Bugs in the cache of images."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    BackendError,
    Cancelled,
    ImageCorrupt,
    InsufficientResources,
    NotFound,
    Resource,
)
from nova_virt_interface.reference.host import Image
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

__all__: list[str] = []


@caught_by("ImageSuite.test_an_image_is_cached_under_its_key")
class NamesImagesItself(ReferenceHypervisor):
    """The driver chooses the name of a cached image."""

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        return tuple(
            CachedImage(
                key=f"cache-{image.key}",
                format=image.format,
                virtual_size_bytes=image.virtual_size_bytes,
                stored_bytes=image.stored_bytes,
            )
            for image in super().list_cached_images()
        )


@caught_by("ImageSuite.test_a_cached_image_is_not_read_again")
class ImageIsReadAgain(ReferenceHypervisor):
    """An image that is in the cache is read from the source once more."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        self._read_image(request)
        return super().cache_image(request)


@caught_by("ImageSuite.test_asked_for_many_times_at_once_it_is_one_copy")
class OneCopyForEachCaller(ReferenceHypervisor):
    """Each call that finds the cache empty stores a copy of its own."""

    _calls = 0

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        self._calls += 1
        self._host.put_image(f"copy-{self._calls}", Image(format="raw", content=b""))
        return super().cache_image(request)


@caught_by("ImageSuite.test_a_corrupt_image_is_not_kept")
class CorruptImageIsKept(ReferenceHypervisor):
    """An image is kept although its checksum is wrong."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        try:
            return super().cache_image(request)
        except ImageCorrupt:
            self._host.put_image(request.key, Image(format="raw", content=b"corrupt"))
            raise


@caught_by("ImageSuite.test_an_image_that_ends_early_is_not_kept")
class ShortImageIsTaken(ReferenceHypervisor):
    """Nobody counts the bytes of an image."""

    def _read_image(self, request: CacheImageRequest) -> bytes:
        reader = self._services.images.open(request.key)
        try:
            return reader.read(request.size_bytes)
        finally:
            reader.close()


@caught_by("ImageSuite.test_an_image_that_the_source_lacks_is_not_found")
class MissingImageIsABackendError(ReferenceHypervisor):
    """What the image source raises is reported as a failure of the host."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        try:
            return super().cache_image(request)
        except NotFound as error:
            raise BackendError("the host failed") from error


@caught_by("ImageSuite.test_a_full_storage_keeps_nothing_of_an_image")
class PartialImageIsKept(ReferenceHypervisor):
    """When the storage is full, what was written so far stays."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        try:
            return super().cache_image(request)
        except InsufficientResources:
            self._host.put_image(f"{request.key}-part", Image(format="raw", content=b"part"))
            raise


@caught_by("ImageSuite.test_progress_is_told_and_a_cancel_keeps_nothing")
class NoProgressOfImages(ReferenceHypervisor):
    """Nothing is told while an image is moved, and no cancel is seen."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        with Call(current_call().request_id):
            return super().cache_image(request)


@caught_by("ImageSuite.test_progress_is_told_and_a_cancel_keeps_nothing")
class CancelledImageIsKept(ReferenceHypervisor):
    """What was moved before a cancel stays."""

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        try:
            return super().cache_image(request)
        except Cancelled:
            self._host.put_image(f"{request.key}-part", Image(format="raw", content=b"part"))
            raise


@caught_by("ImageSuite.test_an_image_that_a_disk_depends_on_stays")
class ImageInUseIsDeleted(ReferenceHypervisor):
    """An image is removed under the disk of a VM."""

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        self._host._images.pop(request.key, None)


@caught_by("ImageSuite.test_an_image_that_a_disk_depends_on_stays")
class ImageGoesWithItsVm(ReferenceHypervisor):
    """The cached image is deleted with the VM that was made of it."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        super().delete_vm(vm_uuid, request)
        self._host._images.clear()


@caught_by("ImageSuite.test_an_image_that_a_disk_depends_on_stays")
class DeleteOfMissingImageRaises(ReferenceHypervisor):
    """Removing an image that is not there is an error."""

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        if request.key not in self._host.images():
            raise NotFound("there is no such image", resource=Resource.IMAGE, name=request.key)
        super().delete_cached_image(request)


@caught_by("ImageSuite.test_a_disk_of_an_image_that_is_not_cached_is_not_found")
class VmWithoutItsImage(ReferenceHypervisor):
    """A VM whose image is missing is made without that disk."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        try:
            super().create_vm(vm_uuid, spec)
        except NotFound:
            super().create_vm(vm_uuid, VmSpec(name="x", vcpus=1, memory_bytes=1))
