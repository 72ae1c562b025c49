"""Consoles of instances, what is asked of their guests, and what there is to know of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.values.console import Console, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.vm import VmStatistics

__all__ = ["Guests"]


class Guests:
    """The part of `LibraryDriver` that looks into single instances.

    A VM's uuid is its instance's, and a device's key is that of the disk, port or volume, so that
    nothing is to be translated.
    """

    _hypervisor: Any

    def get_console(self, instance_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IInstanceConsole`."""
        return self._hypervisor.open_console(instance_uuid, request)  # type: ignore[no-any-return]

    def set_admin_password(self, instance_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IAdminPassword`."""
        self._hypervisor.set_guest_password(instance_uuid, request)

    def quiesce(self, instance_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IInstanceQuiesce`."""
        self._hypervisor.quiesce_guest(instance_uuid, request)

    def unquiesce(self, instance_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IInstanceQuiesce`."""
        self._hypervisor.unquiesce_guest(instance_uuid, request)

    def sync_time(self, instance_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IInstanceTime`."""
        self._hypervisor.sync_guest_time(instance_uuid, request)

    def get_instance_diagnostics(self, instance_uuid: UUID) -> VmStatistics:
        """See `IInstanceDiagnostics`."""
        return self._hypervisor.vm_statistics(instance_uuid)  # type: ignore[no-any-return]

    def get_device_metadata(self, instance_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IInstanceDeviceMetadata`."""
        return self._hypervisor.device_metadata(instance_uuid)  # type: ignore[no-any-return]
