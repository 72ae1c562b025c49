"""Settings of a guest: each is made as asked, or refused before anything is touched."""

from __future__ import annotations

import dataclasses
from typing import Any

from nova_virt_interface.errors import Conflict, InvalidRequest, Resource, Unsupported
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.guest_settings import (
    CpuMode,
    CpuPin,
    CpuSettings,
    Firmware,
    GuestMode,
    GuestNumaCell,
    GuestSettings,
    MemoryBacking,
    RandomSource,
    Tpm,
    VmFeature,
    Watchdog,
    WatchdogAction,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import VmSpec

__all__ = ["SettingsSuite"]

_TPM_SECRET = DeviceSecret(key="tpm", purpose=SecretPurpose.TPM, secret=Secret("tpm-passphrase"))


def _samples(memory_bytes: int) -> dict[VmFeature, GuestSettings]:
    """Settings that every host which has the feature can make, for a VM of two vCPUs."""
    cell = GuestNumaCell(vcpus=(0, 1), memory_bytes=memory_bytes)
    return {
        VmFeature.CPU_MODEL: GuestSettings(cpu=CpuSettings(mode=CpuMode.HOST_MODEL)),
        VmFeature.CPU_TOPOLOGY: GuestSettings(cpu=CpuSettings(sockets=1, cores=2, threads=1)),
        VmFeature.CPU_PINNING: GuestSettings(cpu_pins=(CpuPin(vcpu=0, host_cpus=(0,)),)),
        VmFeature.NUMA: GuestSettings(numa_cells=(cell,)),
        VmFeature.LOCKED_MEMORY: GuestSettings(memory=MemoryBacking(locked=True)),
        VmFeature.SHARED_MEMORY: GuestSettings(memory=MemoryBacking(shared=True)),
        VmFeature.FILE_BACKED_MEMORY: GuestSettings(memory=MemoryBacking(file_backed=True)),
        VmFeature.SECURE_BOOT: GuestSettings(firmware=Firmware.UEFI, secure_boot=True),
        VmFeature.TPM: GuestSettings(tpm=Tpm()),
        VmFeature.WATCHDOG: GuestSettings(watchdog=Watchdog(action=WatchdogAction.RESET)),
        VmFeature.RANDOM_SOURCE: GuestSettings(random_source=RandomSource()),
        VmFeature.GUEST_AGENT: GuestSettings(guest_agent=True),
        VmFeature.PARAVIRTUALIZED_GUESTS: GuestSettings(mode=GuestMode.PV),
        VmFeature.PVH_GUESTS: GuestSettings(mode=GuestMode.PVH),
    }


_TOGETHER = {
    VmFeature.CPU_TOPOLOGY,
    VmFeature.CPU_PINNING,
    VmFeature.SHARED_MEMORY,
    VmFeature.WATCHDOG,
    VmFeature.RANDOM_SOURCE,
    VmFeature.GUEST_AGENT,
}


class SettingsSuite(HypervisorMixin):
    """`VmSpec.settings`."""

    def _spec(self, settings: GuestSettings, **changes: Any) -> VmSpec:
        sealed = settings.tpm is not None and self.has_feature(VmFeature.TPM_PASSPHRASE)
        secrets = (_TPM_SECRET,) if sealed else ()
        return self.spec(vcpus=2, settings=settings, **{"secrets": secrets} | changes)

    def _sorted(self) -> tuple[dict[VmFeature, GuestSettings], dict[VmFeature, GuestSettings]]:
        """Samples of what the host offers, and of what it does not."""
        offered = self.hypervisor.describe().features
        samples = _samples(self.harness.memory_bytes)
        return (
            {feature: sample for feature, sample in samples.items() if feature in offered},
            {feature: sample for feature, sample in samples.items() if feature not in offered},
        )

    @rules("SPEC-2")
    def test_every_setting_that_is_offered_is_made(self) -> None:
        for feature, settings in self._sorted()[0].items():
            vm_uuid = self.new_uuid()
            self.hypervisor.create_vm(vm_uuid, self._spec(settings))
            self.assertIn(feature, self.harness.features_of_vm(vm_uuid))

    @rules("SPEC-2", "PWR-4")
    def test_a_vm_with_many_settings_runs(self) -> None:
        offered = self._sorted()[0]
        together = {
            field.name: content
            for feature in _TOGETHER & offered.keys()
            for field in dataclasses.fields(GuestSettings)
            if (content := getattr(offered[feature], field.name)) != field.default
        }
        vm_uuid = self.running(vcpus=2, settings=GuestSettings(**together))
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("SPEC-2", "CAP-2", "ERR-4")
    def test_every_setting_that_is_not_offered_is_refused(self) -> None:
        before = self.harness.leftovers()
        for feature, settings in self._sorted()[1].items():
            with self.refused(Unsupported) as caught:
                self.hypervisor.create_vm(self.new_uuid(), self._spec(settings))
            self.assertTrue(caught.error.field.startswith("settings."), feature)
            self.assertFalse(caught.error.may_have_been_done)
        self.assertEqual(before, self.harness.leftovers())

    @rules("LIFE-2", "LIFE-3")
    def test_settings_count_when_a_create_is_repeated(self) -> None:
        offered = self._sorted()[0]
        plain = self.made(vcpus=2)
        for settings in offered.values():
            with self.refused(Conflict, Resource.VM):
                self.hypervisor.create_vm(plain, self._spec(settings))
        self.hypervisor.create_vm(plain, self._spec(GuestSettings()))

    @rules("SEC-4", "CAP-2")
    def test_a_device_whose_secret_is_missing_is_refused(self) -> None:
        before = self.harness.leftovers()
        has_tpm, is_sealed = map(self.has_feature, (VmFeature.TPM, VmFeature.TPM_PASSPHRASE))
        # Where the hypervisor has a key of its own, the secret is what is wrong.
        wrong = self._spec(GuestSettings(tpm=Tpm()), secrets=() if is_sealed else (_TPM_SECRET,))
        with self.refused(InvalidRequest if is_sealed else Unsupported) as caught:
            self.hypervisor.create_vm(self.new_uuid(), wrong)
        self.assertEqual("secrets" if has_tpm else "settings.tpm", caught.error.field)
        self.assertEqual(before, self.harness.leftovers())

    def test_a_vm_without_settings_has_none(self) -> None:
        asked_for = set(_samples(1)) - {VmFeature.CPU_MODEL, VmFeature.RANDOM_SOURCE}
        vm_uuid = self.made(vcpus=2)
        self.assertEqual(set(), asked_for & self.harness.features_of_vm(vm_uuid))
        default = dataclasses.replace(self.spec(), settings=GuestSettings())
        self.assertEqual(self.spec(), default)
