"""What the tests that need a pool share."""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar
from uuid import UUID, uuid4

import testtools
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import started
from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage, Media, MediaFormat
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.hypervisor import XenApiFactory
from nova_virt_xenapi.testing.harness import SimulatorHarness
from nova_virt_xenapi.testing.process import Simulator

__all__ = [
    "HEARD_SECONDS",
    "MIB",
    "InPoolHarness",
    "OperationTestCase",
    "PoolTestCase",
    "SimulatorTestCase",
]

MIB = 1024 * 1024
HEARD_SECONDS = 0.3
"""The driver has heard by now of what somebody did."""


class SimulatorTestCase(testtools.TestCase):
    """A test with a simulator of its class's own."""

    hosts: ClassVar[int] = 1
    simulator: ClassVar[Simulator]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.simulator = Simulator(cls.hosts)
        cls.addClassCleanup(cls.simulator.stop)

    def connect(self, **changes: Any) -> Any:
        """A connection, closed after the test."""
        self.services = SuiteServices()
        connection = XenApiFactory().connect(self.simulator.settings(**changes), self.services)
        self.addCleanup(connection.close)
        self.addCleanup(self.simulator.ask, "clear_faults")
        return connection

    def fault(self, method: str, action: str, **more: Any) -> None:
        """Let something go wrong with a method."""
        self.simulator.ask("fault", method=method, action=action, **more)

    def calls(self) -> dict[str, int]:
        """How often each method was called, without the event loop's question."""
        calls: dict[str, int] = self.simulator.ask("calls")
        calls.pop("event.from", None)
        return calls


class InPoolHarness(SimulatorHarness):
    """VMs go to another host of the same pool."""

    def second_settings(self) -> Settings:
        """See `Harness`."""
        self.set_speed(0)
        records = {
            name: self.simulator.ask("records", class_name=name) for name in ("host", "SR", "PBD")
        }
        [other] = [ref for ref, row in records["host"].items() if row["name_label"] == "xcp-1"]
        [storage] = [
            records["SR"][row["SR"]]["uuid"]
            for row in records["PBD"].values()
            if row["host"] == other and not records["SR"][row["SR"]]["shared"]
        ]
        return self.simulator.settings(host="xcp-1", storage_repository=storage)


class PoolTestCase(testtools.TestCase):
    """A test on the conformance suite's pool, with an image in the source."""

    harness_class: ClassVar[type[SimulatorHarness]] = SimulatorHarness

    def setUp(self) -> None:
        super().setUp()
        harness = started(self.harness_class)
        assert isinstance(harness, SimulatorHarness)
        self.harness = harness
        self.simulator = self.harness.simulator
        self.services = SuiteServices()
        self.services.images.add("image-1", self.harness.image().path)
        self.addCleanup(self.simulator.ask, "clear_faults")
        self.driver: Any = XenApiFactory().connect(self.harness.settings(), self.services)
        self.addCleanup(self.driver.close)
        self.vm_uuid = uuid4()
        self.before = self.objects()

    def objects(self) -> frozenset[str]:
        """What exists, without tasks: xapi collects those of lost replies itself."""
        return frozenset(name for name in self.harness.leftovers() if not name.startswith("task"))

    def image_request(self) -> CacheImageRequest:
        """Of the image in the source."""
        size = self.harness.image().virtual_size_bytes
        return CacheImageRequest(key="image-1", format=self.harness.image().format, size_bytes=size)

    def spec(self, **changes: Any) -> VmSpec:
        """A VM with a disk of each kind, and a NIC."""
        fields: dict[str, Any] = {
            "name": "pool test",
            "vcpus": 1,
            "memory_bytes": 128 * MIB,
            "disks": (
                DiskSpec(key="blank", source=Blank(), size_bytes=4 * MIB),
                DiskSpec(
                    key="root",
                    source=FromImage(image_key="image-1"),
                    size_bytes=6 * MIB,
                    boot_index=0,
                ),
                DiskSpec(
                    key="config-drive",
                    source=Media(format=MediaFormat.ISO9660, content=os.urandom(700)),
                ),
            ),
            "nics": (self.nic("nic-1", 1),),
        }
        return VmSpec(**fields | changes)

    def nic(self, key: str, number: int) -> NicSpec:
        """A NIC on the pool's second network."""
        backing = NicBacking(kind=NicBackingKind.NETWORK, name="second network")
        return NicSpec(key=key, mac=f"52:54:00:00:00:{number:02x}", backing=backing)

    def free(self, vm_uuid: UUID) -> None:
        """Delete what a test made."""
        self.driver.delete_vm(vm_uuid, DeleteVmRequest())
        self.driver.delete_cached_image(DeleteImageRequest(key="image-1"))


class OperationTestCase(PoolTestCase):
    """A test with a VM that it may make."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.free, self.vm_uuid)

    def make(self, **changes: object) -> None:
        self.driver.cache_image(self.image_request())
        self.driver.create_vm(self.vm_uuid, self.spec(**changes))

    def start(self) -> None:
        self.driver.start_vm(self.vm_uuid, StartRequest())

    def record(self) -> tuple[str, dict[str, object]]:
        for ref, record in self.simulator.ask("records", class_name="VM").items():
            if record["other_config"].get("nova-virt-vm") == str(self.vm_uuid):
                return ref, record
        raise AssertionError("no VM")

    def operator(self, method: str, *parameters: object) -> object:
        """Let somebody else make a call, who is not so fast that the driver has not heard of it."""
        result = self.simulator.ask("call", method=method, parameters=list(parameters))
        time.sleep(HEARD_SECONDS)
        return result

    def state(self) -> PowerState:
        state: PowerState = self.driver.get_vm(self.vm_uuid).power_state
        return state
