"""Migrations from here that are on their way: looked at, stopped, brought to their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import libvirt
from nova_virt_interface import offers
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidState
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    ForceCompleteRequest,
    ForcedBy,
    MigrationPhase,
    MigrationStatus,
)
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.names import belongs_to
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage

__all__ = ["MigrationControl", "abort", "is_migrating", "job_progress"]

_LOOK_SECONDS = 0.2
_NO_LIMIT_MIB = 1024 * 1024
_TOO_EARLY = ("before the start of migration", "after migration has been started")
"""What QEMU says of a post-copy, first, while the disks are copied."""


class MigrationControl:
    """See `IMigrationControl` and `IForceMigration`."""

    def __init__(self, session: Session, storage: Storage, domains: Domains) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        with self._session.use(about=f"VM {vm_uuid}") as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is None:
                gone = self._has_gone(connection, vm_uuid)
                phase = MigrationPhase.SWITCHED if gone else MigrationPhase.NONE
                return MigrationStatus(phase=phase)
            domain = found[0]
            numbers = _job(domain)
            if numbers is None:
                return MigrationStatus(phase=MigrationPhase.NONE)
            state, reason = domain.state()
            is_post_copy = (state, reason) == (
                libvirt.VIR_DOMAIN_PAUSED,
                libvirt.VIR_DOMAIN_PAUSED_POSTCOPY,
            )
        return MigrationStatus(
            phase=MigrationPhase.POST_COPY if is_post_copy else MigrationPhase.COPYING,
            elapsed_ms=numbers.get("time_elapsed"),
            memory_total_bytes=numbers.get("memory_total"),
            memory_remaining_bytes=numbers.get("memory_remaining"),
            disk_total_bytes=numbers.get("disk_total"),
            disk_remaining_bytes=numbers.get("disk_remaining"),
        )

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            while found is not None and is_migrating(found[0]):
                abort(found[0])
                current_call().wait(_LOOK_SECONDS)
            gone = self._domains.find(connection, vm_uuid) is None
            if gone and self._has_gone(connection, vm_uuid):
                raise InvalidState(
                    f"VM {vm_uuid} is the destination's already",
                    remedy="finish the migration",
                    state=PowerState.RUNNING.value,
                )

    def force_complete_migration(self, vm_uuid: UUID, request: ForceCompleteRequest) -> None:
        """See `IForceMigration.force_complete_migration`."""
        offers.check_offered(request.by, (ForcedBy.PAUSE, ForcedBy.POST_COPY), "by")
        with self._session.use(about=f"VM {vm_uuid}", changing=True) as connection:
            found = self._domains.find(connection, vm_uuid)
            if found is None or not is_migrating(found[0]):
                raise InvalidState(f"VM {vm_uuid} does not migrate", state=PowerState.UNKNOWN.value)
            domain = found[0]
            if request.by is ForcedBy.PAUSE:
                domain.suspend()
            else:
                _start_post_copy(domain)
            _unless_gone(lambda: domain.migrateSetMaxSpeed(_NO_LIMIT_MIB, 0))

    def _has_gone(self, connection: Any, vm_uuid: UUID) -> bool:
        # Files without a definition are what a VM left that has gone; where other hosts have the
        # same files, they say nothing.
        return not self._storage.shared_as and any(
            belongs_to(name, vm_uuid) for name in self._storage.volumes(connection)
        )


def is_migrating(domain: Any) -> bool:
    """Whether a migration of the domain is on its way from here."""
    return _job(domain) is not None


def job_progress(domain: Any) -> tuple[int, int] | None:
    """Bytes that have crossed, and bytes in all; None while nothing is on its way."""
    numbers = _job(domain)
    if numbers is None:
        return None
    return numbers.get("data_processed", 0), numbers.get("data_total", 0)


def abort(domain: Any) -> None:
    """Ask the hypervisor to give the migration up; nothing, if there is none."""
    _unless_gone(domain.abortJob)


def _start_post_copy(domain: Any) -> None:
    while is_migrating(domain):
        try:
            domain.migrateStartPostCopy(0)
        except libvirt.libvirtError as error:
            # Memory comes after the disks.
            if not any(text in str(error) for text in _TOO_EARLY):
                raise
        else:
            return
        current_call().wait(_LOOK_SECONDS)


def _unless_gone(call: Callable[[], object]) -> None:
    try:
        call()
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
            raise


def _job(domain: Any) -> dict[str, Any] | None:
    try:
        numbers: dict[str, Any] = domain.jobStats()
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
            return None
        raise
    is_out = numbers.get("operation") == libvirt.VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT
    return numbers if numbers.get("type") and is_out else None
