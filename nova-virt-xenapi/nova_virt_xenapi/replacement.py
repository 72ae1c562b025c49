"""What operations work with whose VMs take the place of others."""

from __future__ import annotations

from dataclasses import dataclass

from nova_virt_xenapi.construction import Construction
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.lifecycle import Lifecycle
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session

__all__ = ["Replacement"]


@dataclass(frozen=True)
class Replacement:
    """Part of the connection; see `resize`, `recovery` and `migration_target`."""

    _session: Session
    _records: Records
    _lifecycle: Lifecycle
    _construction: Construction
    _disks: Disks
    _pool: Pool
