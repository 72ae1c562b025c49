"""Bugs in settings of guests, and in what the host and the node are made of."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.guest_settings import GuestSettings, VmFeature
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.providers import Allocation, ProviderTree, ReshapeRequest
from nova_virt_interface.values.topology import HostTopology
from nova_virt_interface.values.vm import VmSpec

__all__: list[str] = []


@caught_by("SettingsSuite.test_every_setting_that_is_offered_is_made")
class SettingsAreDropped(ReferenceHypervisor):
    """A VM is made without the settings that were asked for."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, replace(spec, settings=GuestSettings()))


@caught_by("SettingsSuite.test_every_setting_that_is_offered_is_made")
class WatchdogIsForgotten(ReferenceHypervisor):
    """One device of many is forgotten."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, replace(spec, settings=replace(spec.settings, watchdog=None)))


@caught_by("SettingsSuite.test_every_setting_that_is_not_offered_is_refused")
class MadeThoughNotOffered(ReferenceHypervisor):
    """What the host says that it has not is not refused."""

    def describe(self) -> HostDescription:
        return replace(super().describe(), features=(VmFeature.NIC_MTU,))


@caught_by("SettingsSuite.test_a_vm_without_settings_has_none")
class LocksAllMemory(ReferenceHypervisor):
    """Every VM gets a setting that nobody asked for."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        self._host._vms[vm_uuid].features |= {VmFeature.LOCKED_MEMORY.value}


@caught_by("SettingsSuite.test_a_device_whose_secret_is_missing_is_refused")
class TakesATpmWithoutSecret(ReferenceHypervisor):
    """A virtual TPM is made without a passphrase."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, replace(spec, settings=replace(spec.settings, tpm=None)))


def _without(feature: VmFeature, host: HostDescription) -> HostDescription:
    return replace(host, features=tuple(item for item in host.features if item is not feature))


@caught_by("StartingSecretsSuite.test_a_secret_is_held_while_the_vm_is_on")
class TakesAPassphraseThatItDoesNotUse(ReferenceHypervisor):
    """It says that it keeps the state of TPMs under its own key, and takes a passphrase for one."""

    def describe(self) -> HostDescription:
        return _without(VmFeature.TPM_PASSPHRASE, super().describe())


@caught_by("VolumeSecretSuite.test_storage_that_asks_for_a_password_gets_it")
class TakesAPasswordThatItWouldStore(ReferenceHypervisor):
    """It says that it takes no passwords of storage, and takes one."""

    def describe(self) -> HostDescription:
        return replace(super().describe(), login_protocols=())


@caught_by("VolumeSuite.test_a_guest_cannot_write_to_what_is_for_reading")
class TakesVolumesForReadingAgainstItsWord(ReferenceHypervisor):
    """It says that it has no volumes for reading, and attaches one."""

    def describe(self) -> HostDescription:
        return _without(VmFeature.READ_ONLY_VOLUMES, super().describe())


@caught_by("DiskDetailSuite.test_a_disk_grows_while_its_vm_runs_and_while_it_is_stopped")
class EnlargesAgainstItsWord(ReferenceHypervisor):
    """It says that disks grow while their VM is stopped alone, and enlarges one of a running VM."""

    def describe(self) -> HostDescription:
        return _without(VmFeature.ONLINE_DISK_RESIZE, super().describe())


@caught_by("TopologySuite.test_cells_have_all_processors_once")
class ProcessorsInTwoCells(ReferenceHypervisor):
    """Every cell has the processors of the first."""

    def topology(self) -> HostTopology:
        found = super().topology()
        cells = tuple(replace(cell, cpus=found.cells[0].cpus) for cell in found.cells)
        return replace(found, cells=cells)


@caught_by("TopologySuite.test_parts_belong_to_something_that_is_there")
class CardsWithoutTheirFunctions(ReferenceHypervisor):
    """The card of virtual functions is left out."""

    def topology(self) -> HostTopology:
        found = super().topology()
        return replace(found, pci_devices=found.pci_devices[1:])


@caught_by("TopologySuite.test_it_stays_the_same_at_the_same_cost")
class AsksForEveryVm(ReferenceHypervisor):
    """Each VM is asked which device it has."""

    def topology(self) -> HostTopology:
        for vm in self.list_vms():
            self.get_vm(vm.vm_uuid)
        return super().topology()


@caught_by("ProviderSuite.test_the_tree_has_all_that_the_node_has")
class MemoryInBytes(ReferenceVirtDriver):
    """Memory is told in bytes, where placement counts mebibytes."""

    def get_provider_tree(self) -> ProviderTree:
        tree = super().get_provider_tree()
        node = tree.providers[0]
        inventories = tuple(
            replace(found, total=found.total * 1024**2)
            if found.resource_class == "MEMORY_MB"
            else found
            for found in node.inventories
        )
        return ProviderTree(providers=(replace(node, inventories=inventories), *tree.providers[1:]))


@caught_by("ProviderSuite.test_it_stays_the_same_at_the_same_cost")
class ProvidersAreNamedAnew(ReferenceVirtDriver):
    """A part's name changes with every question."""

    _asked = 0

    def get_provider_tree(self) -> ProviderTree:
        self._asked += 1
        node, *parts = super().get_provider_tree().providers
        renamed = (replace(part, name=f"{part.name}-{self._asked}") for part in parts)
        return ProviderTree(providers=(node, *renamed))


@caught_by("ProviderSuite.test_a_reshape_keeps_what_everybody_has")
class ReshapeLosesAllocations(ReferenceVirtDriver):
    """What moves is lost."""

    def reshape_allocations(self, request: ReshapeRequest) -> tuple[Allocation, ...]:
        after = super().reshape_allocations(request)
        return tuple(found for found in after if found in request.allocations)
