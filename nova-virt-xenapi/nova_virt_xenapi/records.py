"""Finds the driver's VMs among the pool's.

The one place of look-ups: a cache that is fed by events would take the place of its questions.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import Conflict, NotFound, Resource

from nova_virt_xenapi.marks import VmMark, vm_mark
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import NULL

__all__ = ["Found", "Records"]


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

    def __init__(self, session: Session, owner: str, host_uuid: str, host: str) -> None:
        self._session = session
        self._owner = owner
        self._host_uuid = host_uuid
        self.host = host
        self._lock = threading.Lock()
        self._refs: dict[UUID, str] = {}

    def mark(self, vm_uuid: UUID, spec: str | None = None) -> VmMark:
        """The mark of a VM of ours."""
        return VmMark(self._owner, vm_uuid, self._host_uuid, spec)

    def ours(self, record: dict[str, Any]) -> VmMark | None:
        """The mark of a record, if it is of a VM of ours, complete or not."""
        mark = vm_mark(record)
        if mark is None or mark.owner != self._owner:
            return None
        runs_on = record["resident_on"]
        here = mark.host_uuid == self._host_uuid if runs_on == NULL else runs_on == self.host
        return mark if here else None

    def all(self) -> Iterator[Found]:
        """All our VMs that are complete; one question."""
        for found in self._read():
            if found.is_complete:
                yield found

    def require(self, vm_uuid: UUID) -> Found:
        """A VM of ours that is complete; raises NotFound."""
        found = self._known(vm_uuid) or next(
            (each for each in self.all() if each.mark.vm_uuid == vm_uuid), None
        )
        if found is None:
            raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))
        return found

    def every(self, vm_uuid: UUID) -> list[Found]:
        """All that bears this uuid and our mark: complete, or what a crash left; one question."""
        return [found for found in self._read() if found.mark.vm_uuid == vm_uuid]

    def anywhere(self, vm_uuid: UUID) -> list[Found]:
        """All that bears this uuid and our owner's mark, on any host of the pool."""
        return [
            Found(ref, mark, record)
            for ref, record in self._session.call("VM.get_all_records").items()
            if (mark := vm_mark(record)) is not None
            and (mark.owner, mark.vm_uuid) == (self._owner, vm_uuid)
        ]

    def claim(self, vm_uuid: UUID, *, also_elsewhere: bool = False) -> list[Found]:
        """As `every`, but raises Conflict if the uuid is somebody else's.

        Args:
            vm_uuid: the uuid.
            also_elsewhere: a VM of our owner on another host of the pool is no reason.
        """
        records = self._session.call("VM.get_all_records")
        ours = [found for found in self._found(records) if found.mark.vm_uuid == vm_uuid]
        # Two hosts have a VM while one of them hands it over to the other.
        also_elsewhere = also_elsewhere or any(vm.is_complete for vm in ours)
        for record in records.values():
            mark = vm_mark(record)
            taken = mark is not None and mark.vm_uuid == vm_uuid and self.ours(record) is None
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

    def forget(self, vm_uuid: UUID) -> None:
        """Another reference is this VM's from now on."""
        with self._lock:
            self._refs.pop(vm_uuid, None)

    def set_mark(self, vm: Found, mark: VmMark) -> None:
        """Write another mark beside a VM, all at once."""
        plain = {
            name: content
            for name, content in vm.record["other_config"].items()
            if name not in vm.mark.as_config()
        }
        self._session.call("VM.set_other_config", vm.ref, plain | mark.as_config())

    def _known(self, vm_uuid: UUID) -> Found | None:
        with self._lock:
            ref = self._refs.get(vm_uuid)
        if ref is None:
            return None
        try:
            record = self._session.call("VM.get_record", ref)
        except NotFound:
            record = None
        mark = self.ours(record) if record is not None else None
        is_whole = mark is not None and mark.spec and not mark.kept and mark.vm_uuid == vm_uuid
        if record is not None and mark is not None and is_whole:
            return Found(ref, mark, record)
        with self._lock:
            self._refs.pop(vm_uuid, None)
        return None

    def _read(self) -> list[Found]:
        return self._found(self._session.call("VM.get_all_records"))

    def _found(self, records: dict[str, Any]) -> list[Found]:
        marked = [
            (ref, mark, record)
            for ref, record in records.items()
            if (mark := self.ours(record)) is not None
        ]
        replaced = {mark.replaces for _, mark, _ in marked if mark.spec is not None} - {""}
        found = [Found(*each, kept=each[2]["uuid"] in replaced) for each in marked]
        refs = {each.mark.vm_uuid: each.ref for each in found if each.is_complete}
        with self._lock:
            self._refs = refs
        return found
