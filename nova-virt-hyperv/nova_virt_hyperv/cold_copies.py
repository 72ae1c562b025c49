"""Stopped VMs whose disks the host copies to another one: the source's half of a cold migration."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidState
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.migration import MigrationPlan

from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.drives import Drives
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.files import DISKS, MOVES
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machine, Machines, about_vm
from nova_virt_hyperv.mark import Copied, file_name, whole
from nova_virt_hyperv.moves import marker_file
from nova_virt_hyperv.wmi import Wmi

__all__ = ["ColdCopies", "path_there"]

_SMALLEST_BYTES = 3 * 1024 * 1024


class ColdCopies:
    """The copies that one host makes."""

    def __init__(
        self,
        wmi: Wmi,
        machines: Machines,
        drives: Drives,
        store: DiskStore,
        disk_files: DiskFiles,
        lifecycle: Lifecycle,
        events: Events,
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._drives = drives
        self._store = store
        self._disk_files = disk_files
        self._lifecycle = lifecycle
        self._events = events

    def is_copied(self, machine: Machine, vm_uuid: UUID, token: str = "") -> bool:
        """Whether a stopped VM was copied, with this ticket or any, and not started since."""
        copy = machine.copied
        if copy is None or token not in ("", copy.token):
            return False
        return copy.state == self._state_since(machine, vm_uuid)

    def copy(
        self, machine: Machine, vm_uuid: UUID, plan: MigrationPlan, told: dict[str, str]
    ) -> None:
        """Copy a VM's disks, then say so to the other host, then note it here."""
        state = self._state_since(machine, vm_uuid)
        call, done = current_call(), 0
        for found in self._drives.find(machine, vm_uuid):
            if found.key in plan.copied_disks and not found.is_medium:
                target = path_there(told, DISKS, whole(file_name(found.path)))
                about = f"disk {found.key} of VM {vm_uuid}"
                # What is there is whole: a copy that failed is removed by its host.
                if not self._disk_files.exists(target, about):
                    self._disk_files.copy(found.path, target, about)
                done += 1
                call.progress(done, unit="disks")
        marker = path_there(told, MOVES, marker_file(vm_uuid, told["host"], told["token"]))
        about = f"the marker of VM {vm_uuid}"
        if not self._disk_files.exists(marker, about):
            self._disk_files.make_blank(marker, _SMALLEST_BYTES, about)
        self._lifecycle.note_copy(machine, Copied(told["token"], state, plan.copied_disks))

    def remove(self, machine: Machine, vm_uuid: UUID) -> None:
        """Remove a VM that was copied; raises InvalidState if it was not, or was started since."""
        if not self.is_copied(machine, vm_uuid):
            state = self._machines.entry(machine, vm_uuid).state
            raise InvalidState(
                f"no migration has copied VM {vm_uuid} as it is",
                remedy="migrate it, or delete it",
                state=state.value,
            )
        copied = machine.copied.disks if machine.copied else ()
        self._lifecycle.forget(vm_uuid)
        self._events.note(EventKind.DELETED, vm_uuid)
        if copied:
            self._store.remove(vm_uuid)

    def _state_since(self, machine: Machine, vm_uuid: UUID) -> str:
        return self._wmi.get(machine.system, about_vm(vm_uuid)).text("TimeOfLastStateChange")


def path_there(told: dict[str, str], folder: str, name: str) -> str:
    """How a file of the host that a ticket tells of is named on the network."""
    return rf"\\{told['host']}\{told['share']}\{folder}\{name}"
