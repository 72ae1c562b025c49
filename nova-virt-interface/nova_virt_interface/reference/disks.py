"""The disks of the reference driver's VMs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.reference._part import require_pluggable
from nova_virt_interface.reference.disk import Disk
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host import Image
from nova_virt_interface.reference.made_disk import imported_name, made_disk, passphrases
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    Imported,
    ResizeDiskRequest,
)
from nova_virt_interface.values.images import CacheImageRequest
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Host, Nic, Vm
    from nova_virt_interface.values.host import HostDescription

__all__ = ["DisksPart", "existing_disk", "require_equal"]


class DisksPart:
    """`IDiskHotplug`, `IDiskResize`, and what a VM is made with."""

    _description: HostDescription

    if TYPE_CHECKING:

        @property
        def _host(self) -> Host: ...
        def _ours(self, vm_uuid: UUID) -> Vm: ...
        def _read_image(self, request: CacheImageRequest) -> bytes: ...

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug`."""
        spec = request.disk
        offers.check_disk(spec, self._description, request.secrets)
        vm = self._ours(vm_uuid)
        existing = vm.disks.get(spec.key)
        require_equal(existing, spec, Resource.DISK)
        if existing is None:
            require_pluggable(vm)
            with translated():
                contents = self._host.images() | self._imported((spec,))
                disk = made_disk(spec, contents, request.secrets)
                self._host.plug_disk(vm_uuid, spec.key, disk)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug`."""
        vm = self._ours(vm_uuid)
        if request.key in vm.disks:
            require_pluggable(vm)
            with translated():
                self._host.unplug_disk(vm_uuid, request.key)

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize`."""
        disk = existing_disk(self._ours(vm_uuid), request.key)
        if disk.read_only:
            raise Unsupported(f"disk {request.key} is a medium, which does not grow", field="key")
        if request.size_bytes < disk.size_bytes:
            raise InvalidRequest(
                f"disk {request.key} has {disk.size_bytes} bytes: it does not shrink",
                remedy="ask for a larger size",
                field="size_bytes",
            )
        if request.size_bytes > disk.size_bytes:
            with translated():
                self._host.grow_disk(vm_uuid, request.key, request.size_bytes)

    def _imported(self, disks: Iterable[DiskSpec]) -> dict[str, Image]:
        """What core offers to import, read once, under names that no image has."""
        sources = [disk.source for disk in disks if isinstance(disk.source, Imported)]
        return {
            imported_name(source): Image(
                format=source.format.value,
                content=self._read_image(
                    CacheImageRequest(
                        key=source.key, format=source.format, size_bytes=source.size_bytes
                    )
                ),
            )
            for source in sources
        }

    def _check_secrets(self, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> None:
        for key, disk in self._ours(vm_uuid).disks.items():
            offers.require_secrets(
                ((key, SecretPurpose(purpose)) for purpose in disk.secrets), secrets
            )

    @contextmanager
    def _given_secrets(self, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> Iterator[None]:
        """The host has the secrets inside the block, and after it if all went well."""
        if not secrets:
            yield
            return
        self._host.give_secrets(vm_uuid, passphrases(secrets))
        try:
            yield
        except BaseException:
            self._host.take_secrets(vm_uuid)
            raise


def existing_disk(vm: Vm, key: str) -> Disk:
    """A disk of a VM; raises NotFound."""
    if key not in vm.disks:
        raise NotFound(f"VM {vm.uuid} has no disk {key}", resource=Resource.DISK, name=key)
    return vm.disks[key]


def require_equal(
    existing: Disk | Nic | None, spec: DiskSpec | NicSpec, resource: Resource
) -> None:
    """Raise Conflict unless a device is missing, or was made of an equal spec."""
    if existing is not None and existing.digest != spec_digest(spec):
        raise Conflict(
            f"the VM has a {resource.value} {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=resource,
            name=spec.key,
        )
