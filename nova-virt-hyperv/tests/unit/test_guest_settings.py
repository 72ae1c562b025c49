"""Virtual TPMs and NUMA cells."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.errors import BackendError, Unsupported
from nova_virt_interface.values.guest_settings import (
    Firmware,
    GuestNumaCell,
    GuestSettings,
    Tpm,
    TpmModel,
    VmFeature,
)
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.recovery import AdoptVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)

from .backend import MIB, BackendTestCase

_WITH_TPM = GuestSettings(tpm=Tpm())
_TWO_CELLS = GuestSettings(
    numa_cells=(
        GuestNumaCell(vcpus=(0, 1), memory_bytes=32 * MIB),
        GuestNumaCell(vcpus=(2, 3), memory_bytes=32 * MIB),
    )
)


class TestTpm(BackendTestCase):
    def test_a_tpm_comes_and_goes_with_a_resize(self) -> None:
        vm_uuid = self.made()
        self.assertNotIn(VmFeature.TPM, self.harness.features_of_vm(vm_uuid))
        request = ResizeVmRequest(spec=self.spec(settings=_WITH_TPM))
        self.hypervisor.resize_vm(vm_uuid, request)
        self.assertIn(VmFeature.TPM, self.harness.features_of_vm(vm_uuid))
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
        self.assertNotIn(VmFeature.TPM, self.harness.features_of_vm(vm_uuid))
        self.hypervisor.resize_vm(vm_uuid, request)
        self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=self.spec()))
        self.assertNotIn(VmFeature.TPM, self.harness.features_of_vm(vm_uuid))

    def test_what_no_vm_has_is_refused(self) -> None:
        for settings, field in (
            (replace(_WITH_TPM, firmware=Firmware.BIOS), "settings.tpm"),
            (GuestSettings(tpm=Tpm(model=TpmModel.TIS)), "settings.tpm.model"),
        ):
            spec = self.spec(settings=settings)
            error = self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
            self.assertEqual(field, error.field)

    def test_its_vm_stays_on_its_host(self) -> None:
        request = AdoptVmRequest(spec=self.spec(settings=_WITH_TPM))
        error = self.assertRaises(Unsupported, self.hypervisor.adopt_vm, self.new_uuid(), request)
        self.assertEqual("settings.tpm", error.field)

    def test_a_guardian_that_fails(self) -> None:
        self.made(settings=_WITH_TPM)
        before = self.harness.leftovers()
        spec, vm_uuid = self.spec(settings=_WITH_TPM), self.new_uuid()
        for method in ("NewByGuardians", "SetKeyProtector", "ModifySecuritySettings"):
            self.fault(method, "return", code=2)
            self.assertRaises(BackendError, self.hypervisor.create_vm, vm_uuid, spec)
            self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.create_vm(vm_uuid, spec)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assertEqual(PowerState.RUNNING, self.hypervisor.get_vm(vm_uuid).power_state)


class TestNumaCells(BackendTestCase):
    def sizes(self, vm_uuid: object) -> set[int]:
        rows = self.harness.vm(vm_uuid)["resources"]  # type: ignore[arg-type]
        return {row["per_cell"] for row in rows if row["per_cell"]}

    def test_cells_of_one_size(self) -> None:
        vm_uuid = self.made(vcpus=4, settings=_TWO_CELLS)
        self.assertEqual({2, 32}, self.sizes(vm_uuid))
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=self.spec(vcpus=4)))
        self.assertEqual(self.sizes(self.made()), self.sizes(vm_uuid))

    def test_other_cells_are_refused(self) -> None:
        first, second = _TWO_CELLS.numa_cells
        for cells in (
            (replace(first, vcpus=(0, 1, 2)), replace(second, vcpus=(3,))),
            (replace(first, memory_bytes=16 * MIB), replace(second, memory_bytes=48 * MIB)),
            (replace(first, vcpus=(0, 2)), replace(second, vcpus=(1, 3))),
            (replace(first, host_cell=0), second),
        ):
            spec = self.spec(vcpus=4, settings=GuestSettings(numa_cells=cells))
            error = self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
            self.assertEqual("settings.numa_cells", error.field)
