"""Gives VMs another description, and keeps the old one until it is confirmed or reverted.

A resize is pending while the domain's mark holds the old definition; it and the new definition come
into force in one step. Beside that there is a copy of each disk as it was: libvirt can neither
rename a volume nor, while a VM is stopped, merge an overlay, so that the copies are whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, InvalidState, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_libvirt.definer import Definer
from nova_virt_libvirt.disk_xml import StoredDisk
from nova_virt_libvirt.domain_description import AttachedDisk, DomainDescription, read_domain
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.domains import domain_state
from nova_virt_libvirt.mark import Mark, disk_origin
from nova_virt_libvirt.names import belongs_to, disk_key, is_kept, kept_volume, original_of
from nova_virt_libvirt.requirements import check_vm
from nova_virt_libvirt.secrets import lent_secrets
from nova_virt_libvirt.storage import whole_sectors
from nova_virt_libvirt.volume_xml import source_place, volume_source

__all__ = ["Resize"]


class Resize(Definer):
    """The resizes of one backend's VMs."""

    def resize_vm(self, vm_uuid: UUID, request: ResizeVmRequest) -> None:
        """See `IResize.resize_vm`."""
        spec = request.spec
        check_vm(spec, self._host)
        about = f"VM {vm_uuid}"
        with self._session.use(about=about, changing=True) as connection:
            domain, old, mark = self._domains.ours(connection, vm_uuid)
            if mark.spec == spec_digest(spec):
                if mark.before_resize:
                    # A crash may have come between the definition and the disks' growth.
                    self._grow(connection, vm_uuid, spec.disks)
                return
            self._check(connection, domain, old, mark, spec)
        with (
            undone_by(lambda: self._undo(vm_uuid)),
            self._session.use(about=about, changing=True) as connection,
            # Of new encrypted disks.
            lent_secrets(connection, vm_uuid, spec.secrets),
        ):
            domain, old, mark = self._domains.ours(connection, vm_uuid)
            self._keep(connection, old)
            self._define(connection, domain, old, mark, spec)
            self._grow(connection, vm_uuid, spec.disks)

    def confirm_resize(self, vm_uuid: UUID, request: ConfirmResizeRequest) -> None:
        """See `IResize.confirm_resize`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain, now, mark = self._domains.ours(connection, vm_uuid)
            if mark.before_resize:
                self._domains.set_mark(domain, replace(mark, before_resize=""))
            self._remove_all_but(connection, now)

    def revert_resize(self, vm_uuid: UUID, request: RevertResizeRequest) -> None:
        """See `IResize.revert_resize`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            domain, _, mark = self._domains.ours(connection, vm_uuid)
            if mark.before_resize:
                _require_stopped(domain, vm_uuid)
                self._restore(connection, vm_uuid, mark.before_resize)

    def _check(
        self, connection: Any, domain: Any, old: DomainDescription, mark: Mark, spec: VmSpec
    ) -> None:
        if mark.before_resize:
            raise Conflict(
                f"another resize of VM {old.vm_uuid} is pending",
                remedy="confirm or revert it first",
                resource=Resource.VM,
                name=str(old.vm_uuid),
            )
        _require_stopped(domain, old.vm_uuid)
        if old.tpm_key is not None and spec.settings.tpm is None:
            raise Unsupported(
                f"libvirt keeps the TPM of VM {old.vm_uuid} until the VM is deleted",
                remedy="ask for a VM with its TPM",
                field="settings.tpm",
            )
        volumes = self._storage.volumes(connection)
        present = {disk.key: disk for disk in old.disks}
        for disk in spec.disks:
            known = present.get(disk.key)
            if known is None:
                self._disks.check(connection, disk)
            elif known.needs and not known.is_volume:
                _require_unchanged(disk, mark)
            elif known.is_volume or isinstance(disk.source, Volume):
                self._require_same_volume(old.vm_uuid, disk, known)
            else:
                _require_grown(disk, mark, _volume(known, volumes))
        for nic in spec.nics:
            self._nics.check(connection, nic)

    def _require_same_volume(self, vm_uuid: UUID, disk: DiskSpec, known: AttachedDisk) -> None:
        """By its place: a volume may have been replaced, or have got a snapshot, since."""
        if isinstance(disk.source, Volume):
            wanted = volume_source(vm_uuid, disk.key, disk.source, self._host.initiator_iqn)
            if source_place(wanted.element) == (known.needs, known.path):
                return
        raise _another_disk(f"disks[{disk.key}]")

    def _keep(self, connection: Any, old: DomainDescription) -> None:
        """Copy all that is the VM's own as it is, and remove what is no part of it: a crashed call
        left it.
        """
        self._remove_all_but(connection, old)
        volumes = self._storage.volumes(connection, refreshed=bool(old.variables))
        for name in _own_files(old):
            # The variables of a UEFI are there from the first start on.
            if name in volumes:
                self._storage.clone(connection, volumes[name], kept_volume(name))

    def _define(
        self, connection: Any, domain: Any, old: DomainDescription, mark: Mark, spec: VmSpec
    ) -> None:
        vm_uuid = old.vm_uuid
        present = {disk.key: disk for disk in old.disks}
        stored = tuple(
            _stored(disk, present[disk.key])
            if disk.key in present and not isinstance(disk.source, Volume)
            else self._disks.make(connection, vm_uuid, disk)
            for disk in spec.disks
        )
        before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
        keys = {disk.key for disk in spec.disks}
        snapshots = tuple(item for item in mark.snapshots if item.disk in keys)
        mark = replace(
            Mark.of(self._owner, vm_uuid, spec), before_resize=before, snapshots=snapshots
        )
        files = self._storage.files_of(vm_uuid)
        text = domain_xml(vm_uuid, spec, stored, self._host, mark, files)
        self._census.learn(read_domain(text))
        connection.defineXML(text)

    def _grow(self, connection: Any, vm_uuid: UUID, disks: Iterable[DiskSpec]) -> None:
        wanted = {
            disk.key: whole_sectors(disk.size_bytes)
            for disk in disks
            if disk.size_bytes and disk.encryption is None
        }
        for name, volume in self._storage.volumes(connection).items():
            size = wanted.get(disk_key(name) or "") if belongs_to(name, vm_uuid) else None
            if size is not None and volume.info()[1] < size:
                volume.resize(size)

    def _undo(self, vm_uuid: UUID) -> None:
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            _, now, mark = self._domains.ours(connection, vm_uuid)
            if mark.before_resize:
                self._restore(connection, vm_uuid, mark.before_resize)
            else:
                self._remove_all_but(connection, now)

    def _restore(self, connection: Any, vm_uuid: UUID, before: str) -> None:
        volumes = self._storage.volumes(connection)
        for name, volume in volumes.items():
            if belongs_to(name, vm_uuid) and is_kept(name):
                original = original_of(name)
                if original in volumes:
                    self._storage.remove(volumes[original])
                self._storage.clone(connection, volume, original)
        old = read_domain(before)
        self._census.learn(old)
        connection.defineXML(before)
        self._remove_all_but(connection, old)

    def _remove_all_but(self, connection: Any, description: DomainDescription) -> None:
        """Remove the VM's volumes that its definition does not name."""
        names = _own_files(description)
        for name, volume in self._storage.volumes(connection).items():
            if belongs_to(name, description.vm_uuid) and name not in names:
                self._storage.remove(volume)


def _require_stopped(domain: Any, vm_uuid: UUID) -> None:
    state = domain_state(domain)
    if state is not PowerState.STOPPED:
        raise InvalidState(
            f"VM {vm_uuid} is {state.value}", remedy="stop it first", state=state.value
        )


def _require_grown(disk: DiskSpec, mark: Mark, volume: Any) -> None:
    place = f"disks[{disk.key}]"
    if mark.origins.get(disk.key, "") not in ("", disk_origin(disk)):
        raise _another_disk(place)
    size = volume.info()[1]
    if disk.size_bytes is not None and whole_sectors(disk.size_bytes) < size:
        raise InvalidRequest(
            f"{place} has {size} bytes and cannot shrink to {disk.size_bytes}",
            remedy="ask for at least its present size",
            field=f"{place}.size_bytes",
        )


def _require_unchanged(disk: DiskSpec, mark: Mark) -> None:
    """Of an encrypted disk libvirt says no size, and without its secret it changes none."""
    place = f"disks[{disk.key}]"
    if mark.origins.get(disk.key, "") not in ("", disk_origin(disk)):
        raise _another_disk(place)
    if mark.disks.get(disk.key) != spec_digest(disk):
        raise Unsupported(
            f"{place} is encrypted: libvirt does not change it while the VM is stopped",
            remedy="describe it as it is; it can grow while the VM runs",
            field=f"{place}.size_bytes",
        )


def _another_disk(place: str) -> InvalidRequest:
    return InvalidRequest(
        f"{place} is there with another source, format or encryption",
        remedy="use another key for another disk",
        field=f"{place}.source",
    )


def _own_files(description: DomainDescription) -> set[str]:
    """Names of the VM's own volumes in the driver's storage."""
    paths = {disk.path or "" for disk in description.disks if not disk.is_volume}
    return {path.rpartition("/")[2] for path in paths | {description.variables} if path}


def _volume(disk: AttachedDisk, volumes: dict[str, Any]) -> Any:
    return volumes[(disk.path or "").rpartition("/")[2]]


def _stored(spec: DiskSpec, disk: AttachedDisk) -> StoredDisk:
    return StoredDisk(spec=spec, path=disk.path or "", format=disk.format)
