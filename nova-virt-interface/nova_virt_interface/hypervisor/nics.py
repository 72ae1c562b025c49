"""Optional: NICs that come and go while a VM exists."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest

__all__ = ["INicHotplug"]


class INicHotplug(Interface):
    """A hypervisor that adds NICs to, and removes them from, VMs that run or are stopped.

    [NIC-6] A suspended VM keeps the NICs that its memory knows: to attach one, or to detach one of
    them, is an `InvalidState`.
    """

    taggedValue("since", "1.0")

    def attach_nic(vm_uuid: UUID, request: AttachNicRequest) -> None:
        """Plug a NIC into a VM, for now and for its later starts.

        [NIC-3] A NIC of this key that the VM has already is left as it is, when its spec is equal;
        else `Conflict`.

        Raises: NotFound (vm, network); Conflict (nic; network); Unsupported; InvalidState;
        InsufficientResources.
        """

    def detach_nic(vm_uuid: UUID, request: DetachNicRequest) -> None:
        """Take a NIC from a VM, for now and for its later starts.

        [NIC-4] Taking away what is not there succeeds.
        [NIC-5] On return the VM no longer has it. Where the hypervisor asks the guest first, one
        that does not let go within its time is `Busy`, and the VM still has the NIC.

        Raises: NotFound (vm); Busy; InvalidState.
        """
