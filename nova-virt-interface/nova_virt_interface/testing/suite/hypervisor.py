"""All that a driver of the lower level is tested for."""

from __future__ import annotations

from nova_virt_interface.testing.suite.cold_migration import ColdMigrationSuite
from nova_virt_interface.testing.suite.console import ConsoleSuite
from nova_virt_interface.testing.suite.diagnostics import DiagnosticsSuite
from nova_virt_interface.testing.suite.disk_details import DiskDetailSuite
from nova_virt_interface.testing.suite.disks import DiskSuite
from nova_virt_interface.testing.suite.events import EventSuite
from nova_virt_interface.testing.suite.export import ExportSuite
from nova_virt_interface.testing.suite.guests import GuestSuite
from nova_virt_interface.testing.suite.host import HostSuite
from nova_virt_interface.testing.suite.host_controls import HostControlSuite
from nova_virt_interface.testing.suite.images import ImageSuite
from nova_virt_interface.testing.suite.lifecycle import LifecycleSuite
from nova_virt_interface.testing.suite.migration import MigrationSuite
from nova_virt_interface.testing.suite.migration_control import (
    MigrationControlSuite,
    MigrationOutageSuite,
)
from nova_virt_interface.testing.suite.nics import NicSuite
from nova_virt_interface.testing.suite.open_console import OpenConsoleSuite
from nova_virt_interface.testing.suite.pausing import PausingSuite
from nova_virt_interface.testing.suite.power import PowerSuite
from nova_virt_interface.testing.suite.recovery import RecoverySuite
from nova_virt_interface.testing.suite.refusals import RefusalSuite
from nova_virt_interface.testing.suite.resize import ResizeSuite
from nova_virt_interface.testing.suite.settings import SettingsSuite
from nova_virt_interface.testing.suite.shares import ShareSuite
from nova_virt_interface.testing.suite.starting_secrets import StartingSecretsSuite
from nova_virt_interface.testing.suite.static import StaticSuite
from nova_virt_interface.testing.suite.topology import TopologySuite
from nova_virt_interface.testing.suite.volume_changes import VolumeChangeSuite
from nova_virt_interface.testing.suite.volume_secrets import VolumeSecretSuite
from nova_virt_interface.testing.suite.volumes import VolumeSuite

__all__ = ["HypervisorSuite"]


class HypervisorSuite(
    LifecycleSuite,
    PowerSuite,
    PausingSuite,
    StartingSecretsSuite,
    HostSuite,
    HostControlSuite,
    ImageSuite,
    DiskSuite,
    DiskDetailSuite,
    ExportSuite,
    ShareSuite,
    VolumeSuite,
    VolumeChangeSuite,
    VolumeSecretSuite,
    NicSuite,
    RefusalSuite,
    ConsoleSuite,
    OpenConsoleSuite,
    GuestSuite,
    DiagnosticsSuite,
    EventSuite,
    SettingsSuite,
    StaticSuite,
    TopologySuite,
    ResizeSuite,
    RecoverySuite,
    MigrationSuite,
    MigrationControlSuite,
    MigrationOutageSuite,
    ColdMigrationSuite,
):
    """`IHypervisor` and its optional interfaces. A driver adopts this one class."""
