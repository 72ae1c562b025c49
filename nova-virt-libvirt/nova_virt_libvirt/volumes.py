"""Volumes and disks that change while VMs have them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface import offers
from nova_virt_interface.errors import (
    InsufficientResources,
    InvalidRequest,
    Resource,
    Unsupported,
)
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import ResizeDiskRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.volumes import (
    ReplaceVolumeRequest,
    VolumeConnector,
)

from nova_virt_libvirt.block_jobs import mirrored, pivot
from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.domain_description import AttachedDisk
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.secrets import lent_secrets
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage, whole_sectors
from nova_virt_libvirt.volume_xml import source_place, volume_source

__all__ = ["Volumes"]

_COPY = libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB


class Volumes:
    """`IVolumeConnector`, `IVolumeReplacement` and `IDiskResize`."""

    def __init__(
        self, session: Session, storage: Storage, domains: Domains, host: Capabilities
    ) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains
        self._host = host

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector.volume_connector`."""
        self._session.require_open()
        return VolumeConnector(
            hostname=self._host.description.hostname, initiator_iqns=(self._host.initiator_iqn,)
        )

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        """See `IDiskResize.resize_disk`."""
        about = f"disk {request.key} of VM {vm_uuid}"
        size = whole_sectors(request.size_bytes)
        with self._session.use(about=about, changing=True) as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            disk = description.disk(request.key)
            if disk.is_media and not disk.is_volume:
                raise Unsupported(f"disk {request.key} is a medium", field="key")
            if disk.is_volume:
                self._take_size_over(domain, disk, size)
                return
            if disk.needs:
                # While it is stopped, libvirt would need the secret.
                require_state(vm_uuid, domain_state(domain), PowerState.RUNNING, PowerState.PAUSED)
            capacity, _, _ = domain.blockInfo(disk.target)
            if size < capacity:
                raise _too_small(request.key, capacity)
            if size == capacity:
                return
            self._require_room(connection, size)
            if domain.isActive():
                _resize_live(domain, disk, size)
            else:
                self._storage.volume_at(connection, str(disk.path)).resize(size)

    def _take_size_over(self, domain: Any, disk: AttachedDisk, size: int) -> None:
        if not domain.isActive():
            # Its next start asks the volume.
            return
        capacity, _, physical = domain.blockInfo(disk.target)
        if size < capacity:
            raise _too_small(str(disk.key), capacity)
        if (
            disk.path is not None
            and disk.path.startswith("/")
            and physical < size
            and not disk.needs
        ):
            raise _not_so_large(disk)
        if size > capacity:
            try:
                _resize_live(domain, disk, size)
            except libvirt.libvirtError as error:
                if "Cannot grow" not in str(error):
                    raise
                raise _not_so_large(disk) from error

    def _require_room(self, connection: Any, size: int) -> None:
        whole, _ = self._storage.capacity(connection)
        if size > whole:
            raise InsufficientResources(
                f"a disk of {size} bytes is larger than the storage, which has {whole}",
                resource=Resource.STORAGE,
                needed=size,
                available=whole,
                remedy="use a larger storage_path",
            )

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        """See `IVolumeReplacement.replace_volume`."""
        about = f"volume {request.volume.volume_id} for VM {vm_uuid}"
        key = request.key
        offers.check_volume(key, request.volume, self._host.description, request.secrets)
        source = volume_source(vm_uuid, key, request.volume, self._host.initiator_iqn)
        place = source_place(source.element)[1]
        with self._session.use(about=about, changing=True) as connection:
            domain, description, _ = self._domains.ours(connection, vm_uuid)
            disk = description.disk(key)
            if not disk.is_volume:
                raise InvalidRequest(f"disk {key} is no volume", field="key")
            if disk.path == place:
                return
            require_state(vm_uuid, domain_state(domain), PowerState.RUNNING)
            capacity, _, _ = domain.blockInfo(disk.target)
            if request.size_bytes < capacity:
                raise _too_small(key, capacity)
            if request.size_bytes > capacity:
                # QEMU 7.2: "Source and target image have different sizes".
                raise Unsupported(
                    f"QEMU copies a volume onto one of its own size, {capacity}, alone",
                    remedy="use one of this size, and enlarge it afterwards",
                    field="size_bytes",
                )
            element = E.disk(E.driver(type=source.format), source.element, type=source.type)
            text = etree.tostring(element, encoding="unicode")
            with lent_secrets(connection, vm_uuid, request.secrets):
                mirrored(
                    domain, disk.target, lambda: domain.blockCopy(disk.target, text, flags=_COPY)
                )
                pivot(domain, disk.target)


def _resize_live(domain: Any, disk: AttachedDisk, size: int) -> None:
    domain.blockResize(disk.target, size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def _too_small(key: str, capacity: int) -> InvalidRequest:
    return InvalidRequest(
        f"disk {key} has {capacity} bytes, which is more",
        remedy="ask for a larger size",
        field="size_bytes",
    )


def _not_so_large(disk: AttachedDisk) -> InvalidRequest:
    return InvalidRequest(
        f"the volume of disk {disk.key} is not so large",
        remedy="enlarge it first",
        field="size_bytes",
    )
