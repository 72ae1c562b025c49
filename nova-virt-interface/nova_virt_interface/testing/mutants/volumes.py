"""Bugs in volumes and encryption."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import (
    HostUnreachable,
    InvalidRequest,
    PeerUnreachable,
)
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.storage_server import STORAGE
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    ResizeDiskRequest,
)
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    VolumeConnector,
)

__all__: list[str] = []


def _with_disks(spec: VmSpec, **changes: Any) -> VmSpec:
    return replace(spec, disks=tuple(replace(disk, **changes) for disk in spec.disks))


@caught_by("VolumeSuite.test_a_volume_outlives_its_vm")
class VolumeIsDeletedWithItsVm(ReferenceHypervisor):
    """A volume is wiped when its VM is deleted, like the disks that the host keeps."""

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        places = [disk.volume for vm in self._host.vms() for disk in vm.disks.values()]
        super().delete_vm(vm_uuid, request)
        for place in filter(None, places):
            STORAGE.write(place, b"")


@caught_by("VolumeSuite.test_a_volume_of_every_protocol_comes_and_goes")
class VolumeIsNotLetGoOf(ReferenceHypervisor):
    """A volume that was detached stays connected."""

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        if self._ours(vm_uuid).disks.get(request.key, None) is None:
            super().detach_disk(vm_uuid, request)


@caught_by("VolumeSuite.test_a_volume_that_is_away_is_not_attached")
class AttachesWhatIsAway(ReferenceHypervisor):
    """A volume that cannot be reached is attached, and the guest hangs on it."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        try:
            super().attach_disk(vm_uuid, request)
        except PeerUnreachable:
            return


@caught_by("VolumeSuite.test_a_vm_whose_volume_is_away_does_not_start")
class StartsWithoutItsVolume(ReferenceHypervisor):
    """A VM is started without a volume that cannot be reached."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        for key, disk in self._ours(vm_uuid).disks.items():
            if disk.volume is not None and not STORAGE.has(disk.volume):
                self._host.unplug_disk(vm_uuid, key)
        super().start_vm(vm_uuid, request)


@caught_by("VolumeSuite.test_a_guest_cannot_write_to_what_is_for_reading")
class EveryVolumeIsWritable(ReferenceHypervisor):
    """Nothing keeps a guest from writing to a volume that is for reading alone."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, spec)
        for disk in self._host._vms[vm_uuid].disks.values():
            disk.write_protected = False


@caught_by("VolumeSuite.test_two_vms_share_a_volume_that_is_for_sharing")
class SharedVolumesAreLockedToOneVm(ReferenceHypervisor):
    """The second VM of a shared volume is refused."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        others = (vm for vm in self._host.vms() if vm.uuid != vm_uuid)
        taken = {disk.volume for vm in others for disk in vm.disks.values()}
        if taken & {disk.volume for disk in self._ours(vm_uuid).disks.values()} - {None}:
            raise HostUnreachable("the volume is locked")
        super().start_vm(vm_uuid, request)


@caught_by("VolumeSuite.test_the_connector_stays_the_same")
class ConnectorIsMadeAnew(ReferenceHypervisor):
    """Each connection has another initiator name."""

    def volume_connector(self) -> VolumeConnector:
        return replace(super().volume_connector(), initiator_iqns=(f"iqn.2010-10.org:{id(self)}",))


@caught_by("VolumeSecretSuite.test_nobody_reads_an_encrypted_disk_without_its_secret")
class DisksAreInTheClear(ReferenceHypervisor):
    """Encryption is asked for and silently left out."""

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        super().create_vm(vm_uuid, _with_disks(spec, encryption=None))


@caught_by("VolumeSecretSuite.test_a_secret_is_gone_when_its_vm_is_off")
class SecretStaysOnTheHost(ReferenceHypervisor):
    """A passphrase stays on the host when its VM is off."""

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        keys = {key: disk.key for key, disk in self._ours(vm_uuid).disks.items()}
        super().stop_vm(vm_uuid, request)
        for key, passphrase in keys.items():
            self._host._vms[vm_uuid].disks[key].key = passphrase


@caught_by("VolumeSecretSuite.test_a_vm_does_not_start_without_the_right_secret")
class WrongSecretLeavesItselfBehind(ReferenceHypervisor):
    """A passphrase that does not open its disk is kept after the failed start."""

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        try:
            super().start_vm(vm_uuid, request)
        except InvalidRequest:
            for disk in self._host._vms[vm_uuid].disks.values():
                disk.key = disk.key or (b"wrong" if disk.encrypted and request.secrets else None)
            raise


@caught_by("VolumeSecretSuite.test_an_encrypted_volume_is_attached_with_its_secret")
class PassphraseIsWrittenDown(ReferenceHypervisor):
    """A passphrase is stored beside the description of its VM."""

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        super().attach_disk(vm_uuid, request)
        for secret in request.secrets:
            self._host._vms[vm_uuid].label = f"{secret.secret.reveal().decode()} {vm_uuid}"


@caught_by("VolumeChangeSuite.test_a_volume_is_replaced_under_a_running_guest")
class ReplacesWithoutACopy(ReferenceHypervisor):
    """The guest goes on with an empty volume."""

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        super().replace_volume(vm_uuid, request)
        STORAGE.write(address_of(request.volume.connection), b"")


@caught_by("VolumeChangeSuite.test_a_volume_is_replaced_under_a_running_guest")
class MirrorsForEver(ReferenceHypervisor):
    """The copy is made, and the guest goes on with the old volume."""

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        disk = self._ours(vm_uuid).disks[request.key]
        STORAGE.write(address_of(request.volume.connection), disk.seen())


@caught_by("VolumeChangeSuite.test_after_a_failed_replacement_the_old_volume_is_used")
class FailedReplacementDropsTheVolume(ReferenceHypervisor):
    """After a replacement that failed the VM has neither volume."""

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        try:
            super().replace_volume(vm_uuid, request)
        except PeerUnreachable:
            self._host.unplug_disk(vm_uuid, request.key)
            raise


@caught_by("VolumeChangeSuite.test_a_snapshot_is_one_moment_of_a_volume")
class SnapshotIsWrittenTo(ReferenceHypervisor):
    """The guest goes on writing into the file that should be the snapshot."""

    def create_volume_snapshot(self, vm_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        known = dict(self._ours(vm_uuid).disks[request.key].snapshots)
        super().create_volume_snapshot(vm_uuid, request)
        if str(request.snapshot_id) not in known:
            disk = self._host._vms[vm_uuid].disks[request.key]
            disk.volume = disk.snapshots[str(request.snapshot_id)][0]


@caught_by("VolumeChangeSuite.test_a_snapshot_is_one_moment_of_a_volume")
class MergeGoesBackInTime(ReferenceHypervisor):
    """Deleting a snapshot gives the guest back what the disk was then."""

    def delete_volume_snapshot(self, vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        disk = self._host._vms[vm_uuid].disks[request.key]
        known = disk.snapshots.pop(str(request.snapshot_id), None)
        disk.volume = known[0] if known else disk.volume


@caught_by("VolumeChangeSuite.test_the_older_of_two_snapshots_is_deleted_first")
class MergesAllSnapshotsAtOnce(ReferenceHypervisor):
    """Deleting one snapshot merges the newer ones too."""

    def delete_volume_snapshot(self, vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        for snapshot in reversed(self._ours(vm_uuid).disks[request.key].snapshots):
            self._host.merge_down(vm_uuid, request.key, snapshot)


@caught_by("VolumeChangeSuite.test_the_new_size_of_a_volume_is_taken_over")
class GuestKeepsTheOldSize(ReferenceHypervisor):
    """The new size of a volume is checked, and the guest never hears of it."""

    def resize_disk(self, vm_uuid: UUID, request: ResizeDiskRequest) -> None:
        before = self._ours(vm_uuid).disks[request.key].size_bytes
        super().resize_disk(vm_uuid, request)
        self._host._vms[vm_uuid].disks[request.key].size_bytes = before
