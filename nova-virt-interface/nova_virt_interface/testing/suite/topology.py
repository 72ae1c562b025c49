"""What the host is made of."""

from __future__ import annotations

from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.topology import HostTopology, PciDeviceKind

__all__ = ["TopologySuite"]


class TopologySuite(HypervisorMixin):
    """`IHostTopology`."""

    def _topology(self) -> HostTopology:
        found: HostTopology = self.requires(IHostTopology).topology()
        return found

    def test_cells_have_all_processors_once(self) -> None:
        found = self._topology()
        cpus = [cpu for cell in found.cells for cpu in cell.cpus]
        self.assertEqual(len(set(cpus)), len(cpus))
        if found.cells:
            self.assertEqual(self.hypervisor.inventory().vcpus, len(cpus))
        for cell in found.cells:
            together = {cpu for siblings in cell.siblings for cpu in siblings}
            self.assertLessEqual(together, set(cell.cpus))
            self.assertIn(len(cell.distances), (0, len(found.cells)))
        self.assertTrue(found.cpu.model)
        self.assertEqual(sorted(set(found.cpu.features)), list(found.cpu.features))

    def test_parts_belong_to_something_that_is_there(self) -> None:
        found = self._topology()
        addresses = {device.address for device in found.pci_devices}
        self.assertEqual(len(addresses), len(found.pci_devices))
        for device in found.pci_devices:
            is_part = device.kind is PciDeviceKind.VIRTUAL_FUNCTION
            self.assertEqual(is_part, device.parent_address is not None, device.address)
            self.assertIn(device.parent_address, addresses | {None})
        cells = {cell.cell for cell in found.cells} | {None}
        homes = {device.numa_cell for device in found.pci_devices}
        homes |= {gpu.numa_cell for gpu in found.virtual_gpu_types}
        self.assertLessEqual(homes, cells)
        for gpu in found.virtual_gpu_types:
            self.assertTrue(0 <= (gpu.available or 0) <= gpu.total, gpu)

    @rules("TOPO-1", "TOPO-2")
    def test_it_stays_the_same_at_the_same_cost(self) -> None:
        def cost() -> tuple[int, HostTopology]:
            before = self.harness.round_trips()
            found = self._topology()
            return self.harness.round_trips() - before, found

        cost()
        questions, first = cost()
        for _ in range(3):
            self.running()
        again, second = cost()
        self.assertEqual(questions, again)
        self.assertEqual([cell.cpus for cell in first.cells], [cell.cpus for cell in second.cells])
        self.assertEqual(
            [device.address for device in first.pci_devices],
            [device.address for device in second.pci_devices],
        )
