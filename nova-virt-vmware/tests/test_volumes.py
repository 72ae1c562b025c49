"""Volumes on vcsim, beyond what the contract's suite asks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from nova_virt_interface.errors import (
    InvalidRequest,
    PeerUnreachable,
    Unsupported,
)
from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskBus, DiskSpec
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import StartRequest, StopRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import FileVolume, Volume, VolumeProtocol
from on_vcsim import BLANK, MIB, VcsimTestCase, spec
from pyVmomi import vim

from nova_virt_vmware.testing.harness import EsxHarness

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = b"written by a guest".ljust(512, b".")


class VolumeCase(VcsimTestCase):
    """What the tests of volumes share."""

    protocol = VolumeProtocol.FILE

    @contextmanager
    def volume(self, protocol: VolumeProtocol | None = None) -> Iterator[Any]:
        wish = VolumeWish(protocol=protocol or self.protocol, size_bytes=4 * MIB)
        with self.harness.volume(wish) as made:
            yield made

    def disk(self, made: Any, **fields: Any) -> DiskSpec:
        source = Volume(volume_id=uuid4(), connection=made.connection, **fields)
        return DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)

    @property
    def volumes(self) -> Any:
        """The part of the driver that connects hosts to volumes."""
        return self.driver.volume_connector.__self__

    def attach(self, vm_uuid: UUID, disk: DiskSpec) -> None:
        self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))

    def detach(self, vm_uuid: UUID) -> None:
        self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="volume"))

    def backing(self, vm_uuid: UUID) -> Any:
        disks = vim.vm.device.VirtualDisk
        found = [d.backing for d in self.hardware(vm_uuid) if isinstance(d, disks)]
        return next(backing for backing in found if "independent" in backing.diskMode)


class TestVolumes(VolumeCase):
    """Volumes that are files on a datastore."""

    def test_snapshots_of_the_vm_leave_a_volume_alone(self) -> None:
        with self.volume() as made:
            vm_uuid = self.made(BLANK, self.disk(made))
            backing = self.backing(vm_uuid)
            self.assertEqual("independent_persistent", backing.diskMode)
            self.assertEqual("sharingNone", backing.sharing)
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())

    def test_what_vms_share_is_multi_writer(self) -> None:
        with self.volume() as made:
            vm_uuid = self.made(BLANK, self.disk(made, shared=True))
            self.assertEqual("sharingMultiWriter", self.backing(vm_uuid).sharing)
            both = self.disk(made, shared=True, read_only=True)
            error = self.assertRaises(Unsupported, self.made, BLANK, both)
            self.assertEqual("disks[volume].source.read_only", error.field)
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())

    def test_another_size_is_refused(self) -> None:
        with self.volume() as made:
            wrong = replace(self.disk(made), size_bytes=8 * MIB)
            error = self.assertRaises(InvalidRequest, self.made, BLANK, wrong)
            self.assertEqual("disks[volume].size_bytes", error.field)

    def test_hostile_paths_are_refused(self) -> None:
        store = self.harness.server.datastore.name
        for path in (
            "x.vmdk",
            f"[{store}] ../x.vmdk",
            f"[{store}] a/../../x.vmdk",
            f"[{store}] /etc/x.vmdk",
            f"[{store}] x.iso",
            f"[{store}] *.vmdk",
            f"[{store}][other] x.vmdk",
            f"[{store}] [other] x.vmdk",
        ):
            source = Volume(
                volume_id=uuid4(), connection=FileVolume(path=path, format=DiskFormat.VMDK)
            )
            disk = DiskSpec(key="volume", source=source, size_bytes=MIB)
            error = self.assertRaises(InvalidRequest, self.made, BLANK, disk)
            self.assertEqual("disks[volume].source.connection.path", error.field)

    def test_a_datastore_that_is_not_there_is_a_volume_that_is_away(self) -> None:
        connection = FileVolume(path="[no such store] x.vmdk", format=DiskFormat.VMDK)
        source = Volume(volume_id=uuid4(), connection=connection)
        disk = DiskSpec(key="volume", source=source, size_bytes=MIB)
        self.assertRaises(PeerUnreachable, self.made, BLANK, disk)

    def test_a_resize_leaves_volumes_where_they_are(self) -> None:
        with self.volume() as made:
            volume = self.disk(made)
            old = spec(BLANK, volume)
            vm_uuid = self.new_uuid()
            self.driver.create_vm(vm_uuid, old)
            larger = replace(BLANK, size_bytes=16 * MIB)
            resize = ResizeVmRequest(spec=spec(larger, volume))
            before = self.backing(vm_uuid).fileName
            for end in ("revert", "confirm"):
                self.driver.resize_vm(vm_uuid, resize)
                self.assertEqual(before, self.backing(vm_uuid).fileName)
                self.driver.start_vm(vm_uuid, StartRequest())
                self.harness.write_as_guest(vm_uuid, "volume", 0, MARK)
                self.driver.stop_vm(vm_uuid, StopRequest())
                self._end_resize(vm_uuid, end)
                self.assertEqual(before, self.backing(vm_uuid).fileName)
                self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])

    def test_a_volume_that_comes_or_goes_while_a_resize_is_pending_keeps_its_content(self) -> None:
        larger = ResizeVmRequest(spec=spec(replace(BLANK, size_bytes=16 * MIB)))
        for end in ("revert", "confirm"):
            with self.volume() as made:
                vm_uuid = self.made(BLANK)
                self.driver.resize_vm(vm_uuid, larger)
                self.attach(vm_uuid, self.disk(made))
                self._end_resize(vm_uuid, end)
                self.assertTrue(self.harness.volume_is_used(made))
                self.driver.delete_vm(vm_uuid, DeleteVmRequest())
                self.assertEqual(made.size_bytes, len(self.harness.volume_content(made)))
            with self.volume() as made:
                volume = self.disk(made)
                vm_uuid = self.made(BLANK, volume)
                self.driver.resize_vm(
                    vm_uuid, ResizeVmRequest(spec=spec(*larger.spec.disks, volume))
                )
                self.detach(vm_uuid)
                self._end_resize(vm_uuid, end)
                self.driver.delete_vm(vm_uuid, DeleteVmRequest())
                self.assertEqual(made.size_bytes, len(self.harness.volume_content(made)))

    def _end_resize(self, vm_uuid: UUID, end: str) -> None:
        if end == "revert":
            self.driver.revert_resize(vm_uuid, RevertResizeRequest())
        else:
            self.driver.confirm_resize(vm_uuid, ConfirmResizeRequest())

    def test_a_resize_neither_adds_nor_moves_a_volume(self) -> None:
        with self.volume() as made:
            vm_uuid, volume = self.made(BLANK), self.disk(made)
            more = ResizeVmRequest(spec=spec(BLANK, volume))
            self.assertRaises(Unsupported, self.driver.resize_vm, vm_uuid, more)
            self.attach(vm_uuid, volume)
            moved = replace(volume, bus=DiskBus.SATA)
            for wrong in (spec(replace(BLANK, size_bytes=9 * MIB)), spec(BLANK, moved)):
                request = ResizeVmRequest(spec=wrong)
                self.assertRaises(Unsupported, self.driver.resize_vm, vm_uuid, request)
            self.detach(vm_uuid)


class TestNfs(VolumeCase):
    """Volumes on NFS: the export is mounted while a VM needs it."""

    protocol = VolumeProtocol.NFS

    def test_an_export_stays_mounted_while_another_vm_uses_it(self) -> None:
        with self.volume() as made:
            first = self.made(BLANK, self.disk(made, shared=True))
            second = self.made(BLANK, self.disk(made, shared=True))
            self.driver.delete_vm(first, DeleteVmRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            self.driver.delete_vm(second, DeleteVmRequest())
            self.assertFalse(self.harness.volume_is_used(made))

    def test_what_an_operator_has_mounted_stays(self) -> None:
        server = self.harness.server
        with self.volume() as made:
            host, _, path = made.connection.export.partition(":")
            nas = vim.host.NasVolume.Specification(
                remoteHost=host, remotePath=path, localPath="operators", accessMode="readWrite"
            )
            systems = [server.fact(h, "configManager").datastoreSystem for h in server.hosts()]
            store = [system.CreateNasDatastore(nas) for system in systems].pop()
            vm_uuid = self.made(BLANK, self.disk(made))
            self.assertIn("[operators]", self.backing(vm_uuid).fileName)
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            for system in systems:
                system.RemoveDatastore(store)

    def test_what_a_crash_left_mounted_goes_with_the_next_volume(self) -> None:
        with self.volume() as made, self.volume() as other:
            # Until then it is there for a repeat.
            self.volumes.backing("volume", made.connection)
            self.assertTrue(self.harness.volume_is_used(made))
            self.driver = self.connect()
            vm_uuid = self.made(BLANK, self.disk(other))
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertFalse(self.harness.volume_is_used(made))


class IscsiCase(VolumeCase):
    """Volumes that are logical units of iSCSI targets."""

    protocol = VolumeProtocol.ISCSI

    def _targets(self) -> list[list[Any]]:
        """Of each host."""
        return [
            list(hba.configuredStaticTarget or ())
            for adapter in self.volumes._iscsi.adapters()
            for hba in adapter.storage.hostBusAdapter
            if hba.device == adapter.device
        ]

    def test_a_unit_is_a_physical_mapping_one_for_reading_a_virtual_one(self) -> None:
        with self.volume() as made:
            for read_only, mode in ((False, "physicalMode"), (True, "virtualMode")):
                vm_uuid = self.made(BLANK, self.disk(made, read_only=read_only))
                backing = self.backing(vm_uuid)
                self.assertEqual(mode, backing.compatibilityMode)
                self.assertTrue(backing.deviceName.startswith("/vmfs/devices/disks/naa."))
                self.driver.delete_vm(vm_uuid, DeleteVmRequest())

    def test_each_host_logs_in_by_every_portal(self) -> None:
        names = self.driver.volume_connector().initiator_iqns
        self.assertEqual(len(self.harness.server.hosts()), len(set(names)))
        with self.volume() as made:
            vm_uuid = self.made(BLANK, self.disk(made))
            for targets in self._targets():
                portals = {f"{target.address}:{target.port}" for target in targets}
                self.assertEqual(set(made.connection.portals), portals)
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual([], [target for targets in self._targets() for target in targets])

    def test_what_an_operator_has_added_stays(self) -> None:
        system = self.harness.server.fact(self.harness.server.hosts()[0], "configManager")
        with self.volume() as made:
            address, _, port = made.connection.portals[0].partition(":")
            target = vim.host.InternetScsiHba.StaticTarget(
                iScsiName=made.connection.target_iqn, address=address, port=int(port)
            )
            device = self.volumes._iscsi.adapters()[0].device
            system.storageSystem.AddInternetScsiStaticTargets(device, [target])
            vm_uuid = self.made(BLANK, self.disk(made))
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            left = [target.address for targets in self._targets() for target in targets]
            self.assertEqual([address], left)
            system.storageSystem.RemoveInternetScsiStaticTargets(device, [target])

    def test_a_target_stays_while_another_vm_uses_it(self) -> None:
        with self.volume() as made:
            first = self.made(BLANK, self.disk(made, shared=True))
            second = self.made(BLANK, self.disk(made, shared=True))
            self.driver.delete_vm(first, DeleteVmRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            self.driver.delete_vm(second, DeleteVmRequest())
            self.assertFalse(self.harness.volume_is_used(made))


class TestIscsi(IscsiCase):
    """On a cluster of two hosts."""


class TestEsxIscsi(IscsiCase):
    """On one host."""

    harness_class = EsxHarness


class CutMixin:
    """Each operation on a volume, cut at each of its requests."""

    def test_attaching_and_detaching(self: Any) -> None:
        with self.volume() as made:
            vm_uuid, disk = self.made(BLANK), self.disk(made)
            detach = partial(self.detach, vm_uuid)

            def attached_and_detached() -> None:
                self.attach(vm_uuid, disk)
                detach()

            self.cut_everywhere(attached_and_detached, detach)


class LifeMixin(CutMixin):
    """A VM with a volume, cut at each request."""

    def test_creating_starting_and_deleting(self: Any) -> None:
        with self.volume() as made:
            vm_uuid, whole = self.new_uuid(), spec(BLANK, self.disk(made))

            def deleted() -> None:
                self.driver.delete_vm(vm_uuid, DeleteVmRequest())

            def life() -> None:
                self.driver.create_vm(vm_uuid, whole)
                self.driver.start_vm(vm_uuid, StartRequest())
                deleted()

            self.cut_everywhere(life, deleted)


class TestCutFile(CutMixin, VolumeCase):
    """A volume on a datastore."""


class TestCutFirstClass(CutMixin, VolumeCase):
    """A first class disk."""

    protocol = VolumeProtocol.HYPERVISOR


class TestCutNfs(LifeMixin, VolumeCase):
    """A volume on NFS."""

    protocol = VolumeProtocol.NFS


class TestCutIscsi(CutMixin, VolumeCase):
    """A logical unit of an iSCSI target, on a cluster."""

    protocol = VolumeProtocol.ISCSI


class TestCutEsxIscsi(LifeMixin, VolumeCase):
    """The same on one host."""

    harness_class = EsxHarness
    protocol = VolumeProtocol.ISCSI
