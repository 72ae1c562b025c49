"""A connected driver for tests that look behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import testtools
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import started
from nova_virt_interface.values.disks import (
    Blank,
    DiskSpec,
    FromImage,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_hyperv.testing.harness import SimulatorHarness

MIB = 1024 * 1024


def nic(key: str = "nic-1", number: int = 1, network: str = "external") -> NicSpec:
    backing = NicBacking(kind=NicBackingKind.NETWORK, name=network)
    return NicSpec(key=key, mac=f"52:54:00:00:00:{number:02x}", backing=backing)


def blank(key: str = "data", **more: Any) -> DiskSpec:
    return DiskSpec(key=key, source=Blank(), size_bytes=8 * MIB, **more)


def medium(content: bytes = b"a medium") -> DiskSpec:
    source = Media(format=MediaFormat.ISO9660, content=content)
    return DiskSpec(key="config-drive", source=source)


def from_image(key: str = "root", image_key: str = "image", size_bytes: int = 32 * MIB) -> DiskSpec:
    source = FromImage(image_key=image_key)
    return DiskSpec(key=key, source=source, size_bytes=size_bytes, boot_index=0)


def login_of(key: str, password: str) -> DeviceSecret:
    """The password of the user of a volume."""
    purpose = SecretPurpose.AUTHENTICATION
    return DeviceSecret(key=key, purpose=purpose, secret=Secret(password))


class BackendTestCase(testtools.TestCase):
    """A test with a connection whose watching for events does not get in the way."""

    poll_interval_seconds = 3600.0
    dynamic_memory_ratio = 1.0

    def setUp(self) -> None:
        super().setUp()
        found: Any = started(SimulatorHarness)
        self.harness: SimulatorHarness = found
        before = self.harness.leftovers()
        self.addCleanup(lambda: self.assertEqual(before, self.harness.leftovers()))
        self.services = SuiteServices()
        self.hypervisor = self.connected()
        self.addCleanup(self.harness.control, "no_faults")
        self._vms: set[UUID] = set()
        self.addCleanup(self._delete_all)

    def connected(self, **settings: Any) -> Any:
        """One more connection, closed after the test."""
        changed = {
            "poll_interval_seconds": self.poll_interval_seconds,
            "dynamic_memory_ratio": self.dynamic_memory_ratio,
            **settings,
        }
        made = self.harness.factory().connect(
            replace(self.harness.settings(), **changed), self.services
        )
        self.addCleanup(made.close)
        return made

    def new_uuid(self) -> UUID:
        """A uuid whose VM is deleted after the test."""
        self._vms.add(vm_uuid := uuid4())
        return vm_uuid

    def _delete_all(self) -> None:
        self.harness.control("no_faults")
        for vm_uuid in self._vms:
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        for image in self.hypervisor.list_cached_images():
            self.hypervisor.delete_cached_image(DeleteImageRequest(key=image.key))

    def spec(self, **changes: Any) -> VmSpec:
        """A small VM, changed as asked."""
        fields: dict[str, Any] = {"name": "unit", "vcpus": 1, "memory_bytes": 64 * MIB}
        return VmSpec(**fields | changes)

    def made(self, **changes: Any) -> UUID:
        """Create a VM."""
        vm_uuid = self.new_uuid()
        self.hypervisor.create_vm(vm_uuid, self.spec(**changes))
        return vm_uuid

    def cached(self, key: str = "image") -> str:
        """Bring the test image into the cache."""
        image = self.harness.image()
        self.services.images.add(key, image.path)
        size = image.path.stat().st_size
        request = CacheImageRequest(key=key, format=image.format, size_bytes=size)
        self.hypervisor.cache_image(request)
        return key

    def fault(self, operation: str, kind: str, **more: Any) -> None:
        """Let something go wrong."""
        self.harness.control("fault", operation=operation, kind=kind, **more)
