"""The contract's suites of migration between two hosts of one pool; `test_conformance` has two
pools.
"""

from __future__ import annotations

from pathlib import Path

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.suite.cold_migration import ColdMigrationSuite
from nova_virt_interface.testing.suite.migration import MigrationSuite
from nova_virt_interface.testing.suite.migration_control import MigrationControlSuite

from .pools import InPoolHarness


class TestInPool(MigrationSuite, MigrationControlSuite, ColdMigrationSuite, HypervisorTestCase):
    """Hosts with storage of their own, and with one storage."""

    harness_class = InPoolHarness
    provides_file = Path(__file__).parents[1] / "provides.toml"
