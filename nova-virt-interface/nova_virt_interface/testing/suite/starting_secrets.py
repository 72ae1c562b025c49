"""Secrets that come with every start of a VM."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.hypervisor.power import ISuspend
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm, VmFeature
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose

__all__ = ["StartingSecretsSuite"]

_PASSPHRASE = b"open sesame, and quickly"
_SECRETS = (DeviceSecret(key="tpm", purpose=SecretPurpose.TPM, secret=Secret(_PASSPHRASE)),)
_START = StartRequest(secrets=_SECRETS)


class StartingSecretsSuite(HypervisorMixin):
    """StartRequest.secrets, RebootRequest.secrets."""

    def _locked(self) -> UUID | None:
        """A VM with a TPM that needs its passphrase, running; None: this host has none, and says
        so.
        """
        wanted = {"settings": GuestSettings(tpm=Tpm()), "secrets": _SECRETS}
        if not self.has_feature(VmFeature.TPM_PASSPHRASE):
            with self.refused(Unsupported):
                self.made(**wanted)
            return None
        vm_uuid = self.made(**wanted)
        self.hypervisor.start_vm(vm_uuid, _START)
        return vm_uuid

    @rules("SEC-2", "SEC-3")
    def test_a_secret_is_held_while_the_vm_is_on(self) -> None:
        vm_uuid = self._locked()
        if vm_uuid is None:
            return
        self.assertEqual({_PASSPHRASE}, set(self.harness.secrets_of(vm_uuid)))
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(set(), set(self.harness.secrets_of(vm_uuid)))

    @rules("SEC-4", "ERR-4")
    def test_no_vm_starts_without_the_secret_that_it_needs(self) -> None:
        vm_uuid = self._locked()
        if vm_uuid is None:
            return
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        hard = RebootRequest(kind=RebootKind.HARD)
        for method, request in (("start_vm", StartRequest()), ("reboot_vm", hard)):
            with self.refused(InvalidRequest) as caught:
                getattr(self.hypervisor, method)(vm_uuid, request)
            self.assertEqual("secrets", caught.error.field)
            self.assert_state(vm_uuid, PowerState.STOPPED)
        self.hypervisor.start_vm(vm_uuid, _START)
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("SEC-4", "ERR-4")
    def test_a_running_vm_is_not_rebooted_without_the_secret_that_it_needs(self) -> None:
        vm_uuid = self._locked()
        if vm_uuid is None:
            return
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        with self.refused(InvalidRequest):
            self.hypervisor.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
        self.assert_state(vm_uuid, PowerState.RUNNING)
        again = RebootRequest(kind=RebootKind.HARD, secrets=_SECRETS)
        self.hypervisor.reboot_vm(vm_uuid, again)
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("SEC-3", "SEC-4")
    def test_a_suspended_vm_needs_its_secret_to_go_on(self) -> None:
        self.requires(ISuspend)
        vm_uuid = self._locked()
        if vm_uuid is None:
            return
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        self.assertEqual(set(), set(self.harness.secrets_of(vm_uuid)))
        with self.refused(InvalidRequest):
            self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.SUSPENDED)
        self.hypervisor.start_vm(vm_uuid, _START)
        self.assert_state(vm_uuid, PowerState.RUNNING)
