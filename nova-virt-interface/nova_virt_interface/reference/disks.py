"""The disks of the reference driver's VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, NotFound, Resource, Unsupported
from nova_virt_interface.reference.disk import Disk
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_storage import unlock
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Imported,
    Media,
    ResizeDiskRequest,
)
from nova_virt_interface.values.images import CacheImageRequest
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.volumes import Volume

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Host, Nic, Vm
    from nova_virt_interface.values.host import HostDescription

__all__ = ["DisksPart", "existing_disk", "passphrases", "require_equal", "volume_of"]


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
        existing = self._ours(vm_uuid).disks.get(spec.key)
        require_equal(existing, spec, Resource.DISK)
        if existing is None:
            disk = self._made_disk(spec, request.secrets)
            with translated():
                self._host.plug_disk(vm_uuid, spec.key, disk)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug`."""
        if request.key in self._ours(vm_uuid).disks:
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

    def _made_disk(self, spec: DiskSpec, secrets: tuple[DeviceSecret, ...]) -> Disk:
        """The disk that the host is to make."""
        source, limits = spec.source, spec.limits
        made = Disk(
            size_bytes=spec.size_bytes or 0,
            boot_index=spec.boot_index,
            digest=spec_digest(spec),
            encrypted=spec.encryption is not None,
            serial=spec.serial,
            secrets=frozenset(purpose.value for _, purpose in offers.secrets_of_disk(spec)),
        )
        if limits is not None:
            made.limits = (limits.bytes_per_second, limits.requests_per_second)
        if isinstance(source, Volume):
            volume_of(source, made)
        unlock(made, spec.key, passphrases(secrets))
        if isinstance(source, Media):
            made.content, made.size_bytes, made.read_only = (
                source.content,
                len(source.content),
                True,
            )
        elif not isinstance(source, Volume):
            made.fill(self._first_content(spec, made))
        return made

    def _first_content(self, spec: DiskSpec, made: Disk) -> bytes:
        source, content = spec.source, b""
        if isinstance(source, Imported):
            read = CacheImageRequest(
                key=source.key, format=source.format, size_bytes=source.size_bytes
            )
            content = self._read_image(read)
        elif isinstance(source, FromImage):
            made.image_key = source.image_key
            images = self._host.images()
            if made.image_key not in images:
                name = made.image_key
                raise NotFound(
                    f"image {name} is not in the cache", resource=Resource.IMAGE, name=name
                )
            content = images[made.image_key].content
        if made.size_bytes < len(content):
            raise InvalidRequest(
                f"disk {spec.key} of {made.size_bytes} bytes is smaller than its content "
                f"of {len(content)}",
                remedy="ask for a larger disk, or use a smaller image",
                field=f"disks[{spec.key}].size_bytes",
            )
        return content

    def _check_secrets(self, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> None:
        for key, disk in self._ours(vm_uuid).disks.items():
            offers.check_secrets(
                ((key, SecretPurpose(purpose)) for purpose in disk.secrets), secrets
            )

    def _give_secrets(self, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> None:
        self._check_secrets(vm_uuid, secrets)
        if secrets:
            with translated():
                self._host.give_secrets(vm_uuid, passphrases(secrets))


def existing_disk(vm: Vm, key: str) -> Disk:
    """A disk of a VM; raises NotFound."""
    if key not in vm.disks:
        raise NotFound(f"VM {vm.uuid} has no disk {key}", resource=Resource.DISK, name=key)
    return vm.disks[key]


def passphrases(secrets: tuple[DeviceSecret, ...]) -> dict[tuple[str, str], bytes]:
    """The secrets as the host takes them."""
    return {(item.key, item.purpose.value): item.secret.reveal() for item in secrets}


def volume_of(volume: Volume, disk: Disk) -> Disk:
    """The disk, with its content in a volume."""
    disk.volume = address_of(volume.connection)
    disk.encrypted = volume.encryption is not None
    disk.write_protected = volume.read_only
    return disk


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
