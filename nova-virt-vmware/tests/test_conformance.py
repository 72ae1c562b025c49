"""The driver adopts the contract's suite."""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite

from nova_virt_vmware.testing.harness import EsxHarness, VcsimHarness


class TestVcsim(HypervisorSuite, HypervisorTestCase):
    """The driver on vcsim."""

    harness_class = VcsimHarness
    provides_file = Path(__file__).with_name("provides.toml")


class TestEsx(HypervisorSuite, HypervisorTestCase):
    """The driver on a standalone ESXi."""

    harness_class = EsxHarness
    provides_file = Path(__file__).with_name("provides.toml")
