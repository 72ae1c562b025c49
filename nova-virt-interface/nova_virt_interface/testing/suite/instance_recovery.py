"""Instances whose host is gone."""

from __future__ import annotations

import dataclasses

from nova_virt_interface.errors import Conflict, NotFound, Resource
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._two_nodes import TwoNodesMixin
from nova_virt_interface.values.instance_requests import EvacuateRequest
from nova_virt_interface.values.instances import PowerOffRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.recovery import ReleaseVmRequest
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.recovery import IInstanceRecovery

__all__ = ["InstanceRecoverySuite"]


class InstanceRecoverySuite(TwoNodesMixin):
    """find_instance_disks, evacuate, release_instance."""

    @rules("REC-4", "REC-1", "REC-5")
    def test_an_instance_is_taken_over_and_runs(self) -> None:
        self.requires(IInstanceRecovery, IImageCaching)
        old, new = self.sharing_nodes()
        instance_uuid, request = self.spawned_on(old)
        old.driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
        self.assertEqual(("root",), new.driver.find_instance_disks(instance_uuid))
        for _ in range(2):
            new.driver.evacuate(instance_uuid, EvacuateRequest(instance=request))
            self.assert_runs(instance_uuid, new)
        new.driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
        new.driver.evacuate(instance_uuid, EvacuateRequest(instance=request))
        for _ in range(2):
            old.driver.release_instance(instance_uuid, ReleaseVmRequest())
            self.assert_runs(instance_uuid, new, old)
        flavor = dataclasses.replace(request.flavor, vcpus=2)
        other = EvacuateRequest(instance=dataclasses.replace(request, flavor=flavor))
        with self.refused(Conflict, Resource.VM):
            new.driver.evacuate(instance_uuid, other)
        self.assertIs(PowerState.RUNNING, new.driver.get_info(instance_uuid).power_state)

    @rules("REC-4", "REC-2")
    def test_an_instance_without_disks_is_not_taken_over(self) -> None:
        self.requires(IInstanceRecovery, IImageCaching)
        instance_uuid, request = self.new_uuid(), self.request()
        self.assertEqual((), self.virt_driver.find_instance_disks(instance_uuid))
        before = self.harness.leftovers()
        with self.refused(NotFound, Resource.DISK):
            self.virt_driver.evacuate(instance_uuid, EvacuateRequest(instance=request))
        self.assertEqual(before, self.harness.leftovers())
