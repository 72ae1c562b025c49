"""What is particular to VMs that come from another pool, or with disks that xapi has copied.

xapi makes a session for whoever is to send a VM; it is good until it is ended, or not used for a
day. A copied disk comes without what its ``other_config`` held, while the VM and its connections
keep theirs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final
from uuid import UUID

from nova_virt_interface.errors import NotFound, VirtError
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import DiskSpec

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.marks import (
    MIGRATION,
    SESSION,
    DiskMark,
    device_mark,
    disk_mark,
    gone_mark,
    gone_vms,
)
from nova_virt_xenapi.pool import Pool, management_network
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.uploads import destroy_vdi

__all__ = ["VALID_SECONDS", "Arrivals"]

VALID_SECONDS: Final = 86400
"""xapi ends a session that was not used for so long."""


class Arrivals:
    """Lets VMs in."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        records: Records,
        disks: Disks,
        pool: Pool,
        settings: Settings,
    ) -> None:
        self._session = session
        self._cache = cache
        self._records = records
        self._disks = disks
        self._pool = pool
        self._owner = settings.owner

    def admit(self, place: Found) -> Secret:
        """Let another pool send the VM that a place is for: what it has to tell its own hosts.
        Whoever was let in before is not any more.
        """
        network = management_network(self._cache, self._pool.host)
        where = self._session.call("host.migrate_receive", self._pool.host, network, {})
        handle = where["session_id"]
        try:
            uuid = self._session.call("session.get_uuid", handle)
            if place.mark.session:
                self._session.call("VM.remove_from_other_config", place.ref, SESSION)
            self._session.call("VM.add_to_other_config", place.ref, SESSION, uuid)
        except VirtError:
            self._session.end(handle)
            raise
        self.dismiss(place)
        return Secret(json.dumps(where))

    def dismiss(self, place: Found) -> None:
        """Let nobody in any more for the VM that a place is for."""
        if place.mark.session:
            with suppress(NotFound):
                handle = self._session.call("session.get_by_uuid", place.mark.session)
                self._session.end(handle)

    def is_here(self, vm_uuid: UUID) -> None:
        """A VM that is here has not gone, whatever an attempt that broke off has noted."""
        if vm_uuid in gone_vms(self._cache.row("host", self._pool.host)):
            name = gone_mark(vm_uuid)
            self._session.call("host.remove_from_other_config", self._pool.host, name)

    def adopt(self, vm: Found, specs: tuple[DiskSpec, ...] = ()) -> None:
        """Mark the disks of a VM that has come as its own."""
        described = {spec.key: spec for spec in specs}
        vdis = self._cache.rows("VDI")
        for key, vdi, digest in self._connected(vm):
            if disk_mark(vdis[vdi], self._owner) is None:
                mark = DiskMark(self._owner, vm.mark.vm_uuid, key, digest)
                if key in described:
                    mark = self._disks.mark(vm.mark.vm_uuid, described[key])
                self._session.call("VDI.set_other_config", vdi, mark.as_config())

    def take_copies(self, vm_uuid: UUID, token: str, specs: tuple[DiskSpec, ...]) -> None:
        """Take the disks out of the newest copy that another pool has made with this token, and
        remove the rest.
        """
        taken = self._disks.unattached(vm_uuid, token)
        described = {spec.key: spec for spec in specs if spec.key not in taken}
        for number, copy in enumerate(self._copies(vm_uuid, token)):
            for key, vdi, _ in self._connected(copy):
                if number == 0 and key in described:
                    mark = self._disks.mark(vm_uuid, described[key]).as_config()
                    self._session.call("VDI.set_other_config", vdi, mark | {MIGRATION: token})
            self._remove(copy, token)

    def remove_copies(self, vm_uuid: UUID, token: str) -> None:
        """Remove what another pool has copied with this token."""
        for copy in self._copies(vm_uuid, token):
            self._remove(copy, token)

    def _copies(self, vm_uuid: UUID, token: str) -> list[Found]:
        """The newest first: the token is followed by when the VM was started last."""
        found = [
            vm for vm in self._records.copies(vm_uuid) if vm.mark.going.partition(" ")[0] == token
        ]
        return sorted(found, key=lambda vm: vm.mark.going, reverse=True)

    def _remove(self, copy: Found, token: str) -> None:
        vdis = [vdi for _, vdi, _ in self._connected(copy)]
        self._disks.disconnect(copy.ref)
        with suppress(NotFound):
            self._session.call("VM.destroy", copy.ref)
        for vdi in vdis:
            config = self._session.call("VDI.get_other_config", vdi)
            if config.get(MIGRATION) != token:
                destroy_vdi(self._session, vdi)

    def _connected(self, vm: Found) -> list[tuple[str, str, str]]:
        """Key, VDI and digest of the VM's disks that are no volumes."""
        found = []
        for record in self._cache.rows("VBD").values():
            mark = device_mark(record)
            is_of = record["VM"] == vm.ref and record["VDI"] != translate.NULL
            if is_of and mark is not None and not mark.is_volume:
                found.append((mark.key, record["VDI"], mark.digest))
        return found
