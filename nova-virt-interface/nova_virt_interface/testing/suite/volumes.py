"""Volumes as disks of VMs: attached, booted from, shared, and let go of."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import InvalidRequest, PeerUnreachable, Resource, Unsupported
from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.volumes import IVolumeConnector
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._mixins import blank_disk
from nova_virt_interface.testing.suite._volumes import (
    KEY,
    MARK,
    VOLUME_BYTES,
    VolumeMixin,
    volume_disk,
)
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    FibreChannelVolume,
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NbdVolume,
    NfsVolume,
    RbdVolume,
    SmbVolume,
    Volume,
    VolumeConnection,
    VolumeProtocol,
)

__all__ = ["VolumeSuite"]

_SAMPLES: dict[VolumeProtocol, VolumeConnection] = {
    VolumeProtocol.ISCSI: IscsiVolume(
        portals=("192.0.2.1:3260",), target_iqn="iqn.2010-10.org.openstack:x", lun=1
    ),
    VolumeProtocol.RBD: RbdVolume(monitors=("192.0.2.1:6789",), pool="volumes", image="x"),
    VolumeProtocol.NBD: NbdVolume(host="192.0.2.1", port=10809),
    VolumeProtocol.NFS: NfsVolume(export="192.0.2.1:/x", path="x", format=DiskFormat.RAW),
    VolumeProtocol.SMB: SmbVolume(share=r"\\192.0.2.1\x", path="x", format=DiskFormat.RAW),
    VolumeProtocol.FIBRE_CHANNEL: FibreChannelVolume(target_wwpns=("50060e801049cfd1",), lun=0),
    VolumeProtocol.FILE: FileVolume(path="/nonexistent/x", format=DiskFormat.RAW),
    VolumeProtocol.BLOCK_DEVICE: BlockDeviceVolume(path="/dev/nonexistent/x"),
    VolumeProtocol.HYPERVISOR: HypervisorVolume(identity="x"),
}


class VolumeSuite(VolumeMixin):
    """`IVolumeConnector`, and `Volume` as the source of a disk."""

    @rules("VOL-1", "VOL-2", "VOL-3", "DISK-3", "DISK-5", "REP-1")
    def test_a_volume_of_every_protocol_comes_and_goes(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.listening()
        before = self.harness.leftovers()
        for protocol in self.protocols():
            with self.volume(protocol) as made:
                disk = volume_disk(made)
                for _ in range(2):
                    self.attached(vm_uuid, disk)
                self.assertTrue(self.harness.volume_is_used(made), protocol)
                size = self.harness.disk_of_vm(vm_uuid, KEY).size_bytes
                self.assertEqual(made.size_bytes, size, protocol.value)
                self.harness.write_as_guest(vm_uuid, KEY, 1024, MARK)
                for _ in range(2):
                    self.detached(vm_uuid)
                self.assertFalse(self.harness.volume_is_used(made), protocol)
                content = self.harness.volume_content(made)
                self.assertEqual(bytes(1024) + MARK, content[: 1024 + len(MARK)], protocol.value)
                self.assertEqual(before, self.harness.leftovers())

    @rules("VOL-1", "VOL-2", "LIFE-5")
    def test_a_volume_outlives_its_vm(self) -> None:
        before = self.harness.leftovers()
        for protocol in self.protocols():
            with self.volume(protocol) as made:
                vm_uuid = self.running(disks=(blank_disk(self.harness), volume_disk(made)))
                self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
                self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
                self.assertFalse(self.harness.volume_is_used(made), protocol)
                content = self.harness.volume_content(made)
                self.assertEqual(MARK, content[: len(MARK)], protocol.value)
                self.assertEqual(before, self.harness.leftovers())

    @rules("VOL-4", "DISK-4")
    def test_a_volume_that_is_away_is_not_attached(self) -> None:
        self.requires(IDiskHotplug)
        running = self.listening()
        before = self.harness.leftovers()
        for protocol in self.protocols():
            with self.volume(protocol) as made:
                disk = volume_disk(made)
            with self.refused(PeerUnreachable, Resource.VOLUME):
                self.attached(running, disk)
            self.assertEqual(before, self.harness.leftovers())
            self.assert_state(running, PowerState.RUNNING)
            with self.volume(protocol) as made:
                self.attached(running, volume_disk(made))
                self.detached(running)

    @rules("VOL-4", "PWR-3")
    def test_a_vm_whose_volume_is_away_does_not_start(self) -> None:
        for protocol in self.protocols():
            vm_uuid = self.new_uuid()
            with self.volume(protocol) as made:
                disks = (blank_disk(self.harness), volume_disk(made))
                self.hypervisor.create_vm(vm_uuid, self.spec(disks=disks))
            with self.refused(PeerUnreachable, Resource.VOLUME):
                self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assert_state(vm_uuid, PowerState.STOPPED)
            self.detached(vm_uuid)
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("DISK-9", "VOL-3")
    def test_a_vm_boots_from_a_volume(self) -> None:
        self.requires(IConsoleLog)
        protocol = self.protocols()[0]
        image = self.harness.image()
        if not image.boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        size = image.virtual_size_bytes
        with self.volume(protocol, boots=True, size_bytes=size) as made:
            vm_uuid = self.running(disks=(volume_disk(made, boot_index=0),))
            self.wait_until(
                lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot"
            )
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    @rules("SPEC-2")
    def test_a_guest_cannot_write_to_what_is_for_reading(self) -> None:
        offered = self.has_feature(VmFeature.READ_ONLY_VOLUMES)
        self.protocols()
        with self.volume() as made:
            disks = (blank_disk(self.harness), volume_disk(made, read_only=True))
            if not offered:
                self._assert_volume_refused(disks[1], f"disks[{KEY}].source.read_only")
                return
            vm_uuid = self.running(disks=disks)
            self.assertTrue(self.harness.disk_of_vm(vm_uuid, KEY).read_only)
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
            vm_uuid = self.running(disks=(disks[0], volume_disk(made)))
            self.assertFalse(self.harness.disk_of_vm(vm_uuid, KEY).read_only)
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    @rules("SPEC-2", "CAP-2")
    def test_two_vms_share_a_volume_that_is_for_sharing(self) -> None:
        offered = self.has_feature(VmFeature.SHARED_VOLUMES)
        self.protocols()
        with self.volume() as made:
            disks = (blank_disk(self.harness), volume_disk(made, shared=True))
            if not offered:
                self._assert_volume_refused(disks[1], f"disks[{KEY}].source.shared")
                return
            writer, reader = self.running(disks=disks), self.running(disks=disks)
            self.harness.write_as_guest(writer, KEY, 0, MARK)
            self.assertEqual(MARK, self.harness.read_as_guest(reader, KEY, 0, len(MARK)))
            self.hypervisor.delete_vm(writer, DeleteVmRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            self.assertEqual(MARK, self.harness.read_as_guest(reader, KEY, 0, len(MARK)))
            self.hypervisor.delete_vm(reader, DeleteVmRequest())
            self.assertFalse(self.harness.volume_is_used(made))

    @rules("CAP-2", "ERR-4")
    def test_a_protocol_that_is_not_offered_is_refused(self) -> None:
        offered = self.hypervisor.describe().volume_protocols
        place = f"disks[{KEY}].source.connection"
        for protocol, connection in _SAMPLES.items():
            if protocol not in offered:
                self._assert_volume_refused(_disk(connection), place)
        formats = set(DiskFormat) - set(self.hypervisor.describe().disk_formats)
        if VolumeProtocol.FILE in offered and formats:
            strange = FileVolume(path="/nonexistent/x", format=formats.pop())
            self._assert_volume_refused(_disk(strange), f"{place}.format")

    def _assert_volume_refused(self, disk: DiskSpec, field: str) -> None:
        before = self.harness.leftovers()
        disks = (blank_disk(self.harness), disk)
        with self.refused(Unsupported) as caught:
            self.hypervisor.create_vm(self.new_uuid(), self.spec(disks=disks))
        self.assertEqual(field, caught.error.field)
        self.assertEqual(before, self.harness.leftovers())

    @rules("VOL-4")
    def test_hostile_places_are_refused(self) -> None:
        for path in ("../x", "/etc/shadow", "a/../../x", "", "a\0b", "a\n", "\\x", "a\\..\\x"):
            for protocol in (VolumeProtocol.NFS, VolumeProtocol.SMB):
                with self.refused(InvalidRequest):
                    _with(_SAMPLES[protocol], path=path)
        for portal in ("", "host", "host:", ":3260", "host:0", "host:65536", "host:\n1", "h:1\0"):
            with self.refused(InvalidRequest):
                _with(_SAMPLES[VolumeProtocol.ISCSI], portals=(portal,))

    @rules("VOL-5")
    def test_the_connector_stays_the_same(self) -> None:
        self.requires(IVolumeConnector)
        first = self.hypervisor.volume_connector()
        again = self.connect(self.services).volume_connector()
        self.assertEqual(first, again)
        self.assertTrue(first.hostname)
        offered = self.protocols()
        self.assertLessEqual(VolumeProtocol.FIBRE_CHANNEL in offered, bool(first.wwpns))
        self.assertLessEqual(VolumeProtocol.ISCSI in offered, bool(first.initiator_iqns))

    @rules("VOL-4", "VOL-2")
    def test_a_stopped_vm_has_its_volume_when_it_starts(self) -> None:
        self.requires(IDiskHotplug)
        vm_uuid = self.running()
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        before = self.harness.leftovers()
        with self.volume() as made:
            disk = volume_disk(made)
            for _ in range(2):
                self.attached(vm_uuid, disk)
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
            for _ in range(2):
                self.detached(vm_uuid)
            self.assertEqual(before, self.harness.leftovers())
            self.assertFalse(self.harness.volume_is_used(made))


def _with(connection: Any, **changes: object) -> object:
    return dataclasses.replace(connection, **changes)


def _disk(connection: VolumeConnection) -> DiskSpec:
    source = Volume(volume_id=uuid4(), connection=connection)
    return DiskSpec(key=KEY, source=source, size_bytes=VOLUME_BYTES)
