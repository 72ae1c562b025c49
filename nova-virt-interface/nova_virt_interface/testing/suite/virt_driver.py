"""All that a driver of the upper level is tested for, and core's adapter with each driver below."""

from __future__ import annotations

from nova_virt_interface.testing.suite.instance_migration import InstanceMigrationSuite
from nova_virt_interface.testing.suite.instance_power import InstancePowerSuite
from nova_virt_interface.testing.suite.instance_recovery import InstanceRecoverySuite
from nova_virt_interface.testing.suite.instance_resize import InstanceResizeSuite
from nova_virt_interface.testing.suite.instances import InstanceSuite
from nova_virt_interface.testing.suite.providers import ProviderSuite
from nova_virt_interface.testing.suite.rescue import RescueSuite

__all__ = ["VirtDriverSuite"]


class VirtDriverSuite(
    InstanceSuite,
    InstancePowerSuite,
    InstanceResizeSuite,
    RescueSuite,
    InstanceRecoverySuite,
    InstanceMigrationSuite,
    ProviderSuite,
):
    """`IVirtDriver` and its optional interfaces. A driver adopts this one class."""
