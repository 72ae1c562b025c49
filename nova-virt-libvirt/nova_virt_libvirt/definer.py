"""What everything that defines VMs works with."""

from __future__ import annotations

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.census import Census
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.disks import Disks
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.nics import Nics
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage

__all__ = ["Definer"]


class Definer:
    """Base of those parts of a connection that define VMs."""

    def __init__(
        self,
        session: Session,
        storage: Storage,
        disks: Disks,
        nics: Nics,
        domains: Domains,
        census: Census,
        host: Capabilities,
        settings: Settings,
    ) -> None:
        self._session = session
        self._storage = storage
        self._disks = disks
        self._nics = nics
        self._domains = domains
        self._census = census
        self._host = host
        self._settings = settings
        self._owner = settings.owner
