"""What vSphere measures, as contract values."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from pyVmomi import vim

from nova_virt_vmware import measures
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.topology import host_topology

VM_UUID = UUID(int=1)
QUICK = "summary.quickStats."


def vm(state: str = "poweredOn", facts: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"runtime.powerState": state, "runtime.connectionState": "connected"} | (facts or {})


class TestVms(testtools.TestCase):
    """What is not measured is None."""

    def test_a_stopped_vm_uses_nothing_that_was_measured(self) -> None:
        old = {f"{QUICK}{name}": 0 for name in ("hostMemoryUsage", "overallCpuUsage")}
        facts = vm("poweredOff") | old
        facts |= {"config.hardware.memoryMB": 2, "runtime.maxCpuUsage": 9}
        found = measures.vm_statistics(facts, VM_UUID)
        self.assertEqual((2 * 1024**2, None), (found.memory_bytes, found.memory_used_bytes))
        self.assertEqual((None, None), (found.cpu_time_ns, found.cpu_load))

    @settings(deadline=None)
    @given(st.integers(0, 10**6), st.integers(0, 10**6))
    def test_a_load_is_a_share(self, used: int, capacity: int) -> None:
        facts = vm(facts={f"{QUICK}overallCpuUsage": used, "runtime.maxCpuUsage": capacity})
        load = measures.vm_statistics(facts, VM_UUID).cpu_load
        self.assertEqual(capacity == 0, load is None)
        self.assertTrue(load is None or 0.0 <= load <= 1.0)

    def test_a_guest_finds_disks_on_scsi_alone(self) -> None:
        kind = vim.vm.device
        hardware = [
            kind.ParaVirtualSCSIController(key=1000, busNumber=0),
            kind.VirtualLsiLogicController(key=1001, busNumber=1),
            kind.VirtualAHCIController(key=1500, busNumber=0),
        ]
        slots = {"a": Slot("pvscsi", 3), "b": Slot("lsilogic", 0), "c": Slot("sata", 1)}
        found = {d.key: d.address for d in measures.device_metadata(slots, hardware)}
        self.assertEqual({"a": "0:0:3:0", "b": "1:0:0:0"}, found)


class TestHosts(testtools.TestCase):
    """A compute node of one host or of several."""

    def _host(self, used: int | None = 500, hz: int = 10**9, uptime: int = 7) -> dict[str, Any]:
        facts: dict[str, Any] = {
            f"{QUICK}uptime": uptime,
            "hardware.cpuInfo.hz": hz,
            "hardware.cpuInfo.numCpuCores": 2,
            "runtime.connectionState": "connected",
        }
        return facts | ({} if used is None else {f"{QUICK}overallCpuUsage": used})

    def test_one_host_tells_its_own(self) -> None:
        found = measures.host_status([self._host()])
        self.assertEqual(
            (7, 0.25, 10**9), (found.uptime_seconds, found.cpu_load, found.cpu_frequency_hz)
        )

    def test_a_cluster_has_a_load_but_no_uptime(self) -> None:
        found = measures.host_status([self._host(), self._host(used=1500, hz=3 * 10**9)])
        self.assertEqual(
            (None, 0.25, None), (found.uptime_seconds, found.cpu_load, found.cpu_frequency_hz)
        )
        self.assertIsNone(measures.host_status([self._host(), self._host(used=None)]).cpu_load)

    def test_a_host_that_is_away_does_not_count(self) -> None:
        away = self._host() | {"runtime.connectionState": "notResponding"}
        self.assertIsNone(measures.host_status([away]).cpu_load)
        self.assertEqual(0.25, measures.host_status([away, self._host()]).cpu_load)

    def test_only_devices_that_a_guest_can_be_given_are_told(self) -> None:
        host = vim.host
        ids = ("0000:00:01.0", "0000:00:0A.0", "0000:00:03.0")
        facts = {
            "hardware.cpuInfo": host.CpuInfo(
                numCpuPackages=1, numCpuCores=2, numCpuThreads=4, hz=10**9
            ),
            "hardware.cpuPkg": [
                host.CpuPackage(vendor="intel", description="A  CPU ", threadId=[0, 1])
            ],
            "hardware.pciDevice": [
                host.PciDevice(id=id, vendorId=-32634, deviceId=5379) for id in ids
            ],
            "config.pciPassthruInfo": [
                host.PciPassthruInfo(id=ids[0], passthruCapable=False),
                host.PciPassthruInfo(id=ids[1], passthruCapable=True),
                host.SriovInfo(id=ids[2], passthruCapable=False, sriovCapable=True),
            ],
        }
        found = host_topology(facts)
        self.assertEqual((2, 2), (found.cpu.cores_per_socket, found.cpu.threads_per_core))
        told = [(d.address, d.vendor_id, d.kind.value) for d in found.pci_devices]
        expected = [
            ("0000:00:0a.0", "8086", "standard"),
            ("0000:00:03.0", "8086", "physical-function"),
        ]
        self.assertEqual(expected, told)
