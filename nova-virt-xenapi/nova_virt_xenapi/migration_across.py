"""The way of a VM to another pool: its hosts send it there by themselves, let in by the ticket.

Whoever comes after a crash finds, in the ``other_config`` of the host that a VM was sent from, the
token of the ticket with which it went: xapi removes the VM itself when it has arrived.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple
from uuid import UUID

from nova_virt_interface.errors import (
    HostUnreachable,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.values.migration import MigrationMode, MigrationTicket

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.marks import device_mark, gone_mark
from nova_virt_xenapi.migration_in_pool import not_good, started, stored_as
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.tasks import Tasks

__all__ = ["AcrossPools"]

_LIVE: Final = MigrationMode.LIVE


class _Going(NamedTuple):
    """Who lets the VM in, and where its disks and NICs are to be; `stored_as` beside it."""

    where: dict[str, str]
    vdis: dict[str, str]
    vifs: dict[str, str]
    formats: tuple[dict[str, str], ...]


class AcrossPools:
    """Sends VMs to hosts of other pools."""

    def __init__(
        self, session: Session, cache: Cache, tasks: Tasks, records: Records, pool: Pool
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._pool = pool

    def token(self, vm_uuid: UUID) -> str:
        """Of the ticket with which a VM that is not here any more went; empty if it did not go."""
        config = self._session.call("host.get_other_config", self._pool.host)
        return str(config.get(gone_mark(vm_uuid), ""))

    def forget(self, vm_uuid: UUID) -> None:
        """It is nobody's concern any more that a VM went."""
        self._session.call("host.remove_from_other_config", self._pool.host, gone_mark(vm_uuid))

    def send(self, vm: Found, ticket: MigrationTicket, data: dict[str, Any]) -> None:
        """Move a running VM."""
        going = self._require(vm, ticket, data)
        name = gone_mark(vm.mark.vm_uuid)
        self._session.call("host.remove_from_other_config", self._pool.host, name)
        self._session.call("host.add_to_other_config", self._pool.host, name, data["token"])
        try:
            self._run(vm, ticket, going, {})
        except VirtError:
            # Nobody looks at it while the VM is here: that this fails, too, does no harm.
            with suppress(VirtError):
                if not self.has_gone(vm):
                    self.forget(vm.mark.vm_uuid)
            raise

    def copy(self, vm: Found, ticket: MigrationTicket, data: dict[str, Any]) -> None:
        """Copy a stopped VM, unless it is there as it is now. The copy has the VM's marks, and so
        the token, and those that were made with this ticket before are older.
        """
        going = self._require(vm, ticket, data)
        copied = f"{data['token']} {started(self._session, vm)}"
        if vm.mark.copied != copied:
            mark = replace(vm.mark, going=copied, copied="")
            self._records.set_mark(vm, mark)
            self._run(vm, ticket, going, {"copy": "true"})
            fresh = Found(vm.ref, mark, self._session.call("VM.get_record", vm.ref))
            self._records.set_mark(fresh, replace(mark, copied=copied))

    def has_gone(self, vm: Found) -> bool:
        """Whether xapi has removed the VM."""
        try:
            self._session.call("VM.get_uuid", vm.ref)
        except NotFound:
            return True
        return False

    def _require(self, vm: Found, ticket: MigrationTicket, data: dict[str, Any]) -> _Going:
        """What is to be asked for; both pools agree to it."""
        where: dict[str, str] = json.loads(ticket.secret.reveal()) if ticket.secret else {}
        vdis, vifs = self._vdis(vm, data), self._vifs(vm, data)
        is_live = ticket.plan.mode is _LIVE
        options = {} if is_live else {"copy": "true"}
        with self._as_peer(vm):
            self._session.call("VM.assert_can_migrate", vm.ref, where, is_live, vdis, vifs, options)
        return _Going(where, vdis, vifs, stored_as(self._cache, vm, ticket, data))

    def _run(
        self, vm: Found, ticket: MigrationTicket, going: _Going, options: dict[str, str]
    ) -> None:
        total = ticket.plan.expected_bytes or int(vm.record["memory_dynamic_max"])
        is_live = ticket.plan.mode is _LIVE
        with self._as_peer(vm):
            self._tasks.run(
                "VM.migrate_send",
                *(vm.ref, going.where, is_live, going.vdis, going.vifs, options, *going.formats),
                about=f"VM {vm.mark.vm_uuid}",
                total_bytes=total,
            )

    def _vdis(self, vm: Found, data: dict[str, Any]) -> dict[str, str]:
        found = {}
        for record in self._cache.rows("VBD").values():
            if record["VM"] == vm.ref and record["VDI"] != translate.NULL:
                mark = device_mark(record)
                if mark is not None and mark.is_volume:
                    raise Unsupported(
                        f"disk {mark.key} of VM {vm.mark.vm_uuid} is a volume, which xapi would "
                        "copy to another pool",
                        remedy="detach it first",
                    )
                found[record["VDI"]] = data["storage_ref"]
        return found

    def _vifs(self, vm: Found, data: dict[str, Any]) -> dict[str, str]:
        found = {}
        for ref, record in self._cache.rows("VIF").items():
            if record["VM"] == vm.ref:
                mark = device_mark(record)
                network = data["networks"].get(mark.key) if mark is not None else None
                if network is None:
                    raise not_good(vm, "the destination does not know all of its NICs")
                found[ref] = network
        return found

    @contextmanager
    def _as_peer(self, vm: Found) -> Iterator[None]:
        """What xapi says of the other pool is not of this one."""
        try:
            yield
        except HostUnreachable as error:
            code, _, more = error.detail.partition(" ")
            if code == "SESSION_INVALID":
                raise not_good(vm, "it was cancelled") from error
            if code != "CANNOT_CONTACT_HOST":
                raise
            raise PeerUnreachable(
                f"the destination of VM {vm.mark.vm_uuid} does not answer",
                resource=Resource.DESTINATION,
                name=more,
                detail=error.detail,
                remedy="repeat it when the destination is back",
                may_have_been_done=error.may_have_been_done,
            ) from error
