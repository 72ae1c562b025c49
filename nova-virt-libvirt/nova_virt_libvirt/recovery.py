"""VMs whose host is gone, but whose disks are in a pool that this host sees, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, NotFound, Resource, Unsupported
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import DiskSpec, Media
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_libvirt.definer import Definer
from nova_virt_libvirt.disk_xml import StoredDisk
from nova_virt_libvirt.domain_description import DomainDescription, read_domain
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.names import belongs_to, disk_key
from nova_virt_libvirt.power import turn_off
from nova_virt_libvirt.requirements import check_vm

__all__ = ["Recovery", "existing_disks"]

_DISK_FORMATS = {form.value for form in DiskFormat}


class Recovery(Definer):
    """See `IRecovery`."""

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        with self._session.use(about=f"disks of VM {vm_uuid}") as connection:
            return tuple(_disks(self._storage.volumes(connection), vm_uuid))

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        spec = request.spec
        check_vm(spec, self._host)
        _refuse_tpm(spec)
        about = f"VM {vm_uuid}"
        with self._session.use(about=about) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                self._require_equal(found[1], spec)
                return
            for nic in spec.nics:
                self._nics.check(connection, nic)
            kept = [disk for disk in spec.disks if not isinstance(disk.source, Media)]
            existing_disks(self._storage.volumes(connection), vm_uuid, kept)
        with (
            undone_by(lambda: self._undefine(vm_uuid)),
            self._session.use(about=about, changing=True) as connection,
        ):
            stored = tuple(self._stored(connection, vm_uuid, disk) for disk in spec.disks)
            mark = Mark.of(self._owner, vm_uuid, spec)
            files = self._storage.files_of(vm_uuid)
            text = domain_xml(vm_uuid, spec, stored, self._host, mark, files)
            self._census.learn(read_domain(text))
            connection.defineXML(text)

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`."""
        if self._undefine(vm_uuid) and not self._storage.shared_as:
            with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
                self._storage.remove_vm(connection, vm_uuid)

    def _undefine(self, vm_uuid: UUID) -> bool:
        """Turn our VM off and forget it, but not its disks; says whether it was there."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is None or self._domains.our_mark(found[1]) is None:
                return False
            turn_off(found[0])
            found[0].undefineFlags(self._host.undefine_flags)
            return True

    def _stored(self, connection: Any, vm_uuid: UUID, disk: DiskSpec) -> StoredDisk:
        if isinstance(disk.source, Media):
            self._storage.remove_disk(connection, vm_uuid, disk.key)
            return self._disks.make(connection, vm_uuid, disk)
        return existing_disks(self._storage.volumes(connection), vm_uuid, [disk])[0]

    def _require_equal(self, description: DomainDescription, spec: VmSpec) -> None:
        mark = self._domains.our_mark(description)
        if mark is None or mark.spec != spec_digest(spec):
            raise Conflict(
                f"{description.vm_uuid} is another VM",
                remedy="delete it first",
                resource=Resource.VM,
                name=str(description.vm_uuid),
            )


def existing_disks(
    volumes: Mapping[str, Any], vm_uuid: UUID, disks: Iterable[DiskSpec]
) -> tuple[StoredDisk, ...]:
    """The disks and media of a VM that are there; raises NotFound (disk)."""
    found = {
        disk_key(name): volume for name, volume in volumes.items() if belongs_to(name, vm_uuid)
    }
    stored = []
    for disk in disks:
        if isinstance(disk.source, Volume):
            stored.append(StoredDisk(spec=disk, path="", format=DiskFormat.RAW.value))
            continue
        volume = found.get(disk.key)
        if volume is None:
            raise NotFound(
                f"there is no disk {disk.key} of VM {vm_uuid}",
                resource=Resource.DISK,
                name=disk.key,
            )
        extension = volume.name().rpartition(".")[2]
        form = extension if extension in _DISK_FORMATS else DiskFormat.RAW.value
        stored.append(StoredDisk(spec=disk, path=volume.path(), format=form))
    return tuple(stored)


def _refuse_tpm(spec: VmSpec) -> None:
    if spec.settings.tpm is not None:
        raise Unsupported(
            "the state of the VM's TPM was on its old host alone",
            remedy="recover the VM on the host that it was on",
            field="spec.settings.tpm",
        )


def _disks(volumes: Mapping[str, Any], vm_uuid: UUID) -> list[str]:
    return [
        key
        for name in volumes
        if belongs_to(name, vm_uuid)
        and (key := disk_key(name)) is not None
        and name.rpartition(".")[2] in _DISK_FORMATS
    ]
