"""Optional: more about one VM."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.devices import DeviceMetadata
    from nova_virt_interface.values.vm import VmStatistics

__all__ = ["IDeviceMetadata", "IVmDiagnostics"]


class IVmDiagnostics(Interface):
    """A hypervisor that can be asked about one VM without asking about all."""

    taggedValue("since", "1.0")

    def vm_statistics(vm_uuid: UUID) -> VmStatistics:
        """Say what one VM uses: as `IHypervisor.statistics`, and what is measured only here.

        [DIAG-1] A round trip or few, whatever the number of VMs. What both tell is the same
        counter. Of a VM that does not run there is its state and what does not change.

        Raises: NotFound (vm).
        """


class IDeviceMetadata(Interface):
    """A hypervisor that knows where a guest finds its devices."""

    taggedValue("since", "1.0")

    def device_metadata(vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """Say where the guest finds its disks, NICs and host devices, in any order.

        [DIAG-2] For the guest to be told, never to name a device by (rules DISK-1, NIC-1): an
        address may be another after a restart. A device whose address is not fixed is left out.

        Raises: NotFound (vm).
        """
