"""The part of the connection that is about power, consoles, guests, diagnostics and the host."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.values.console import Console, OpenConsoleRequest
from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.host import HostStatus
from nova_virt_interface.values.power import CrashDumpRequest, PauseRequest, SuspendRequest
from nova_virt_interface.values.vm import VmStatistics

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.census import Census
from nova_virt_libvirt.diagnostics import Diagnostics
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.guest_agent import GuestAgent
from nova_virt_libvirt.host_status import HostMeasures
from nova_virt_libvirt.pausing import Pausing
from nova_virt_libvirt.screens import Screens
from nova_virt_libvirt.session import Session

__all__ = ["PowerPart"]


class PowerPart:
    """Delegates, like `LibvirtHypervisor`."""

    def _make_power_part(
        self, session: Session, domains: Domains, census: Census, host: Capabilities
    ) -> None:
        self._pausing = Pausing(session, domains, census)
        self._screens = Screens(session, domains, host)
        self._guest_agent = GuestAgent(session, domains)
        self._diagnostics = Diagnostics(session, domains, census)
        self._host_measures = HostMeasures(session)

    def pause_vm(self, vm_uuid: UUID, request: PauseRequest) -> None:
        """See `IPause.pause_vm`."""
        self._pausing.pause_vm(vm_uuid, request)

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        """See `ISuspend.suspend_vm`."""
        self._pausing.suspend_vm(vm_uuid, request)

    def trigger_crash_dump(self, vm_uuid: UUID, request: CrashDumpRequest) -> None:
        """See `ICrashDump.trigger_crash_dump`."""
        self._pausing.trigger_crash_dump(vm_uuid, request)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`."""
        return self._screens.open_console(vm_uuid, request)

    def set_guest_password(self, vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IGuestPassword.set_guest_password`."""
        self._guest_agent.set_guest_password(vm_uuid, request)

    def quiesce_guest(self, vm_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IGuestQuiesce.quiesce_guest`."""
        self._guest_agent.quiesce_guest(vm_uuid, request)

    def unquiesce_guest(self, vm_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IGuestQuiesce.unquiesce_guest`."""
        self._guest_agent.unquiesce_guest(vm_uuid, request)

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IGuestTime.sync_guest_time`."""
        self._guest_agent.sync_guest_time(vm_uuid, request)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        return self._diagnostics.vm_statistics(vm_uuid)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        return self._diagnostics.device_metadata(vm_uuid)

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        return self._host_measures.host_status()
