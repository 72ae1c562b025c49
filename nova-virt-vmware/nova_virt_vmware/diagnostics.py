"""More about one VM: what it uses, and where its guest finds its devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.vm import VmStatistics

from nova_virt_vmware import devices, measures, translate
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.vms import Vms

__all__ = ["Diagnostics"]

_DEVICES = ["config.extraConfig", "config.hardware.device"]


class Diagnostics:
    """Looks at single VMs of one compute node."""

    def __init__(self, vms: Vms) -> None:
        self._vms = vms

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        facts = self._vms.ours(vm_uuid, [*measures.STATISTICS_PATHS, *_DEVICES]).facts
        disks, nics = measures.device_statistics(_slots(facts), _nics(facts), _hardware(facts))
        return replace(measures.vm_statistics(facts, vm_uuid), disks=disks, nics=nics)

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        facts = self._vms.ours(vm_uuid, _DEVICES).facts
        return measures.device_metadata(_slots(facts), _hardware(facts))


def _hardware(facts: dict[str, Any]) -> Any:
    return facts["config.hardware.device"]


def _slots(facts: dict[str, Any]) -> dict[str, Slot]:
    return devices.slots_by_key(translate.marks(facts["config.extraConfig"]), translate.DISK)


def _nics(facts: dict[str, Any]) -> list[str]:
    marks = translate.marks(facts["config.extraConfig"])
    return [name.removeprefix(translate.NIC) for name in marks if name.startswith(translate.NIC)]
