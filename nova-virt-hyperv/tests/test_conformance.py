"""The driver adopts the contract's suite."""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite

from nova_virt_hyperv.testing.harness import SimulatorHarness


class TestSimulator(HypervisorSuite, HypervisorTestCase):
    """The driver on a simulated Hyper-V host."""

    harness_class = SimulatorHarness
    provides_file = Path(__file__).with_name("provides.toml")
