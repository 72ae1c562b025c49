"""What guests wrote to their serial console: a file beside the VM's disks."""

from __future__ import annotations

from uuid import UUID

from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.vms import Vms

__all__ = ["LOG_NAME", "Console"]

LOG_NAME = "console.log"


class Console:
    """The console logs of one compute node's VMs."""

    def __init__(self, datastore: Datastore, vms: Vms) -> None:
        self._datastore = datastore
        self._vms = vms

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleLog.console_log`."""
        self._vms.ours(vm_uuid, [])
        if limit_bytes <= 0:
            return b""
        return self._datastore.tail(self._datastore.vm_folder(vm_uuid) / LOG_NAME, limit_bytes)
