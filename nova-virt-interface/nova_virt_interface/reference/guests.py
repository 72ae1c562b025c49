"""The reference driver's part of what is asked of guests, and of single VMs."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from nova_virt_interface.errors import VirtError
from nova_virt_interface.reference._part import Part
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_guests import HostGuests
from nova_virt_interface.reference.translate import power_state
from nova_virt_interface.states import require_state
from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DiskStatistics, NicStatistics, VmStatistics

__all__ = ["ReferenceGuests"]


class ReferenceGuests(Part):
    """Guests of VMs on a host in memory, and what there is to know of one VM."""

    def _guests(self, vm_uuid: UUID) -> HostGuests:
        require_state(vm_uuid, power_state(self._ours(vm_uuid).state), PowerState.RUNNING)
        return HostGuests(self._host)

    def set_guest_password(self, vm_uuid: UUID, request: GuestPasswordRequest) -> None:
        """See `IGuestPassword`."""
        guests = self._guests(vm_uuid)
        with translated():
            guests.set_password(vm_uuid, request.user, request.password.reveal())

    def quiesce_guest(self, vm_uuid: UUID, request: QuiesceRequest) -> None:
        """See `IGuestQuiesce`."""
        guests = self._guests(vm_uuid)
        try:
            with translated():
                guests.rest(vm_uuid)
        except VirtError as error:
            if error.may_have_been_done:
                with suppress(VirtError), translated():
                    guests.end_rest(vm_uuid)
                    error.may_have_been_done = False
            raise

    def unquiesce_guest(self, vm_uuid: UUID, request: UnquiesceRequest) -> None:
        """See `IGuestQuiesce`."""
        guests = self._guests(vm_uuid)
        with translated():
            guests.end_rest(vm_uuid)

    def sync_guest_time(self, vm_uuid: UUID, request: SyncTimeRequest) -> None:
        """See `IGuestTime`."""
        guests = self._guests(vm_uuid)
        with translated():
            guests.set_clock(vm_uuid)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics`."""
        vm = self._ours(vm_uuid)
        state = power_state(vm.state)
        uptime = None
        if state is PowerState.RUNNING:
            with translated():
                uptime = int(HostGuests(self._host).uptime_seconds(vm_uuid))
        return VmStatistics(
            vm_uuid=vm_uuid,
            power_state=state,
            vcpus=vm.vcpus,
            uptime_seconds=uptime,
            memory_bytes=vm.memory_bytes,
            disks=tuple(
                DiskStatistics(key=key, size_bytes=disk.size_bytes)
                for key, disk in vm.disks.items()
            ),
            nics=tuple(NicStatistics(key=key) for key in vm.nics),
        )

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata`. Devices get their places when a VM starts."""
        vm = self._ours(vm_uuid)
        if vm.state == "stopped":
            return ()
        with translated():
            slots = HostGuests(self._host).slots(vm_uuid)
        return tuple(
            DeviceMetadata(
                key=key,
                bus=DeviceBus.PCI,
                address=f"0000:00:{slot:02x}.0",
                serial=vm.disks[key].serial if key in vm.disks else None,
                mac=vm.nics[key].mac if key in vm.nics else None,
            )
            for key, slot in slots.items()
        )
