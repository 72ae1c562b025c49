"""What VMs use, and where their guests find their devices."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.values.devices import DeviceMetadata
from nova_virt_interface.values.vm import VmStatistics

from nova_virt_xenapi import translate_measures as translate
from nova_virt_xenapi.cache import Cache, Rows
from nova_virt_xenapi.metrics import Measures, Metrics
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session

__all__ = ["Diagnostics"]


class Diagnostics:
    """Reads only."""

    def __init__(self, session: Session, cache: Cache, records: Records, metrics: Metrics) -> None:
        self._session = session
        self._cache = cache
        self._records = records
        self._metrics = metrics

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        with self._session.operation("all VMs"):
            vms = list(self._records.all())
            measures, devices = self._metrics.read(), self._devices()
            return tuple(_statistics(vm, measures, devices) for vm in vms)

    def vm_statistics(self, vm_uuid: UUID) -> VmStatistics:
        """See `IVmDiagnostics.vm_statistics`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            measures = self._metrics.read(vm.record["uuid"])
            return _statistics(vm, measures, self._devices())

    def device_metadata(self, vm_uuid: UUID) -> tuple[DeviceMetadata, ...]:
        """See `IDeviceMetadata.device_metadata`."""
        with self._session.operation(f"VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            vbds, vifs = self._cache.rows("VBD"), self._cache.rows("VIF")
            disks = (translate.disk_metadata(vbds[ref]) for ref in vm.record["VBDs"] if ref in vbds)
            nics = (translate.nic_metadata(vifs[ref]) for ref in vm.record["VIFs"] if ref in vifs)
            return tuple(device for device in (*disks, *nics) if device is not None)

    def _devices(self) -> _Devices:
        names = ("VM_metrics", "VBD", "VIF", "VDI")
        return {name: self._cache.rows(name) for name in names}


_Devices = dict[str, Rows]


def _statistics(vm: Found, measures: Measures, devices: _Devices) -> VmStatistics:
    vbds, vifs, vdis = devices["VBD"], devices["VIF"], devices["VDI"]
    metrics = devices["VM_metrics"].get(vm.record["metrics"])
    disks = [
        (vbds[ref], vdis[vbds[ref]["VDI"]])
        for ref in vm.record["VBDs"]
        if ref in vbds and vbds[ref]["VDI"] in vdis
    ]
    nics = [vifs[ref] for ref in vm.record["VIFs"] if ref in vifs]
    return translate.vm_statistics(vm.mark, vm.record, metrics, measures, disks, nics)
