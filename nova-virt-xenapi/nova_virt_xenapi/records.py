"""Finds the driver's VMs among the pool's records.

A VM that is not there, and what two hosts have to agree about, is looked for once more after a
marker; see `cache`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.errors import Conflict, NotFound, Resource

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.marks import VmMark, vm_mark
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import NULL

__all__ = ["Found", "Records"]

_MOVES: Final = frozenset({"pool_migrate", "migrate_send"})


@dataclass(frozen=True)
class Found:
    """A VM of ours."""

    ref: str
    mark: VmMark
    record: dict[str, Any]
    kept: bool = False
    """Another one of this uuid has taken its place."""

    @property
    def is_complete(self) -> bool:
        """Whether it is a VM, and not something that is on the way to be one, or that was one."""
        return self.mark.spec is not None and not self.kept


class Records:
    """The VMs of one owner on one host of the pool: those that run there, and of the others those
    that are marked as the host's.
    """

    def __init__(self, session: Session, cache: Cache, owner: str, host_uuid: str, host: str):
        self._session = session
        self._cache = cache
        self._owner = owner
        self._host_uuid = host_uuid
        self.host = host

    def mark(self, vm_uuid: UUID, spec: str | None = None) -> VmMark:
        """The mark of a VM of ours."""
        return VmMark(self._owner, vm_uuid, self._host_uuid, spec)

    def ours(self, record: dict[str, Any]) -> VmMark | None:
        """The mark of a record, if it is of a VM of ours, complete or not."""
        mark = vm_mark(record)
        if mark is None or mark.owner != self._owner or mark.is_copy:
            return None
        runs_on = record["resident_on"]
        here = mark.host_uuid == self._host_uuid if runs_on == NULL else runs_on == self.host
        return mark if here else None

    def all(self) -> Iterator[Found]:
        """All our VMs that are complete."""
        found = self._read()
        if any(_moves(each) for each in found):
            self._cache.sync()
            found = self._read()
        for each in found:
            if each.is_complete:
                yield each

    def require(self, vm_uuid: UUID) -> Found:
        """A VM of ours that is complete; raises NotFound."""
        found = self._one(vm_uuid)
        if found is None or _moves(found):
            found = self.certain(vm_uuid)
        return found

    def certain(self, vm_uuid: UUID) -> Found:
        """As `require`, as it is at this moment; one question."""
        self._cache.sync()
        found = self._one(vm_uuid)
        if found is None:
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        return found

    def every(self, vm_uuid: UUID) -> list[Found]:
        """All that bears this uuid and our mark: complete, or what a crash left; one question."""
        self._cache.sync()
        return self.known(vm_uuid)

    def known(self, vm_uuid: UUID) -> list[Found]:
        """As `every`, as far as was told."""
        return [found for found in self._read() if found.mark.vm_uuid == vm_uuid]

    def anywhere(self, vm_uuid: UUID) -> list[Found]:
        """All that bears this uuid and our owner's mark, on any host of the pool; one question."""
        return self._marked(vm_uuid, is_copy=False)

    def nvram(self, vm_uuid: UUID) -> dict[str, str]:
        """What the firmware of a VM has written down, on whichever host of the pool, or in a copy:
        as far as was told.
        """
        wanted = (self._owner, vm_uuid)
        found: dict[bool, dict[str, str]] = {
            mark.is_copy: record["NVRAM"]
            for record in self._cache.rows("VM").values()
            if record.get("NVRAM")
            and (mark := vm_mark(record)) is not None
            and (mark.owner, mark.vm_uuid) == wanted
        }
        return found.get(False) or found.get(True) or {}

    def copies(self, vm_uuid: UUID) -> list[Found]:
        """What has been copied from such; one question."""
        return self._marked(vm_uuid, is_copy=True)

    def claim(
        self, vm_uuid: UUID, *, also_elsewhere: bool = False, certain: bool = True
    ) -> list[Found]:
        """As `every`, but raises Conflict if the uuid is somebody else's.

        Args:
            vm_uuid: the uuid.
            also_elsewhere: a VM of our owner on another host of the pool is no reason.
            certain: ask; else as far as was told.
        """
        if certain:
            self._cache.sync()
        records = self._cache.rows("VM")
        ours = [found for found in self._found(records) if found.mark.vm_uuid == vm_uuid]
        # Two hosts have a VM while one of them hands it over to the other.
        also_elsewhere = also_elsewhere or any(vm.is_complete for vm in ours)
        for record in records.values():
            mark = vm_mark(record)
            is_meant = mark is not None and mark.vm_uuid == vm_uuid and not mark.is_copy
            taken = is_meant and self.ours(record) is None
            if taken and also_elsewhere and mark is not None and mark.owner == self._owner:
                continue
            if taken or record["uuid"] == str(vm_uuid):
                raise Conflict(
                    f"{vm_uuid} is somebody else's VM",
                    remedy="use another uuid",
                    resource=Resource.VM,
                    name=str(vm_uuid),
                )
        return ours

    def set_mark(self, vm: Found, mark: VmMark) -> None:
        """Write another mark beside a VM, all at once."""
        plain = {
            name: content
            for name, content in vm.record["other_config"].items()
            if name not in vm.mark.as_config()
        }
        own = replace(mark, own=vm.record["uuid"])
        self._session.call("VM.set_other_config", vm.ref, plain | own.as_config())

    def _marked(self, vm_uuid: UUID, *, is_copy: bool) -> list[Found]:
        self._cache.sync()
        wanted = (self._owner, vm_uuid, is_copy)
        return [
            Found(ref, mark, record)
            for ref, record in self._cache.rows("VM").items()
            if (mark := vm_mark(record)) is not None
            and (mark.owner, mark.vm_uuid, mark.is_copy) == wanted
        ]

    def _one(self, vm_uuid: UUID) -> Found | None:
        return next((found for found in self.known(vm_uuid) if found.is_complete), None)

    def _read(self) -> list[Found]:
        return self._found(self._cache.rows("VM"))

    def _found(self, records: dict[str, Any]) -> list[Found]:
        marked = [
            (ref, mark, record)
            for ref, record in records.items()
            if (mark := self.ours(record)) is not None
        ]
        replaced = {mark.replaces for _, mark, _ in marked if mark.spec is not None} - {""}
        return [Found(*each, kept=each[2]["uuid"] in replaced) for each in marked]


def _moves(vm: Found) -> bool:
    """Whether it is on the way from one host to another, so that another driver acts on it."""
    under_way = set(vm.record["current_operations"].values()) & _MOVES
    return bool(vm.mark.incoming or under_way)
