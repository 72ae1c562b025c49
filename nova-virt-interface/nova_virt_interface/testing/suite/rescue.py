"""Instances that do not boot any more."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._instances import InstanceMixin
from nova_virt_interface.values.instance_requests import RescueRequest, UnrescueRequest
from nova_virt_interface.values.instances import (
    DestroyRequest,
    GuestMetadata,
    Image,
    PowerOffRequest,
    PowerOnRequest,
    SpawnRequest,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.virt_driver.console import IConsoleOutput
from nova_virt_interface.virt_driver.rescue import IRescue

__all__ = ["RescueSuite"]

_BOOT_BYTES = 512


class RescueSuite(InstanceMixin):
    """rescue, unrescue."""

    def _rescue(self, request: SpawnRequest, image: Image | None = None) -> RescueRequest:
        return RescueRequest(
            image=image or self.image(),
            metadata=GuestMetadata(hostname="rescue-host"),
            instance=request,
        )

    def _off(self, instance_uuid: UUID) -> None:
        off = PowerOffRequest(graceful_timeout_seconds=0.0)
        self.virt_driver.power_off(instance_uuid, off)

    def _graceful_off(self, instance_uuid: UUID) -> None:
        off = PowerOffRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.virt_driver.power_off(instance_uuid, off)

    def _sizes(self, report: GuestReport) -> list[int]:
        return sorted(int(fact.split()[1]) for fact in report.all("disk"))

    @rules("RESC-1", "RESC-2", "RESC-3", "DISK-9")
    def test_an_instance_that_does_not_boot_is_rescued(self) -> None:
        self.requires(IRescue, IConsoleOutput)
        if not self.harness.image().boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        ports = (self.port(1),)
        instance_uuid, request = self.spawned(ports=ports)
        own = self._sizes(self.wait_ready(instance_uuid))
        self._graceful_off(instance_uuid)
        settings = self.harness.settings()
        boot = self.harness.read_disk(settings, instance_uuid, "root", _BOOT_BYTES)
        self.harness.write_disk(settings, instance_uuid, "root", bytes(_BOOT_BYTES))
        rescue = self._rescue(request)
        self.virt_driver.rescue(instance_uuid, rescue)
        report = self.wait_ready(instance_uuid)
        expected = ["rescue-host"] if request.config_drive else []
        self.assertEqual(expected, report.all("hostname"))
        self.assertEqual([port.mac for port in ports], report.all("mac"))
        more = self.harness.image().virtual_size_bytes
        self.assertEqual(sorted([*own, more]), self._sizes(report))
        self.virt_driver.rescue(instance_uuid, rescue)
        self._graceful_off(instance_uuid)
        self.virt_driver.unrescue(instance_uuid, UnrescueRequest(instance=request))
        self.assert_state(instance_uuid, PowerState.RUNNING)
        self._off(instance_uuid)
        self.harness.write_disk(settings, instance_uuid, "root", boot)
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        report = self.wait_ready(instance_uuid)
        expected = ["conformance-host"] if request.config_drive else []
        self.assertEqual(expected, report.all("hostname"))
        self.assertEqual(own, self._sizes(report))

    @rules("RESC-2", "RESC-3", "REP-1")
    def test_a_rescue_and_its_end_are_repeated_and_leave_nothing(self) -> None:
        self.requires(IRescue)
        instance_uuid, request = self.spawned()
        image = self.image()
        self.virt_driver.cache_image(image)
        before = self.harness.leftovers()
        for state in (PowerState.RUNNING, PowerState.STOPPED):
            if state is PowerState.STOPPED:
                self._off(instance_uuid)
            self.virt_driver.rescue(instance_uuid, self._rescue(request, image))
            in_rescue = self.harness.leftovers()
            self.assertNotEqual(before, in_rescue)
            self.assert_state(instance_uuid, PowerState.RUNNING)
            self.virt_driver.rescue(instance_uuid, self._rescue(request, image))
            self.assertEqual(in_rescue, self.harness.leftovers())
            self.virt_driver.spawn(instance_uuid, request)
            self.assertEqual(in_rescue, self.harness.leftovers())
            for _ in range(2):
                self.virt_driver.unrescue(instance_uuid, UnrescueRequest(instance=request))
                self.assert_state(instance_uuid, PowerState.RUNNING)
                self.assertEqual(before, self.harness.leftovers())

    @rules("RESC-2")
    def test_another_rescue_is_a_conflict(self) -> None:
        self.requires(IRescue)
        instance_uuid, request = self.spawned()
        self.virt_driver.rescue(instance_uuid, self._rescue(request))
        before = self.harness.leftovers()
        size = 2 * self.harness.image().virtual_size_bytes
        larger = dataclasses.replace(self.image(), min_disk_bytes=size)
        with self.refused(Conflict):
            self.virt_driver.rescue(instance_uuid, self._rescue(request, larger))
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("RESC-2", "FAIL-1")
    def test_a_rescue_that_fails_leaves_the_instance_as_it_was(self) -> None:
        self.requires(IRescue)
        instance_uuid, request = self.spawned()
        before = self.harness.leftovers()
        checksum = dataclasses.replace(self.image().checksum, hex_digest="0" * 64)
        missing = dataclasses.replace(self.image(), checksum=checksum)
        with self.refused(NotFound, Resource.IMAGE):
            self.virt_driver.rescue(instance_uuid, self._rescue(request, missing))
        self.assertEqual(before, self.harness.leftovers())
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        self.virt_driver.spawn(instance_uuid, request)

    def test_a_rescued_instance_is_destroyed_with_its_rescue(self) -> None:
        self.requires(IRescue)
        image = self.image()
        self.virt_driver.cache_image(image)
        before = self.harness.leftovers()
        instance_uuid, request = self.spawned(image=image)
        self.virt_driver.rescue(instance_uuid, self._rescue(request, image))
        self.virt_driver.destroy(instance_uuid, DestroyRequest())
        self.assertEqual(before, self.harness.leftovers())

    def test_unknown_instances_are_not_rescued(self) -> None:
        self.requires(IRescue)
        request: Any = self.request()
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.rescue(self.new_uuid(), self._rescue(request))
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.unrescue(self.new_uuid(), UnrescueRequest(instance=request))
