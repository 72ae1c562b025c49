"""What there is to know of one VM."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import NotFound, Resource
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, blank_disk, nic
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import VmStatistics

__all__ = ["DiagnosticsSuite"]


class DiagnosticsSuite(HypervisorMixin):
    """vm_statistics, device_metadata."""

    @rules("DIAG-1", "STAT-2")
    def test_one_vm_is_measured_as_all_are(self) -> None:
        self.requires(IVmDiagnostics)
        vm_uuid = self.running(nics=(nic(self.harness),))
        before = self._in_bulk(vm_uuid)
        found = self.hypervisor.vm_statistics(vm_uuid)
        after = self._in_bulk(vm_uuid)
        self.assertEqual(vm_uuid, found.vm_uuid)
        self.assertEqual(PowerState.RUNNING, found.power_state)
        self.assertEqual(before.vcpus, found.vcpus)
        self.assertEqual(before.memory_bytes, found.memory_bytes)
        for field in ("cpu_time_ns", "uptime_seconds"):
            first, last = getattr(before, field), getattr(after, field)
            if first is not None:
                self.assertTrue(first <= getattr(found, field) <= last, field)
        for devices in ("disks", "nics"):
            in_bulk = {device.key for device in getattr(before, devices)}
            self.assertLessEqual(in_bulk, {device.key for device in getattr(found, devices)})
        self.assertLessEqual({disk.key for disk in found.disks}, {"data"})

    def _in_bulk(self, vm_uuid: UUID) -> VmStatistics:
        everything: tuple[VmStatistics, ...] = self.hypervisor.statistics()
        [entry] = [entry for entry in everything if entry.vm_uuid == vm_uuid]
        return entry

    @rules("DIAG-1")
    def test_what_is_measured_of_one_vm_fits_it(self) -> None:
        self.requires(IVmDiagnostics)
        vm_uuid = self.running()
        found = self.hypervisor.vm_statistics(vm_uuid)
        self.assertEqual(1, found.vcpus or 1)
        self.assertLessEqual(found.memory_bytes or 1, self.harness.memory_bytes)
        self.assertLessEqual(len(found.vcpu_times_ns), 1)
        self.assertTrue(found.cpu_load is None or 0.0 <= found.cpu_load <= 1.0, found)
        sizes = {disk.key: disk.size_bytes for disk in found.disks if disk.size_bytes is not None}
        self.assertLessEqual(sizes.items(), {"data": self.harness.disk_bytes}.items())

    @rules("DIAG-1")
    def test_of_a_vm_that_does_not_run_there_is_its_state(self) -> None:
        self.requires(IVmDiagnostics)
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        found = self.hypervisor.vm_statistics(vm_uuid)
        self.assertEqual(PowerState.STOPPED, found.power_state)
        for field in ("cpu_time_ns", "uptime_seconds", "cpu_load", "memory_used_bytes"):
            self.assertIsNone(getattr(found, field), field)

    @rules("DIAG-1")
    def test_one_vm_costs_the_same_among_many(self) -> None:
        self.requires(IVmDiagnostics)
        vm_uuid = self.running()

        def cost() -> int:
            self.hypervisor.vm_statistics(vm_uuid)
            before = self.harness.round_trips()
            self.hypervisor.vm_statistics(vm_uuid)
            return self.harness.round_trips() - before

        alone = cost()
        for _ in range(5):
            self.made()
        self.assertEqual(alone, cost())

    @rules("DIAG-2")
    def test_every_device_is_where_the_guest_finds_it(self) -> None:
        self.requires(IDeviceMetadata)
        disks = (blank_disk(self.harness, "data"), blank_disk(self.harness, "more"))
        cards = (nic(self.harness, 1), nic(self.harness, 2))
        vm_uuid = self.running(disks=disks, nics=cards)
        found = {device.key: device for device in self.hypervisor.device_metadata(vm_uuid)}
        self.assertTrue(found)
        self.assertLessEqual(found.keys(), {"data", "more", "nic-1", "nic-2"})
        addresses = {key: device.address for key, device in found.items()}
        self.assertEqual(self.harness.device_addresses(vm_uuid), addresses)
        places = {(device.bus, device.address) for device in found.values()}
        self.assertEqual(len(found), len(places), "two devices are in one place")
        macs = {key: device.mac for key, device in found.items()}
        expected = {card.key: card.mac for card in cards} | {disk.key: None for disk in disks}
        self.assertLessEqual(macs.items(), expected.items())

    @rules("DIAG-2")
    def test_devices_are_found_again_after_a_restart(self) -> None:
        self.requires(IDeviceMetadata)
        vm_uuid = self.running(nics=(nic(self.harness),))
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        keys = {device.key for device in self.hypervisor.device_metadata(vm_uuid)}
        self.assertLessEqual(keys, {"data", "nic-1"})
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        found = self.hypervisor.device_metadata(vm_uuid)
        expected = self.harness.device_addresses(vm_uuid)
        self.assertEqual(expected, {device.key: device.address for device in found})

    @rules("ID-2")
    def test_what_is_not_ours_has_no_diagnostics(self) -> None:
        questions = {IVmDiagnostics: "vm_statistics", IDeviceMetadata: "device_metadata"}
        asked = [
            name
            for interface, name in questions.items()
            if interface.providedBy(self.tracker.connection)
        ]
        if not asked:
            self.requires(*questions)
        foreign = self.new_uuid()
        with self.harness.foreign_vm(foreign):
            for name in asked:
                for vm_uuid in (foreign, self.new_uuid()):
                    with self.refused(NotFound, Resource.VM):
                        getattr(self.hypervisor, name)(vm_uuid)
