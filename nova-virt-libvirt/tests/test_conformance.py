"""Both backends of the driver adopt the contract's suite."""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite

from nova_virt_libvirt.testing.harness import QemuHarness, TestDriverHarness


class TestQemu(HypervisorSuite, HypervisorTestCase):
    """Real guests under QEMU, in software emulation."""

    harness_class = QemuHarness
    provides_file = Path(__file__).with_name("provides.toml")


class TestTestDriver(HypervisorSuite, HypervisorTestCase):
    """libvirt's own test driver."""

    harness_class = TestDriverHarness
    provides_file = Path(__file__).with_name("provides.toml")
