"""The reference driver adopts the contract's suite."""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase, VirtDriverTestCase
from nova_virt_interface.testing.reference import ReferenceDirectHarness, ReferenceHarness
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite


class TestReference(HypervisorSuite, HypervisorTestCase):
    """The reference driver on a host in memory."""

    harness_class = ReferenceHarness
    provides_file = Path(__file__).with_name("provides.toml")


class TestReferenceDirect(VirtDriverSuite, VirtDriverTestCase):
    """The reference driver that provides the upper level itself."""

    harness_class = ReferenceDirectHarness
    provides_file = Path(__file__).with_name("provides.toml")
    adapt = staticmethod(lambda connection, services: connection)
