"""Media of a running VM that goes to another datastore: they cannot go along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from nova_virt_interface.rollback import undone_by
from pyVmomi import vim

from nova_virt_vmware import devices, records
from nova_virt_vmware.marking import Marking
from nova_virt_vmware.vms import Found, Vms

__all__ = ["Drives"]

_PATHS = ["config.hardware.device"]


class Drives:
    """Takes media out of a VM's drives, and puts them back."""

    def __init__(self, vms: Vms, marking: Marking) -> None:
        self._vms = vms
        self._marking = marking

    @contextmanager
    def empty(self, vm_uuid: UUID, found: Found, *, is_needed: bool) -> Iterator[None]:
        """Inside, the VM's drives are empty; they stay so if nothing fails."""
        files = records.device_files(found, vim.vm.device.VirtualCdrom) if is_needed else {}
        if not files:
            yield
            return
        with undone_by(lambda: self._put_back(vm_uuid, files)):
            hardware = found.facts["config.hardware.device"]
            changes = [devices.ejected(drive) for drive in hardware if drive.key in files]
            self._marking.mark(vm_uuid, found, {}, deviceChange=changes)
            yield

    def _put_back(self, vm_uuid: UUID, files: dict[int, str]) -> None:
        for found in self._vms.everywhere(vm_uuid, _PATHS):
            if found.here:
                hardware = found.facts["config.hardware.device"]
                changes = [
                    devices.inserted(drive, files[drive.key])
                    for drive in hardware
                    if drive.key in files
                ]
                self._marking.mark(vm_uuid, found, {}, deviceChange=changes)
