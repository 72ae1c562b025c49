"""Finds domains, and decides by the mark in their metadata whether they are ours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.states import PLUGGABLE, require_state
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.domain_description import DomainDescription, read_domain
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.mark import NAMESPACE, PREFIX, Mark, mark_text
from nova_virt_libvirt.translate import power_state

__all__ = ["Domains", "affected", "domain_state", "require_pluggable"]


class Domains:
    """The domains behind a connection, as the owner sees them."""

    def __init__(self, owner: str) -> None:
        self._owner = owner

    def find(self, connection: Any, vm_uuid: UUID) -> tuple[Any, DomainDescription] | None:
        """The domain of this uuid and its persistent definition, whoever made it; None if there is
        none.
        """
        try:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            return domain, read_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                return None
            raise

    def ours(self, connection: Any, vm_uuid: UUID) -> tuple[Any, DomainDescription, Mark]:
        """As `find`, with the mark; raises NotFound (vm) also for a foreign one."""
        found = self.find(connection, vm_uuid)
        mark = self.our_mark(found[1]) if found is not None else None
        if found is None or mark is None:
            raise NotFound(
                f"there is no VM {vm_uuid} here", resource=Resource.VM, name=str(vm_uuid)
            )
        return *found, mark

    def our_mark(self, description: DomainDescription) -> Mark | None:
        """The domain's mark if we made it; not of a VM that is still to come from elsewhere."""
        mark = self.own_mark(description)
        return None if mark is None or mark.expected else mark

    def own_mark(self, description: DomainDescription) -> Mark | None:
        """As `our_mark`, also of a VM that is still to come."""
        mark = description.mark
        ours = (self._owner, str(description.vm_uuid))
        return mark if mark is not None and (mark.owner, mark.vm) == ours else None

    def set_mark(self, domain: Any, mark: Mark) -> None:
        """Replace a domain's mark, for now and for its later starts."""
        element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        domain.setMetadata(element, mark_text(mark), PREFIX, NAMESPACE, affected(domain))


def affected(domain: Any) -> int:
    """Flags for a change that is to last: the definition, and the running guest if there is one."""
    live: int = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    return live | int(libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def require_pluggable(vm_uuid: UUID, domain: Any) -> PowerState:
    """The domain's state, in which devices come and go; raises InvalidState in any other."""
    state = domain_state(domain)
    require_state(vm_uuid, state, *PLUGGABLE)
    return state


def domain_state(domain: Any) -> PowerState:
    """Ask for one domain's power state."""
    state, _ = domain.state()
    is_off = state == libvirt.VIR_DOMAIN_SHUTOFF
    return power_state(state, is_saved=is_off and bool(domain.hasManagedSaveImage()))
