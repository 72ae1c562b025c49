"""What the server has told of the compute node's VMs: their states, without a question."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from nova_virt_interface.values.vm import VmState

from nova_virt_vmware import translate

__all__ = ["PATHS", "StateCache"]

POOL = "resourcePool"
PATHS = [*translate.STATE_PATHS, POOL]
"""The properties that it wants to be told of."""

_REMOVED = ("remove", "indirectRemove")


class StateCache:
    """Is fed by one thread, and asked by any."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self._facts: dict[str, dict[str, Any]] = {}
        self._states: dict[str, VmState] = {}
        self._current_to = -1

    def begin(self) -> None:
        """Forget all: what comes next is everything, told anew."""
        with self._lock:
            self._facts, self._states, self._current_to = {}, {}, -1

    def caught_up(self, changes: int) -> None:
        """Note that all has been told up to this many changes of the driver's own."""
        with self._lock:
            self._current_to = changes

    def is_current(self, changes: int) -> bool:
        """Whether all was told since this many changes of the driver's own."""
        with self._lock:
            return self._current_to == changes

    def apply(self, updates: Iterable[Any]) -> tuple[dict[str, UUID | None], set[str]]:
        """Take what the server tells.

        Returns: id → uuid, if it is ours, of VMs that are new; and ids of those that may be another
        compute node's now, or nobody's.
        """
        new: dict[str, UUID | None] = {}
        left: set[str] = set()
        with self._lock:
            for update in updates:
                vm_id = update.obj._moId
                if update.kind == "leave":
                    self._facts.pop(vm_id, None)
                    self._states.pop(vm_id, None)
                    left.add(vm_id)
                    continue
                is_new = vm_id not in self._facts
                facts = self._facts.setdefault(vm_id, {})
                pool = facts.get(POOL)
                _change(facts, update.changeSet)
                if not is_new and pool is not None and facts.get(POOL) != pool:
                    left.add(vm_id)
                vm_uuid = self._remember(vm_id, facts)
                if is_new or vm_uuid is not None:
                    new[vm_id] = vm_uuid
        return new, left

    def _remember(self, vm_id: str, facts: dict[str, Any]) -> UUID | None:
        # A VM that is being made has no name or configuration yet.
        known = "config.uuid" in facts and "name" in facts
        vm_uuid = translate.owned_uuid(facts, self._owner) if known else None
        if vm_uuid is None:
            self._states.pop(vm_id, None)
        else:
            self._states[vm_id] = translate.vm_state(facts, vm_uuid)
        return vm_uuid

    def forget(self, vm_id: str) -> None:
        """A VM is another compute node's."""
        with self._lock:
            self._facts.pop(vm_id, None)
            self._states.pop(vm_id, None)

    def states(self, changes: int) -> tuple[VmState, ...] | None:
        """The states of all VMs that are ours, as they were told; None unless all was told since
        this many changes of the driver's own.
        """
        with self._lock:
            return tuple(self._states.values()) if self._current_to == changes else None


def _change(facts: dict[str, Any], changes: Iterable[Any]) -> None:
    for change in changes or ():
        if change.op in _REMOVED or change.val is None:
            facts.pop(change.name, None)
        else:
            facts[change.name] = change.val
