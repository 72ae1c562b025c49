"""Optional: more about one instance."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.devices import DeviceMetadata
    from nova_virt_interface.values.vm import VmStatistics

__all__ = ["IInstanceDeviceMetadata", "IInstanceDiagnostics"]


class IInstanceDiagnostics(Interface):
    """A node that can be asked about one instance without asking about all."""

    taggedValue("since", "1.0")

    def get_instance_diagnostics(instance_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`; ``vm_uuid`` is the instance's uuid.

        Raises: NotFound (vm).
        """


class IInstanceDeviceMetadata(Interface):
    """A node that knows where guests find their devices."""

    taggedValue("since", "1.0")

    def get_device_metadata(instance_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`. Keys are those of disks, ports and volumes.

        Raises: NotFound (vm).
        """
