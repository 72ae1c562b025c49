"""Makes and deletes VMs."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_libvirt.definer import Definer
from nova_virt_libvirt.domain_description import DomainDescription, read_domain
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.power import turn_off
from nova_virt_libvirt.requirements import check_vm
from nova_virt_libvirt.secrets import lent_secrets

__all__ = ["Lifecycle"]

_log = logging.getLogger(__name__)


class Lifecycle(Definer):
    """The VMs of one backend, from definition to deletion."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        check_vm(spec, self._host)
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                self._require_equal(found[1], spec)
                return
            for nic in spec.nics:
                self._nics.check(connection, nic)
            for disk in spec.disks:
                self._disks.check(connection, disk)
        with (
            undone_by(lambda: self.delete_vm(vm_uuid, DeleteVmRequest())),
            self._session.use(about=f"VM {vm_uuid}", changing=True) as connection,
        ):
            # Volumes without a domain are what a crashed call left.
            self._storage.remove_vm(connection, vm_uuid)
            with lent_secrets(connection, vm_uuid, spec.secrets):
                self._define(connection, vm_uuid, spec)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is not None:
                domain, description = found
                if self._domains.our_mark(description) is None:
                    _log.warning("VM %s is not deleted: somebody else made it", vm_uuid)
                    return
                turn_off(domain)
                self._undefine(domain)
            self._storage.remove_vm(connection, vm_uuid)

    def _define(self, connection: Any, vm_uuid: UUID, spec: VmSpec) -> None:
        disks = tuple(self._disks.make(connection, vm_uuid, disk) for disk in spec.disks)
        files = self._storage.files_of(vm_uuid)
        text = domain_xml(
            vm_uuid, spec, disks, self._host, Mark.of(self._owner, vm_uuid, spec), files
        )
        # First, so that the event that tells of it finds it known.
        self._census.learn(read_domain(text))
        connection.defineXML(text)

    def _undefine(self, domain: Any) -> None:
        try:
            domain.undefineFlags(self._host.undefine_flags)
        except libvirt.libvirtError as error:
            # One that somebody had undefined while it ran is gone since it was turned off.
            if not is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                raise

    def _require_equal(self, description: DomainDescription, spec: VmSpec) -> None:
        mark = self._domains.our_mark(description)
        if mark is None or mark.spec != spec_digest(spec):
            whose = "somebody else's VM" if mark is None else "a VM of another spec"
            raise Conflict(
                f"{description.vm_uuid} is {whose}",
                resource=Resource.VM,
                name=str(description.vm_uuid),
                remedy="use another uuid, or delete that VM first",
            )
