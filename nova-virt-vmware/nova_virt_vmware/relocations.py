"""Live migrations on their way: the vCenter moves the VM, in a task that anybody can look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import (
    Busy,
    HostUnreachable,
    InvalidState,
    PeerUnreachable,
    Resource,
    VirtError,
)
from nova_virt_interface.values.migration import (
    AbortMigrationRequest,
    MigrationPhase,
    MigrationStatus,
)
from pyVmomi import vim, vmodl

from nova_virt_vmware import records, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.drives import Drives
from nova_virt_vmware.migration_data import relocation
from nova_virt_vmware.session import RELOCATION, Session
from nova_virt_vmware.vms import Found, Vms
from nova_virt_vmware.waiting import result_of

__all__ = ["Relocations"]

_query = vmodl.query.PropertyCollector
_MEMORY = "config.hardware.memoryMB"
_AT_WORK = ("queued", "running")


class Relocations:
    """Looks at migrations of one compute node's VMs, and stops them."""

    def __init__(self, session: Session, vms: Vms, drives: Drives) -> None:
        self._session = session
        self._vms = vms
        self._drives = drives

    def migration_status(self, vm_uuid: UUID) -> MigrationStatus:
        """See `IMigrationControl.migration_status`."""
        every = self._vms.everywhere(vm_uuid, [*records.PATHS, _MEMORY])
        for found in every:
            task = self.task_of(vm_uuid, found) if found.here else None
            if task is not None:
                total = found.facts[_MEMORY] * translate.MIB
                return MigrationStatus(
                    phase=MigrationPhase.COPYING,
                    memory_total_bytes=total,
                    memory_remaining_bytes=total - total * task[1] // 100,
                )
        phase = MigrationPhase.SWITCHED if _gone(every) else MigrationPhase.NONE
        return MigrationStatus(phase=phase)

    def abort_migration(self, vm_uuid: UUID, request: AbortMigrationRequest) -> None:
        """See `IMigrationControl.abort_migration`."""
        every = self._vms.everywhere(vm_uuid, records.PATHS)
        if any(self.stop(vm_uuid, found) for found in every if found.here):
            every = self._vms.everywhere(vm_uuid, records.PATHS)
        if gone := _gone(every):
            raise InvalidState(
                f"VM {vm_uuid} has gone",
                remedy="finish the migration",
                state=translate.power_state(gone[0].facts).value,
            )

    def stop(self, vm_uuid: UUID, found: Found) -> bool:
        """Give up the migration of a VM; says whether there was one, however it ended."""
        task = self.task_of(vm_uuid, found)
        if task is not None:
            self._cancel(vm_uuid, task[0])
        return task is not None

    def task_of(self, vm_uuid: UUID, found: Found) -> tuple[str, int] | None:
        """The id of the task that moves the VM, and how far it is in per cent."""
        recent = _query.TraversalSpec(type=vim.VirtualMachine, path="recentTask", skip=False)
        paths = ["info.state", "info.descriptionId", "info.progress"]

        def question(api: Api) -> list[tuple[Any, dict[str, Any]]]:
            start = _query.ObjectSpec(obj=found.on(api), skip=True, selectSet=[recent])
            return api.retrieve([start], {vim.Task: paths})

        for task, facts in self._session.ask(f"the migration of VM {vm_uuid}", question):
            is_at_work = str(facts.get("info.state")) in _AT_WORK
            if is_at_work and facts.get("info.descriptionId") == RELOCATION:
                return task._moId, facts.get("info.progress") or 0
        return None

    def check(
        self, vm_uuid: UUID, found: Found, facts: Mapping[str, Any], copied: Collection[int]
    ) -> None:
        """Let the vCenter say whether the VM can go; raises what is in the way."""
        hardware = found.facts["config.hardware.device"]

        def question(api: Api) -> Any:
            where = relocation(api, facts, hardware, copied)
            checker = api.content.vmProvisioningChecker
            results = result_of(api.collectors, checker.CheckRelocate_Task(found.on(api), where))
            for fault in (fault for result in results or () for fault in result.error or ()):
                raise fault

        with _peer(vm_uuid):
            self._session.ask(f"whether VM {vm_uuid} can go", question)

    def move(
        self,
        vm_uuid: UUID,
        found: Found,
        facts: Mapping[str, Any],
        copied_disks: Collection[str],
        total: int | None,
    ) -> None:
        """Move a running VM, or wait for its move that is on its way."""
        task = self.task_of(vm_uuid, found)
        hardware = found.facts["config.hardware.device"]
        disks = records.devices_by_key(found)
        copied = {disks[key].key for key in copied_disks}

        def start(api: Api) -> vim.Task:
            if task is not None:
                return vim.Task(task[0], api.stub)
            return found.on(api).RelocateVM_Task(relocation(api, facts, hardware, copied))

        def on_percent(percent: int) -> None:
            current_call().progress((total or 100) * percent // 100, total)

        self._vms.doubt(found.vm_id)
        try:
            is_needed = bool(copied) and task is None
            with self._drives.empty(vm_uuid, found, is_needed=is_needed), _peer(vm_uuid):
                self._session.run(f"migrating VM {vm_uuid}", start, on_percent)
        except VirtError as error:
            if self._is_elsewhere(vm_uuid):
                return
            if not isinstance(error, HostUnreachable | Busy):
                self._vms.doubt(found.vm_id, is_over=True)
                error.may_have_been_done = False
            raise

    def _is_elsewhere(self, vm_uuid: UUID) -> bool:
        """Whether the VM has gone; not if nobody can say."""
        try:
            with Call(current_call().request_id):
                every = self._vms.everywhere(vm_uuid, [])
        except VirtError:
            return False
        return bool(every) and not any(found.here for found in every)

    def _cancel(self, vm_uuid: UUID, task_id: str) -> None:
        """Ask the task to stop, and wait until it has ended, one way or the other."""

        def cancel(api: Api) -> None:
            task = vim.Task(task_id, api.stub)
            try:
                task.CancelTask()
                result_of(api.collectors, task)
            except (vim.fault.InvalidState, vmodl.fault.RequestCanceled):
                # It has ended already; or so it ends.
                return

        try:
            self._session.ask(f"giving up the migration of VM {vm_uuid}", cancel)
        except VirtError as error:
            # However it failed, the VM tells where it is.
            if not isinstance(error.__cause__, vmodl.MethodFault):
                raise


def _gone(every: list[Found]) -> list[Found]:
    """The VM where it came to by a live migration that is not finished there."""
    if any(found.here for found in every):
        return []
    return [
        found for found in every if f"{translate.INCOMING}{found.node}" in records.marks_of(found)
    ]


@contextmanager
def _peer(vm_uuid: UUID) -> Iterator[None]:
    """The vCenter answers: a host that does not is the destination's."""
    try:
        yield
    except HostUnreachable as error:
        if not isinstance(error.__cause__, vmodl.fault.HostCommunication):
            raise
        raise PeerUnreachable(
            f"VM {vm_uuid}: the destination does not answer",
            remedy="use another compute node, or wait",
            detail=error.detail,
            resource=Resource.DESTINATION,
        ) from error
