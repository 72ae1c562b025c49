"""When the host is logged in to the logical units of a VM: where a password is asked, only while
the VM is on, so that nobody keeps it longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from nova_virt_interface.rollback import undone_by
from nova_virt_interface.states import ON
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.drives import Drives
from nova_virt_hyperv.iscsi_volumes import IscsiVolumes, Secrets
from nova_virt_hyperv.machines import Machine, Machines

__all__ = ["UnitSessions"]


class UnitSessions:
    """The sessions that VMs of one host need."""

    def __init__(self, machines: Machines, drives: Drives, units: IscsiVolumes) -> None:
        self._machines = machines
        self._drives = drives
        self._units = units

    def require_secrets(self, vm_uuid: UUID, secrets: Secrets) -> None:
        """Raise InvalidRequest (secrets) unless all are there without which a VM does not start."""
        self._units.require_secrets(vm_uuid, secrets)

    @contextmanager
    def needed(self, machine: Machine, vm_uuid: UUID, secrets: Secrets) -> Iterator[None]:
        """Connect the host to the logical units of a VM, which the block starts.

        Raises: PeerUnreachable; InvalidRequest (secrets).
        """
        units = self._units.of(vm_uuid)
        if not any(unit.user for unit in units):
            if units:
                self._restore(machine, vm_uuid, secrets)
            yield
        elif self._machines.entry(machine, vm_uuid).state in ON:
            yield
        else:
            with undone_by(lambda: self.rest_if_off(machine, vm_uuid)):
                self._restore(machine, vm_uuid, secrets)
                yield

    def rest(self, vm_uuid: UUID) -> None:
        """The VM is off."""
        self._units.rest(vm_uuid)

    def rest_if_off(self, machine: Machine, vm_uuid: UUID) -> None:
        """The VM may be off; one that is not complete never ran."""
        if machine.spec:
            entry = self._machines.entry(machine, vm_uuid)
            # One whose start was asked for, and whose answer was lost, starts with its disks.
            if entry.state is not PowerState.STOPPED or entry.is_changing:
                return
        self._units.rest(vm_uuid)

    def _restore(self, machine: Machine, vm_uuid: UUID, secrets: Secrets) -> None:
        """Connect the host to what it may have lost since, and whose disks may have other
        numbers.
        """
        wanted = self._units.restore(vm_uuid, secrets)
        for found in self._drives.find(machine, vm_uuid) if wanted else ():
            path = wanted.get(found.key, found.path)
            if path.lower() != found.path.lower():
                self._drives.rename_disk(found, path)
