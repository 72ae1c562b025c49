"""Instances that get another flavor."""

from __future__ import annotations

import dataclasses

from nova_virt_interface.errors import Conflict, InvalidRequest, InvalidState, NotFound, Resource
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._instances import InstanceMixin
from nova_virt_interface.values.instance_requests import ResizeInstanceRequest
from nova_virt_interface.values.instances import PowerOffRequest, PowerOnRequest, SpawnRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.resize import ConfirmResizeRequest, RevertResizeRequest
from nova_virt_interface.virt_driver.resize import IInstanceResize

__all__ = ["InstanceResizeSuite"]


class InstanceResizeSuite(InstanceMixin):
    """resize, confirm_resize, revert_resize of instances."""

    def _larger(self, request: SpawnRequest) -> ResizeInstanceRequest:
        flavor = dataclasses.replace(
            request.flavor,
            vcpus=2,
            memory_bytes=2 * self.harness.memory_bytes,
            root_bytes=2 * request.flavor.root_bytes,
            swap_bytes=self.harness.disk_bytes,
        )
        return ResizeInstanceRequest(instance=dataclasses.replace(request, flavor=flavor))

    @rules("RSZ-2", "RSZ-3", "RSZ-4", "RSZ-6", "RSZ-7")
    def test_an_instance_gets_another_flavor_and_the_old_one_back(self) -> None:
        self.requires(IInstanceResize)
        instance_uuid, request = self.spawned()
        larger = self._larger(request)
        with self.refused(InvalidState):
            self.virt_driver.resize(instance_uuid, larger)
        off = PowerOffRequest(graceful_timeout_seconds=0.0)
        self.virt_driver.power_off(instance_uuid, off)
        before = self.harness.leftovers()
        for _ in range(2):
            self.virt_driver.resize(instance_uuid, larger)
        self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        with self.refused(Conflict, Resource.VM):
            self.virt_driver.spawn(instance_uuid, request)
        self.virt_driver.spawn(instance_uuid, larger.instance)
        with self.refused(InvalidState):
            self.virt_driver.revert_resize(instance_uuid, RevertResizeRequest())
        flavor = dataclasses.replace(larger.instance.flavor, vcpus=3)
        another = dataclasses.replace(larger.instance, flavor=flavor)
        with self.refused(Conflict, Resource.VM):
            self.virt_driver.resize(instance_uuid, ResizeInstanceRequest(instance=another))
        self.virt_driver.power_off(instance_uuid, off)
        for _ in range(2):
            self.virt_driver.revert_resize(instance_uuid, RevertResizeRequest())
        self.assertEqual(before, self.harness.leftovers())
        self.virt_driver.spawn(instance_uuid, request)
        self.virt_driver.power_off(instance_uuid, off)
        self.virt_driver.resize(instance_uuid, larger)
        for _ in range(2):
            self.virt_driver.confirm_resize(instance_uuid, ConfirmResizeRequest())
        self.virt_driver.spawn(instance_uuid, larger.instance)
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("RSZ-3", "ERR-4")
    def test_a_flavor_that_does_not_fit_is_refused(self) -> None:
        self.requires(IInstanceResize)
        instance_uuid, request = self.spawned()
        self.virt_driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
        before = self.harness.leftovers()
        small = dataclasses.replace(request.flavor, root_bytes=request.flavor.root_bytes // 2)
        wrong = ResizeInstanceRequest(instance=dataclasses.replace(request, flavor=small))
        with self.refused(InvalidRequest):
            self.virt_driver.resize(instance_uuid, wrong)
        self.assertEqual(before, self.harness.leftovers())
        unknown = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.resize(unknown, self._larger(request))
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.confirm_resize(unknown, ConfirmResizeRequest())
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.revert_resize(unknown, RevertResizeRequest())
