"""The destination of a migration, as the source sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface.errors import PeerUnreachable, Resource

from nova_virt_libvirt.domain_description import read_domain
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.session import is_alive

__all__ = ["destination", "domain_there"]


@contextmanager
def destination(address: str) -> Iterator[Any]:
    """A connection to its libvirtd. Raises: PeerUnreachable, also when it breaks inside."""
    try:
        opened = libvirt.open(address)
    except libvirt.libvirtError as error:
        raise _unreachable(address, error) from error
    with closing(opened) as connection:
        try:
            yield connection
        except libvirt.libvirtError as error:
            if is_alive(connection):
                raise
            raise _unreachable(address, error) from error


def domain_there(connection: Any, vm_uuid: UUID) -> tuple[Any, Mark] | None:
    """The VM as it is, or is expected, there; None if it is not the driver's."""
    try:
        domain = connection.lookupByUUIDString(str(vm_uuid))
        mark = read_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).mark
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
            return None
        raise
    return None if mark is None else (domain, mark)


def _unreachable(address: str, error: libvirt.libvirtError) -> PeerUnreachable:
    return PeerUnreachable(
        f"the libvirtd of the destination, {address}, does not answer",
        remedy="start it, or migrate to another host",
        detail=str(error),
        resource=Resource.DESTINATION,
        name=address,
    )
