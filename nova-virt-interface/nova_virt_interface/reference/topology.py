"""What a host in memory is made of."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.reference.errors import translated
from nova_virt_interface.values.topology import (
    CpuDescription,
    HostTopology,
    NumaCell,
    PciDevice,
    PciDeviceKind,
    VirtualGpuType,
)

__all__ = ["TopologyPart"]

_CELLS = 2
_CARD = "0000:3b:00.0"
_GPU_PARTS = 4


class TopologyPart:
    """`IHostTopology` of the reference driver."""

    _host: Any

    def topology(self) -> HostTopology:
        """See `IHostTopology`."""
        with translated():
            memory_free, _ = self._host.resources()
        each = self._host.vcpus // _CELLS
        cells = tuple(
            NumaCell(
                cell=number,
                cpus=tuple(range(number * each, (number + 1) * each)),
                memory_bytes=self._host.memory_bytes // _CELLS,
                distances=tuple(10 if number == other else 20 for other in range(_CELLS)),
            )
            for number in range(_CELLS)
        )
        gpu = VirtualGpuType(
            parent="gpu-0", type_name="quarter", total=_GPU_PARTS, available=_GPU_PARTS, numa_cell=0
        )
        return HostTopology(
            cpu=CpuDescription(model="reference", vendor="nobody", features=("avx2", "sse4_2")),
            cells=cells if memory_free >= 0 else (),
            pci_devices=_devices(),
            virtual_gpu_types=(gpu,),
        )


def _devices() -> tuple[PciDevice, ...]:
    card = PciDevice(
        address=_CARD,
        vendor_id="8086",
        product_id="1572",
        kind=PciDeviceKind.PHYSICAL_FUNCTION,
        numa_cell=0,
        network_interface="eth0",
    )
    functions = tuple(
        PciDevice(
            address=f"0000:3b:02.{number}",
            vendor_id="8086",
            product_id="154c",
            kind=PciDeviceKind.VIRTUAL_FUNCTION,
            parent_address=_CARD,
            numa_cell=0,
        )
        for number in range(2)
    )
    return (card, *functions)
