"""The reference driver adopts the contract's suite."""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.reference import ReferenceHarness
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite


class TestReference(HypervisorSuite, HypervisorTestCase):
    """The reference driver on a host in memory."""

    harness_class = ReferenceHarness
    provides_file = Path(__file__).with_name("provides.toml")
