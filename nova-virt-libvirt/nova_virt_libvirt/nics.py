"""NICs: adds them to and takes them from VMs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.nics import (
    AttachNicRequest,
    DetachNicRequest,
    NicBackingKind,
    NicSpec,
)

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.domains import Domains, require_pluggable
from nova_virt_libvirt.hotplug import plug, unplug
from nova_virt_libvirt.nic_xml import nic_xml
from nova_virt_libvirt.requirements import check_nic
from nova_virt_libvirt.session import Session

__all__ = ["Nics"]


class Nics:
    """The NICs of one backend's VMs."""

    def __init__(self, session: Session, domains: Domains, host: Capabilities) -> None:
        self._session = session
        self._domains = domains
        self._host = host

    def check(self, connection: Any, nic: NicSpec) -> None:
        """Raise NotFound (network) if the NIC has nothing to be plugged into."""
        if nic.backing.kind is NicBackingKind.NETWORK:
            with self._session.use(about=nic.backing.name):
                connection.networkLookupByName(nic.backing.name)

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        nic = request.nic
        check_nic(nic, self._host)
        with self._session.use(about=f"NIC {nic.key} of VM {vm_uuid}") as connection:
            domain, description, mark = self._domains.ours(connection, vm_uuid)
            if nic.key in description.nic_keys:
                _require_equal(nic, mark.nics.get(nic.key))
                return
            require_pluggable(vm_uuid, domain)
            self.check(connection, nic)
        with (
            undone_by(lambda: self.detach_nic(vm_uuid, DetachNicRequest(key=nic.key))),
            self._session.use(about=f"NIC {nic.key} of VM {vm_uuid}", changing=True),
        ):
            self._domains.set_mark(domain, mark.with_device("nic", nic.key, spec_digest(nic)))
            plug(domain, nic_xml(vm_uuid, nic, self._host))

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        with self._session.use(
            about=f"NIC {request.key} of VM {vm_uuid}", changing=True
        ) as connection:
            domain, _, mark = self._domains.ours(connection, vm_uuid)
            require_pluggable(vm_uuid, domain)
            unplug(domain, "nic", request.key, request.guest_timeout_seconds)
            if request.key in mark.nics:
                self._domains.set_mark(domain, mark.with_device("nic", request.key, None))


def _require_equal(nic: NicSpec, known: str | None) -> None:
    if known != spec_digest(nic):
        raise Conflict(
            f"the VM has another NIC {nic.key}",
            resource=Resource.NIC,
            name=nic.key,
            remedy="detach it first, or use another key",
        )
