"""VMs whose host is gone, but whose disks are on a volume that hosts of a cluster share."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest

from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.translate import check_vm

__all__ = ["Recovery"]


class Recovery:
    """See `IRecovery`."""

    def __init__(
        self, store: DiskStore, lifecycle: Lifecycle, events: Events, host: HostDescription
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._events = events
        self._host = host

    def find_disks(self, vm_uuid: UUID) -> tuple[str, ...]:
        """See `IRecovery.find_disks`."""
        return tuple(self._store.files(vm_uuid))

    def adopt_vm(self, vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """See `IRecovery.adopt_vm`."""
        check_vm(request.spec, self._host)
        self._lifecycle.adopt(vm_uuid, request.spec, self._store.files(vm_uuid))

    def release_vm(self, vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IRecovery.release_vm`. All disks are on the shared volume, and stay."""
        if self._lifecycle.forget(vm_uuid):
            self._events.note(EventKind.DELETED, vm_uuid)
