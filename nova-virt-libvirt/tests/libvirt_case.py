"""What the tests share: the suite's own steps, and libvirt behind the driver's back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from nova_virt_interface.testing.case import HypervisorTestCase
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import HypervisorMixin

from nova_virt_libvirt.testing.harness import LibvirtHarness, QemuHarness, TestDriverHarness

_Answer = TypeVar("_Answer")


class LibvirtTestCase(HypervisorMixin, HypervisorTestCase):
    harness: LibvirtHarness
    provides_file = Path(__file__).with_name("provides.toml")

    def connected(self, **changes: Any) -> Any:
        """A further connection, with settings of its own; it is closed after the test."""
        settings = dataclasses.replace(self.harness.settings(), **changes)
        connection = self.harness.factory().connect(settings, SuiteServices())
        self.addCleanup(connection.close)
        return connection

    def behind(self, look: Callable[[Any], _Answer]) -> _Answer:
        """Ask libvirt by a connection of one's own, which ends with the answer."""
        with self.harness.looking() as connection:
            return look(connection)

    def domain(self, vm_uuid: UUID, act: Callable[[Any], _Answer]) -> _Answer:
        """Do something to a domain, as an operator would."""
        return self.behind(lambda connection: act(connection.lookupByUUIDString(str(vm_uuid))))


class TestDriverTestCase(LibvirtTestCase):
    __test__ = False
    harness_class = TestDriverHarness


class QemuTestCase(LibvirtTestCase):
    harness_class = QemuHarness
    harness: QemuHarness
