"""What placement is told of a host."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import uuid4

import testtools
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.hypervisor import ReferenceFactory
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.topology import VirtualGpuType

from nova_core_stub.library_driver.driver import LibraryDriver


class ProvidersTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.name = f"host-{uuid4()}"
        factory = ReferenceFactory()
        self.hypervisor: Any = factory.connect(Settings(host=self.name), SuiteServices())
        self.addCleanup(self.hypervisor.close)

    def test_traits_are_what_the_host_offers_in_placements_names(self) -> None:
        node = LibraryDriver(self.hypervisor).get_provider_tree().providers[0]
        self.assertEqual(self.name, node.name)
        for trait in (
            "COMPUTE_NODE",
            "COMPUTE_NET_ATTACH_INTERFACE",
            "COMPUTE_IMAGE_TYPE_RAW",
            "COMPUTE_NET_VIF_MODEL_VIRTIO",
            "COMPUTE_STORAGE_BUS_VIRTIO",
            "HW_CPU_X86_AVX2",
        ):
            self.assertIn(trait, node.traits)
        self.assertNotIn("COMPUTE_IMAGE_TYPE_QCOW2", node.traits)

    def test_a_feature_that_placement_has_no_name_for_is_no_trait(self) -> None:
        topology = self.hypervisor.topology()
        cpu = dataclasses.replace(topology.cpu, features=("never-heard-of-it",))
        self.hypervisor.topology = lambda: dataclasses.replace(topology, cpu=cpu)
        node = LibraryDriver(self.hypervisor).get_provider_tree().providers[0]
        self.assertEqual([], [trait for trait in node.traits if "NEVER" in trait])

    def test_a_gpu_counts_once_whatever_it_can_be_cut_into(self) -> None:
        topology = self.hypervisor.topology()
        gpus = tuple(
            VirtualGpuType(parent="gpu-0", type_name=name, total=total)
            for name, total in (("half", 2), ("quarter", 4))
        )
        self.hypervisor.topology = lambda: dataclasses.replace(topology, virtual_gpu_types=gpus)
        _, gpu = LibraryDriver(self.hypervisor).get_provider_tree().providers
        self.assertEqual(f"{self.name}_gpu-0", gpu.name)
        self.assertEqual([4], [inventory.total for inventory in gpu.inventories])
