"""Optional: VMs whose host is gone, but whose disks this host can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest

__all__ = ["IRecovery"]


class IRecovery(Interface):
    """A hypervisor on storage that outlives its hosts.

    Core adopts only when it is certain that the VM's old host is off (fenced), and releases the VM
    there when that host comes back.
    """

    taggedValue("since", "1.0")

    def find_disks(vm_uuid: UUID) -> tuple[str, ...]:
        """Return the keys of the disks of this VM that this host can reach, in any order.

        [REC-1] Empty when there are none. Media and volumes do not count.
        """

    def adopt_vm(vm_uuid: UUID, request: AdoptVmRequest) -> None:
        """Make a VM of disks that are there already; it is left stopped.

        [REC-2] A disk that `find_disks` names is used with its content; media are made; any other
        disk is `NotFound`. As for the rest it is `IHypervisor.create_vm`, also when it is repeated.
        [REC-3] After an error the disks are as they were.

        Raises: NotFound (disk, network); Conflict (vm; network); InvalidRequest; Unsupported;
        InsufficientResources.
        """

    def release_vm(vm_uuid: UUID, request: ReleaseVmRequest) -> None:
        """Forget a VM that another host has adopted: for a host that has come back.

        [REC-5] On return the VM is not listed and does not run here. Disks that other hosts reach
        keep their content and stay with whoever adopted them; what is this host's own is removed.
        Releasing what is not here succeeds.
        """
