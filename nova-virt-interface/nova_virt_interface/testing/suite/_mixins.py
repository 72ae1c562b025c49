"""What a suite mixin can count on: the test case that it is mixed into."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke, Harness
from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media, MediaFormat
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import CacheImageRequest
from nova_virt_interface.values.instances import Image, SpawnRequest
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import VmSpec

if TYPE_CHECKING:
    from nova_virt_interface.testing.case import HypervisorTestCase as _Case
    from nova_virt_interface.testing.case import VirtDriverTestCase as VirtDriverMixin
else:
    _Case = object
    VirtDriverMixin = object

__all__ = [
    "HypervisorMixin",
    "VirtDriverMixin",
    "blank_disk",
    "image_disk",
    "image_of",
    "image_request",
    "medium",
    "nic",
    "nic_to_nowhere",
]


class HypervisorMixin(_Case):
    """Steps that the suites of the lower level share."""

    def spec(self, **changes: object) -> VmSpec:
        """A small VM of one blank disk, changed as asked."""
        fields: dict[str, object] = {
            "name": "conformance",
            "vcpus": 1,
            "memory_bytes": self.harness.memory_bytes,
            "disks": (blank_disk(self.harness),),
        }
        return VmSpec(**fields | changes)  # type: ignore[arg-type]

    def made(self, **changes: object) -> UUID:
        """Create a VM and return its uuid."""
        vm_uuid = self.new_uuid()
        self.hypervisor.create_vm(vm_uuid, self.spec(**changes))
        return vm_uuid

    def running(self, **changes: object) -> UUID:
        """Create and start a VM and return its uuid."""
        vm_uuid = self.made(**changes)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        return vm_uuid

    def cached_image_key(self) -> str:
        """Bring the harness's image into the cache and return its key."""
        request = image_request(self.harness, self.services)
        self.hypervisor.cache_image(request)
        return request.key

    def booted(self, more_disks: tuple[DiskSpec, ...] = (), **changes: object) -> UUID:
        """Boot the harness's image, wait until its guest has come up, and return the VM's uuid."""
        self.requires(IImageCache, IConsoleLog)
        if not self.harness.image().boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        disks = (image_disk(self.harness, self.cached_image_key()), *more_disks)
        vm_uuid = self.running(disks=disks, **changes)
        self.wait_booted(vm_uuid)
        return vm_uuid

    def wait_booted(self, vm_uuid: UUID) -> GuestReport:
        """Wait until the guest has come up, and return what it said."""
        self.wait_until(lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot")
        return GuestReport(self.console(vm_uuid))

    def has_feature(self, feature: VmFeature) -> bool:
        """Whether the host says that it has a feature."""
        return feature in self.hypervisor.describe().features

    def assert_state(self, vm_uuid: UUID, expected: PowerState) -> None:
        """One VM's state, asked for alone and in bulk, is the expected one."""
        self.assertEqual(expected, self.hypervisor.get_vm(vm_uuid).power_state)
        listed = {vm.vm_uuid: vm.power_state for vm in self.hypervisor.list_vms()}
        self.assertEqual(expected, listed.get(vm_uuid))

    def assert_gone(self, vm_uuid: UUID) -> None:
        """No VM of this uuid is listed."""
        self.assertNotIn(vm_uuid, [vm.vm_uuid for vm in self.hypervisor.list_vms()])


def blank_disk(harness: Harness, key: str = "data", size_bytes: int = 0) -> DiskSpec:
    """A blank disk of the harness's size."""
    return DiskSpec(key=key, source=Blank(), size_bytes=size_bytes or harness.disk_bytes)


def image_disk(harness: Harness, image_key: str) -> DiskSpec:
    """A boot disk that begins as a cached image."""
    size = harness.image().virtual_size_bytes
    return DiskSpec(
        key="root", source=FromImage(image_key=image_key), size_bytes=size, boot_index=0
    )


def medium(format: MediaFormat, content: bytes = b"conformance medium\n" * 256) -> DiskSpec:
    """A read-only medium."""
    return DiskSpec(key="config-drive", source=Media(format=format, content=content))


def nic(harness: Harness, number: int = 1) -> NicSpec:
    """A NIC whose MAC address ends in ``number``."""
    return NicSpec(
        key=f"nic-{number}", mac=f"52:54:00:c0:ff:{number:02x}", backing=harness.nic_backing()
    )


def nic_to_nowhere(harness: Harness) -> NicSpec:
    """A NIC on a network that no host has."""
    backing = NicBacking(kind=NicBackingKind.NETWORK, name="cf-not-there")
    return replace(nic(harness, 9), backing=backing)


def image_request(
    harness: Harness,
    services: SuiteServices,
    key: str = "conformance-image",
    *,
    intact: bool = True,
) -> CacheImageRequest:
    """Offer the harness's image in the image source, and return the request that caches it."""
    image = harness.image()
    services.images.add(key, image.path, intact=intact)
    return CacheImageRequest(key=key, format=image.format, size_bytes=image.path.stat().st_size)


def image_of(request: SpawnRequest) -> Image:
    """The image that an instance boots from; the test's request has one."""
    if request.image is None:
        raise ValueError("the instance boots from a volume")
    return request.image
