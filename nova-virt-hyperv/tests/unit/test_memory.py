"""Memory that is all there from the start, and memory that comes when a guest needs it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.guest_settings import GuestNumaCell, GuestSettings, VmFeature
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.resize import ConfirmResizeRequest, ResizeVmRequest

from nova_virt_hyperv.settings import startup_memory_mib
from nova_virt_hyperv.testing.harness import SimulatorHarness

from .backend import MIB, BackendTestCase


class TestStartupMemory(testtools.TestCase):
    @given(st.integers(min_value=16, max_value=2**22), st.floats(min_value=1, max_value=100))
    def test_it_is_what_hyper_v_can_give(self, steps: int, ratio: float) -> None:
        most = 2 * steps
        found = startup_memory_mib(most * MIB, ratio)
        self.assertTrue(32 <= found <= most and found % 2 == 0, found)
        self.assertEqual(most, startup_memory_mib(most * MIB, 1.0))


def memory_of(harness: SimulatorHarness, vm_uuid: UUID) -> list[Any]:
    """Whether a VM's memory is dynamic, its least, what it starts with, and its most."""
    [found] = [row["memory"] for row in harness.vm(vm_uuid)["resources"] if row["memory"]]
    return list(found)


class TestStaticMemory(BackendTestCase):
    def test_all_of_it_is_there(self) -> None:
        self.assertEqual([False, 64, 64, 64], memory_of(self.harness, self.made()))


class TestDynamicMemory(BackendTestCase):
    dynamic_memory_ratio = 2.0

    def used_mib(self, vm_uuid: UUID) -> tuple[Any, Any]:
        [found] = [vm for vm in self.hypervisor.statistics() if vm.vm_uuid == vm_uuid]
        return found.memory_bytes // MIB, found.memory_used_bytes // MIB

    def test_a_vm_starts_with_its_part_and_gets_more(self) -> None:
        free = self.hypervisor.inventory().memory_free_bytes
        vm_uuid = self.made(memory_bytes=256 * MIB)
        self.assertEqual([True, 128, 128, 256], memory_of(self.harness, vm_uuid))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assertEqual((128, 128), self.used_mib(vm_uuid))
        guid = self.harness.vm(vm_uuid)["guid"]
        self.harness.control("assign_memory", guid=guid, mib=200)
        self.assertEqual((200, 200), self.used_mib(vm_uuid))
        inventory = self.hypervisor.inventory()
        self.assertEqual(200 * MIB, free - inventory.memory_free_bytes)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(free, self.hypervisor.inventory().memory_free_bytes)

    def test_a_resize_keeps_it(self) -> None:
        vm_uuid = self.made(memory_bytes=256 * MIB)
        request = ResizeVmRequest(spec=self.spec(memory_bytes=66 * MIB))
        self.hypervisor.resize_vm(vm_uuid, request)
        self.assertEqual([True, 32, 32, 66], memory_of(self.harness, vm_uuid))
        self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())

    def test_a_vm_of_it_has_no_numa_cells(self) -> None:
        self.assertNotIn(VmFeature.NUMA, self.hypervisor.describe().features)
        cell = GuestNumaCell(vcpus=(0,), memory_bytes=64 * MIB)
        spec = self.spec(settings=GuestSettings(numa_cells=(cell,)))
        error = self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
        self.assertEqual("settings.numa_cells", error.field)
