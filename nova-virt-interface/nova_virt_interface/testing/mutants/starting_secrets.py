"""Bugs in what is done with the secrets of a VM's devices."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference import translate
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.power import (
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import VmSpec

__all__: list[str] = []


@caught_by("StartingSecretsSuite.test_a_secret_is_held_while_the_vm_is_on")
class SecretOutlivesTheVm(ReferenceHypervisor):
    """The secret stays with the hypervisor when the VM is off."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        keys = self._ours(vm_uuid).keys
        super().stop_vm(vm_uuid, request)
        self._host._existing(vm_uuid).keys = keys


@caught_by("StartingSecretsSuite.test_no_vm_starts_without_the_secret_that_it_needs")
class DriverStoresTheSecret(ReferenceHypervisor):
    """The driver keeps the secret that came with the VM, and uses it when none comes."""

    _stored: tuple[DeviceSecret, ...] = ()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        self._stored = spec.secrets
        super().create_vm(vm_uuid, spec)

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        super().start_vm(vm_uuid, StartRequest(secrets=request.secrets or self._stored))


@caught_by(
    "StartingSecretsSuite.test_a_running_vm_is_not_rebooted_without_the_secret_that_it_needs"
)
class RebootFindsOutTooLate(ReferenceHypervisor):
    """The VM is turned off before it is seen that it cannot be started."""

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        self.stop_vm(vm_uuid, StopRequest())
        super().reboot_vm(vm_uuid, request)


@caught_by("StartingSecretsSuite.test_a_suspended_vm_needs_its_secret_to_go_on")
class SecretIsSavedWithTheMemory(ReferenceHypervisor):
    """The secret is written to disk with the VM's memory."""

    def suspend_vm(self, vm_uuid: UUID, request: SuspendRequest) -> None:
        keys = self._ours(vm_uuid).keys
        super().suspend_vm(vm_uuid, request)
        self._host._existing(vm_uuid).keys = keys


@caught_by("StartingSecretsSuite.test_no_vm_starts_without_the_secret_that_it_needs")
class StartsWithoutTheSecret(ReferenceHypervisor):
    """The device is left locked, and the VM boots without it."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        vm = self._host._existing(vm_uuid)
        if not translate.keys(request.secrets):
            vm.locks = {}
        super().start_vm(vm_uuid, request)
