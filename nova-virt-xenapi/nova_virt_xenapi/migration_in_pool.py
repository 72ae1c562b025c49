"""The way of a VM to another host of its pool: both are looked at through one connection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nova_virt_interface.errors import Conflict, Resource, VirtError
from nova_virt_interface.values.migration import MigrationTicket

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.disks import Disks
from nova_virt_xenapi.marks import device_mark
from nova_virt_xenapi.pool import Pool, management_network
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.tasks import Tasks

__all__ = ["InPool", "not_good", "started", "stored_as"]


class InPool:
    """Sends VMs to other hosts of the pool."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        records: Records,
        disks: Disks,
        pool: Pool,
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._disks = disks
        self._pool = pool

    def check(self, vm: Found, data: dict[str, Any], copied: tuple[str, ...]) -> None:
        """Refuse a live migration that xapi knows to be impossible."""
        host = self._session.call("host.get_by_uuid", data["host"])
        where = self._receive(host)
        try:
            vdis = self._vdi_map(vm, copied, data)
            self._session.call("VM.assert_can_migrate", vm.ref, where, True, vdis, {}, {})
        except VirtError as error:
            error.may_have_been_done = False
            raise
        finally:
            self._session.end(where["session_id"])

    def require_ticket(self, vm: Found, data: dict[str, Any]) -> None:
        """Refuse a ticket that the destination has taken back."""
        every = self._records.anywhere(vm.mark.vm_uuid)
        if not any(data["token"] in (each.mark.incoming + each.mark.came) for each in every):
            raise not_good(vm, "it was cancelled")

    def send(self, vm: Found, ticket: MigrationTicket, data: dict[str, Any]) -> None:
        """Move a running VM."""
        about = f"VM {vm.mark.vm_uuid}"
        total = ticket.plan.expected_bytes or int(vm.record["memory_dynamic_max"])
        host = self._session.call("host.get_by_uuid", data["host"])
        copied = ticket.plan.copied_disks
        if not copied:
            options = {"live": "true"}
            self._tasks.run(
                "VM.pool_migrate", vm.ref, host, options, about=about, total_bytes=total
            )
            return
        where = self._receive(host)
        try:
            vdis = self._vdi_map(vm, copied, data)
            self._tasks.run(
                "VM.migrate_send",
                *(vm.ref, where, True, vdis, {}, {}, *stored_as(self._cache, vm, ticket, data)),
                about=about,
                total_bytes=total,
            )
        finally:
            self._session.end(where["session_id"])

    def copy(self, vm: Found, ticket: MigrationTicket, data: dict[str, Any]) -> None:
        """Copy the disks of a stopped VM that the other host does not see."""
        token, storage = data["token"], self._session.call("SR.get_by_uuid", data["storage"])
        formats = data.get("formats", {})
        for key, disk in self._disks.of_vm(vm).items():
            if key in ticket.plan.copied_disks:
                self._disks.copy_to(disk, storage, token, formats.get(key, ""))
            else:
                self._disks.mark_copied(disk, token)
        copied = f"{token} {started(self._session, vm)}"
        self._records.set_mark(vm, replace(vm.mark, copied=copied))

    def _receive(self, host: str) -> dict[str, str]:
        where: dict[str, str] = self._session.call(
            "host.migrate_receive", host, management_network(self._cache, host), {}
        )
        return where

    def _vdi_map(self, vm: Found, copied: tuple[str, ...], data: dict[str, Any]) -> dict[str, str]:
        """Where each disk is to be; those that both hosts see stay where they are."""
        storage = self._session.call("SR.get_by_uuid", data["storage"])
        vdis = self._cache.rows("VDI")
        found = {}
        for record in self._cache.rows("VBD").values():
            if record["VM"] != vm.ref or record["VDI"] == translate.NULL:
                continue
            mark = device_mark(record)
            is_copied = mark is not None and mark.key in copied
            found[record["VDI"]] = storage if is_copied else vdis[record["VDI"]]["SR"]
        return found


def stored_as(
    cache: Cache, vm: Found, ticket: MigrationTicket, data: dict[str, Any]
) -> tuple[dict[str, str], ...]:
    """The last two parameters of ``VM.migrate_send``, which only pools have that know QCOW2: none,
    or how the destination is to store the disks that it does not store as it prefers.
    """
    wanted, found = data.get("formats", {}), {}
    for record in cache.rows("VBD").values():
        mark = device_mark(record)
        if record["VM"] == vm.ref and mark is not None and mark.key in ticket.plan.copied_disks:
            found[record["VDI"]] = wanted.get(mark.key, "")
    formats = {vdi: format for vdi, format in found.items() if format}
    return ({}, formats) if formats else ()


def started(session: Session, vm: Found) -> str:
    """When a VM was started last."""
    return str(session.call("VM_metrics.get_start_time", vm.record["metrics"]))


def not_good(vm: Found, why: str) -> Conflict:
    """The ticket is refused."""
    return Conflict(
        f"the ticket is not good for VM {vm.mark.vm_uuid}: {why}",
        remedy="let the destination prepare for it again",
        resource=Resource.VM,
        name=str(vm.mark.vm_uuid),
    )
