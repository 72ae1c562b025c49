"""What the server has told of the compute node's VMs: their states, without a question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from nova_virt_interface.values.vm import VmState

from nova_virt_vmware import translate
from nova_virt_vmware.task_news import changed
from nova_virt_vmware.volume_marks import VOLUMES

__all__ = ["PATHS", "StateCache"]

POOL = "resourcePool"
PATHS = [*translate.STATE_PATHS, translate.mark_path(VOLUMES), POOL]
"""The properties that it wants to be told of."""


def _never() -> bool:
    return False


class StateCache:
    """Is fed by one thread, and asked by any."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._lock = threading.Condition()
        self._facts: dict[str, dict[str, Any]] = {}
        self._states: dict[str, VmState] = {}
        self._moved: set[str] = set()
        self._away: dict[str, Any] = {}
        self._current_to = -1
        self._is_recent: Callable[[], bool] = _never
        self._is_quiet: Callable[[], bool] = _never

    def begin(
        self, is_recent: Callable[[], bool] = _never, is_quiet: Callable[[], bool] = _never
    ) -> None:
        """Forget all: what comes next is everything, told anew.

        Args:
            is_recent: says whether the server was heard of lately.
            is_quiet: says whether nothing has come from it that was not told yet.
        """
        with self._lock:
            self._facts, self._states, self._moved, self._away = {}, {}, set(), {}
            self._current_to = -1
            self._is_recent, self._is_quiet = is_recent, is_quiet

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
                    for known in (self._facts, self._states, self._away):
                        known.pop(vm_id, None)
                    left.add(vm_id)
                    continue
                is_new = vm_id not in self._facts
                facts = self._facts.setdefault(vm_id, {})
                pool = facts.get(POOL)
                changed(facts, update.changeSet)
                if not is_new and pool is not None and facts.get(POOL) != pool:
                    left.add(vm_id)
                    self._moved.add(vm_id)
                vm_uuid = self._remember(vm_id, facts)
                if is_new or vm_uuid is not None:
                    new[vm_id] = vm_uuid
            self._lock.notify_all()
        return new, left

    def wait(self, seconds: float) -> None:
        """Wait until something is told, for so long at most."""
        with self._lock:
            self._lock.wait(seconds)

    def _remember(self, vm_id: str, facts: dict[str, Any]) -> UUID | None:
        if vm_id in self._away and self._away[vm_id] == facts.get(POOL):
            return None
        self._away.pop(vm_id, None)
        # A VM that is being made has no name or configuration yet.
        known = "config.uuid" in facts and "name" in facts
        vm_uuid = translate.owned_uuid(facts, self._owner) if known else None
        if vm_uuid is None:
            self._states.pop(vm_id, None)
        else:
            self._states[vm_id] = translate.vm_state(facts, vm_uuid)
        return vm_uuid

    def forget(self, vm_id: str) -> None:
        """A VM is another compute node's, as long as it is in the pool where it is now: before it
        is not told of any more it may come back.
        """
        with self._lock:
            self._moved.discard(vm_id)
            self._states.pop(vm_id, None)
            self._away[vm_id] = self._facts.get(vm_id, {}).get(POOL)

    def doubt(self, vm_id: str) -> None:
        """A VM may go to another compute node, which is told of only a moment later."""
        with self._lock:
            self._moved.add(vm_id)

    def keep(self, vm_id: str) -> None:
        """A VM that may have gone is still this compute node's."""
        with self._lock:
            self._moved.discard(vm_id)

    def states(self, changes: int) -> tuple[VmState, ...] | None:
        """The states of all VMs that are ours, as they were told; None unless all was told since
        this many changes of the driver's own.
        """
        with self._lock:
            if self._current_to == changes and self._is_recent() and self._is_quiet():
                return tuple(self._states.values())
            return None

    def vm(self, vm_uuid: UUID) -> tuple[str, dict[str, Any]] | None:
        """Id and `PATHS` of the VM of this uuid that is ours, as they were told last."""
        with self._lock:
            if not self._is_recent():
                return None
            for vm_id, state in self._states.items():
                if state.vm_uuid == vm_uuid and vm_id not in self._moved:
                    return vm_id, dict(self._facts[vm_id])
            return None
