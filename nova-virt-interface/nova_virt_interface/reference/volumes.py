"""Volumes of the reference driver's VMs, beside attaching them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import Conflict, InvalidRequest, InvalidState, Resource, Unsupported
from nova_virt_interface.reference.disk import Disk
from nova_virt_interface.reference.disks import existing_disk
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.host_storage import unlock
from nova_virt_interface.reference.made_disk import passphrases, volume_of
from nova_virt_interface.reference.volume_address import address_of
from nova_virt_interface.values.volumes import (
    CreateVolumeSnapshotRequest,
    DeleteVolumeSnapshotRequest,
    ReplaceVolumeRequest,
    VolumeConnector,
    VolumeProtocol,
)

if TYPE_CHECKING:
    from nova_virt_interface.reference.host import Host, Vm
    from nova_virt_interface.values.host import HostDescription

__all__ = ["VolumesPart"]

_FILES = tuple(f"{kind.value}:" for kind in VolumeProtocol if kind.value in ("nfs", "smb", "file"))


class VolumesPart:
    """`IVolumeConnector`, `IVolumeReplacement` and `IVolumeSnapshots`."""

    _description: HostDescription

    if TYPE_CHECKING:

        @property
        def _host(self) -> Host: ...
        def _ours(self, vm_uuid: UUID) -> Vm: ...

    def volume_connector(self) -> VolumeConnector:
        """See `IVolumeConnector`."""
        name = self._description.hostname
        return VolumeConnector(
            hostname=name,
            initiator_iqns=(f"iqn.1993-08.org.debian:01:{name}",),
            wwpns=("500143802426baf4",),
            wwnns=("500143802426baf5",),
        )

    def replace_volume(self, vm_uuid: UUID, request: ReplaceVolumeRequest) -> None:
        """See `IVolumeReplacement`."""
        offers.check_volume(request.key, request.volume, self._description, request.secrets)
        vm = self._ours(vm_uuid)
        disk = existing_disk(vm, request.key)
        if disk.volume is None:
            raise InvalidRequest(f"disk {request.key} is no volume", field="key")
        if disk.volume == address_of(request.volume.connection):
            return
        _require(vm, "running")
        if request.size_bytes < disk.size_bytes:
            raise InvalidRequest(
                f"the new volume is smaller than disk {request.key}", field="size_bytes"
            )
        new = volume_of(request.volume, Disk(size_bytes=request.size_bytes))
        needed = offers.secrets_of_volume(request.key, request.volume)
        new.secrets = frozenset(purpose.value for _, purpose in needed)
        unlock(new, request.key, passphrases(request.secrets))
        with translated():
            self._host.move_disk(vm_uuid, request.key, new)

    def create_volume_snapshot(self, vm_uuid: UUID, request: CreateVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots`."""
        vm = self._ours(vm_uuid)
        disk = _file_volume(vm, request.key)
        overlay = address_of(request.overlay)
        known = disk.snapshots.get(str(request.snapshot_id))
        if known is not None:
            if known[1] != overlay:
                raise Conflict(
                    f"snapshot {request.snapshot_id} has another file",
                    resource=Resource.VOLUME,
                    name=str(request.snapshot_id),
                    remedy="delete it first, or use another id",
                )
            return
        _require(vm, "running", "paused")
        with translated():
            self._host.build_on(vm_uuid, request.key, str(request.snapshot_id), overlay)

    def delete_volume_snapshot(self, vm_uuid: UUID, request: DeleteVolumeSnapshotRequest) -> None:
        """See `IVolumeSnapshots`."""
        vm = self._ours(vm_uuid)
        disk = existing_disk(vm, request.key)
        _require(vm, "running", "paused")
        if str(request.snapshot_id) in disk.snapshots:
            with translated():
                self._host.merge_down(vm_uuid, request.key, str(request.snapshot_id))


def _file_volume(vm: Vm, key: str) -> Disk:
    disk = existing_disk(vm, key)
    if disk.volume is None or not disk.volume.startswith(_FILES):
        raise Unsupported(
            f"disk {key} is no volume that is a file",
            remedy="let the volume's service make the snapshot",
            field="key",
        )
    return disk


def _require(vm: Vm, *states: str) -> None:
    if vm.state not in states:
        raise InvalidState(
            f"VM {vm.uuid} is {vm.state}", state=vm.state, remedy="start the VM, then repeat"
        )
