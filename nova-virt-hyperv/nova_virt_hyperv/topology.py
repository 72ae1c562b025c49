"""What the host is made of."""

from __future__ import annotations

from nova_virt_interface.errors import BackendError
from nova_virt_interface.values.topology import CpuDescription, HostTopology, NumaCell

from nova_virt_hyperv.cim import CIMV2, Instance, Reference, equals, object_path, select
from nova_virt_hyperv.machines import Services
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Topology"]

_MHZ = 1_000_000


class Topology:
    """The processors and NUMA nodes of one host. Windows tells no processor features by WMI."""

    def __init__(self, wmi: Wmi, services: Services) -> None:
        self._wmi = wmi
        self._host = services.host_name

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`. A request for each NUMA node, and three."""
        processors = self._wmi.query(select("Win32_Processor"), CIMV2)
        nodes = self._wmi.query(select("Msvm_NumaNode"))
        memory = {
            row.text("DeviceID"): (row.number("NumberOfBlocks") or 0)
            * (row.number("BlockSize") or 0)
            for row in self._wmi.query(select("Msvm_Memory", equals("SystemName", self._host)))
        }
        cells = [self._cell(node, memory) for node in nodes]
        return HostTopology(
            cpu=_cpu(processors), cells=tuple(sorted(cells, key=lambda cell: cell.cell))
        )

    def _cell(self, node: Instance, memory: dict[str, int]) -> NumaCell:
        keys = tuple((key, node.text(key)) for key in ("InstanceID",) if node.text(key))
        path = object_path(self._host, Reference("Msvm_NumaNode", keys))
        # The processors themselves are not asked for: vmms of 2012 crashed at that.
        joints = self._wmi.query(
            f"REFERENCES OF {{{path}}} WHERE ResultClass = Msvm_HostedDependency"
        )
        devices = [
            found
            for joint in joints
            for name in ("Antecedent", "Dependent")
            for found in joint.references(name)
        ]
        cpus = [_number(found) for found in devices if found.class_name == "Msvm_Processor"]
        return NumaCell(
            cell=int(node.text("NodeID").rpartition("\\")[2]),
            cpus=tuple(sorted(cpus)),
            memory_bytes=sum(
                memory.get(found.key("DeviceID"), 0)
                for found in devices
                if found.class_name == "Msvm_Memory"
            ),
        )


def _number(processor: Reference) -> int:
    return int(processor.key("DeviceID").rpartition("\\")[2])


def _cpu(processors: list[Instance]) -> CpuDescription:
    if not processors:
        raise BackendError("the host does not describe its processors")
    first = processors[0]
    cores, threads = (
        first.number("NumberOfCores"),
        first.number("NumberOfLogicalProcessors"),
    )
    speed = first.number("MaxClockSpeed")
    return CpuDescription(
        model=first.text("Name").strip() or "unknown",
        vendor=first.text("Manufacturer"),
        sockets=len(processors),
        cores_per_socket=cores,
        threads_per_core=threads // cores if cores and threads else None,
        frequency_hz=speed * _MHZ if speed else None,
    )
