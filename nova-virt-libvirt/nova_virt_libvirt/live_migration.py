"""A live migration while it is on its way: started by one call of libvirt, and waited for.

The hosts' libvirtds migrate peer to peer, so that it goes on, or is taken back, whatever becomes of
the driver.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import libvirt
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Cancelled, DeadlineExceeded
from nova_virt_interface.values.migration import MigrateVmRequest

from nova_virt_libvirt.domain_description import DomainDescription
from nova_virt_libvirt.migration_control import abort, is_migrating, job_progress
from nova_virt_libvirt.migration_data import Arrival, moved_xml

__all__ = ["LiveMigration"]

_LOOK_SECONDS = 0.2
_MIB = 1024 * 1024
_FLAGS = (
    libvirt.VIR_MIGRATE_LIVE
    | libvirt.VIR_MIGRATE_PEER2PEER
    | libvirt.VIR_MIGRATE_PERSIST_DEST
    | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
    | libvirt.VIR_MIGRATE_ABORT_ON_ERROR
)


class LiveMigration:
    """One migration, or the wait for one that is on its way."""

    def __init__(
        self,
        domain: Any,
        description: DomainDescription,
        request: MigrateVmRequest,
        arrival: Arrival,
    ) -> None:
        self._domain = domain
        self._address = request.ticket.address
        self._downtime_ms = request.downtime_ms
        copied = _copied(description, request.ticket.plan.copied_disks)
        self._flags = _flags(request, description, copied)
        self._parameters: dict[str, Any] = {}
        self._thread: threading.Thread | None = None
        self.error: libvirt.libvirtError | None = None
        self.given_up: Cancelled | DeadlineExceeded | None = None
        if not is_migrating(domain):
            self._parameters = _parameters(domain, description, request, arrival) | (
                {libvirt.VIR_MIGRATE_PARAM_MIGRATE_DISKS: copied} if copied else {}
            )
            self._thread = threading.Thread(target=self._migrate, daemon=True)
            self._thread.start()

    def _migrate(self) -> None:
        try:
            self._domain.migrateToURI3(self._address, self._parameters, self._flags)
        except libvirt.libvirtError as error:
            self.error = error

    def _is_on_its_way(self) -> bool:
        if self._thread is None:
            return is_migrating(self._domain)
        return self._thread.is_alive()

    def wait(self) -> None:
        """Until it has ended; give it up when the call is cancelled or out of time."""
        call = current_call()
        done = 0
        while self._is_on_its_way():
            progress = job_progress(self._domain)
            if progress is not None:
                # What was sent again does not count twice.
                done = max(done, progress[0])
                call.progress(done, progress[1])
                self._set_downtime()
            try:
                call.wait(_LOOK_SECONDS)
            except (Cancelled, DeadlineExceeded) as error:
                self.given_up = error
                break
        while self.given_up is not None and self._is_on_its_way():
            abort(self._domain)
            threading.Event().wait(_LOOK_SECONDS)
        if self._thread is not None:
            self._thread.join()

    def _set_downtime(self) -> None:
        if self._downtime_ms is not None:
            with suppress(libvirt.libvirtError):
                self._domain.migrateSetMaxDowntime(self._downtime_ms, 0)
                self._downtime_ms = None


def _copied(description: DomainDescription, keys: tuple[str, ...]) -> list[str]:
    """Device names of the disks that libvirt has to copy: not media, which are made there."""
    return [disk.target for disk in description.disks if disk.key in keys and not disk.is_media]


def _flags(request: MigrateVmRequest, description: DomainDescription, copied: list[str]) -> int:
    flags: int = _FLAGS
    if copied:
        flags |= libvirt.VIR_MIGRATE_NON_SHARED_DISK
    if any(disk.target not in copied for disk in description.disks):
        # libvirt knows by its type alone that a file system is shared; the operator has said so.
        flags |= libvirt.VIR_MIGRATE_UNSAFE
    if request.may_throttle:
        flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
    if request.may_post_copy:
        flags |= libvirt.VIR_MIGRATE_POSTCOPY
    return flags


def _parameters(
    domain: Any, description: DomainDescription, request: MigrateVmRequest, arrival: Arrival
) -> dict[str, Any]:
    snapshots = () if description.mark is None else description.mark.snapshots
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    live = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_MIGRATABLE)
    kept = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_INACTIVE)
    found: dict[str, Any] = {
        libvirt.VIR_MIGRATE_PARAM_DEST_XML: moved_xml(live, arrival, snapshots),
        libvirt.VIR_MIGRATE_PARAM_PERSIST_XML: moved_xml(kept, arrival, snapshots),
        libvirt.VIR_MIGRATE_PARAM_URI: arrival.data_uri,
        libvirt.VIR_MIGRATE_PARAM_LISTEN_ADDRESS: arrival.address,
    }
    if request.bytes_per_second is not None:
        # libvirt counts whole MiB.
        found[libvirt.VIR_MIGRATE_PARAM_BANDWIDTH] = max(1, request.bytes_per_second // _MIB)
    return {name: content for name, content in found.items() if content}
