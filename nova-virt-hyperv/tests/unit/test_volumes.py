"""Volumes that are virtual disks in files."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import InvalidRequest, PeerUnreachable, Resource, Unsupported
from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskLimits,
    DiskSpec,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import (
    FileVolume,
    SmbVolume,
    Volume,
    VolumeConnection,
    VolumeProtocol,
)

from .backend import MIB, BackendTestCase, blank

_GONE = DetachDiskRequest(key="volume")


class TestVolumes(BackendTestCase):
    def setUp(self) -> None:
        super().setUp()
        root: Path = self.harness.root
        self.places: dict[VolumeConnection, Path] = {
            FileVolume(path="C:\\volumes\\one.vhdx", format=DiskFormat.VHDX): root / "c",
            SmbVolume(share=r"\\HYPERV-1-2\volumes", path="one.vhdx", format=DiskFormat.VHDX): root
            / "d",
        }
        for drive in self.places.values():
            folder = drive / "volumes"
            folder.mkdir(exist_ok=True)
            file = folder / "one.vhdx"
            command = ["qemu-img", "create", "-q", "-f", "vhdx", str(file), str(16 * MIB)]
            subprocess.run(command, check=True)
            self.addCleanup(file.unlink, missing_ok=True)

    def disk(self, connection: VolumeConnection, **more: object) -> DiskSpec:
        source = Volume(volume_id=uuid4(), connection=connection, **more)  # type: ignore[arg-type]
        return DiskSpec(key="volume", source=source, size_bytes=16 * MIB)

    def test_a_volume_comes_and_goes_and_outlives_its_vm(self) -> None:
        for connection, drive in self.places.items():
            vm_uuid = self.made(disks=(blank(),))
            disk = self.disk(connection)
            before = self.harness.leftovers()
            for _ in range(2):
                self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
            self.assertEqual({"data", "volume"}, set(self.keys(vm_uuid)))
            for _ in range(2):
                self.hypervisor.detach_disk(vm_uuid, _GONE)
            self.assertEqual(before, self.harness.leftovers())
            other = self.made(disks=(disk,))
            self.hypervisor.start_vm(other, StartRequest())
            self.hypervisor.delete_vm(other, DeleteVmRequest())
            self.assertTrue((drive / "volumes" / "one.vhdx").exists())

    def test_a_logical_unit_after_a_restart_of_the_host(self) -> None:
        first, second = (self.unit(stack) for stack in self.two())
        vm_uuid = self.made(disks=(self.unit_disk(first, "one"), self.unit_disk(second, "two")))
        self.harness.control("end_sessions")
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        for key, made in (("one", first), ("two", second)):
            self.harness.write_as_guest(vm_uuid, key, 0, key.encode().ljust(512))
            content = self.harness.volume_content(made)
            self.assertEqual(key.encode(), content[:3])

    def test_what_cannot_be_passed_on_is_refused(self) -> None:
        made = self.unit(self.stack())
        wrong: tuple[dict[str, Any], ...] = ({"shared": True}, {"read_only": True})
        for more in wrong:
            spec = self.spec(disks=(self.unit_disk(made, **more),))
            self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
        limited = replace(self.unit_disk(made), limits=DiskLimits(requests_per_second=10))
        spec = self.spec(disks=(limited,))
        self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
        other_size = replace(self.unit_disk(made), size_bytes=8 * MIB)
        spec = self.spec(disks=(other_size,))
        self.assertRaises(InvalidRequest, self.hypervisor.create_vm, self.new_uuid(), spec)

    def test_units_of_one_target_share_its_session(self) -> None:
        made = self.unit(self.stack())
        connection: Any = made.connection
        second = self.harness.root / "volumes" / "second-unit"
        second.write_bytes(bytes(4 * MIB))
        self.addCleanup(second.unlink)
        self.harness.control(
            "add_target",
            iqn=connection.target_iqn,
            portal=connection.portals[-1],
            lun=100,
            file=str(second),
        )
        other = replace(made, connection=replace(connection, lun=100))
        vm_uuid = self.made(disks=(self.unit_disk(made, "one"),))
        request = AttachDiskRequest(disk=self.unit_disk(other, "two"))
        self.hypervisor.attach_disk(vm_uuid, request)
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="one"))
        self.assertTrue(self.harness.volume_is_used(made))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertFalse(self.harness.volume_is_used(made))

    def stack(self) -> ExitStack:
        stack = ExitStack()
        self.addCleanup(stack.close)
        return stack

    def two(self) -> tuple[ExitStack, ExitStack]:
        return self.stack(), self.stack()

    def unit(self, stack: ExitStack) -> TestVolume:
        """A logical unit, until the test ends."""
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB)
        return stack.enter_context(self.harness.volume(wish))

    def unit_disk(self, made: TestVolume, key: str = "volume", **more: Any) -> DiskSpec:
        source = Volume(volume_id=uuid4(), connection=made.connection, **more)
        return DiskSpec(key=key, source=source, size_bytes=made.size_bytes)

    def keys(self, vm_uuid: object) -> tuple[str, ...]:
        return self.hypervisor.get_vm(vm_uuid).disk_keys or ()

    def test_a_volume_that_is_away(self) -> None:
        for connection, drive in self.places.items():
            vm_uuid, with_it = self.made(), self.made(disks=(self.disk(connection),))
            (drive / "volumes" / "one.vhdx").unlink()
            request = AttachDiskRequest(disk=self.disk(connection))
            before = self.harness.leftovers()
            error = self.assertRaises(
                PeerUnreachable, self.hypervisor.attach_disk, vm_uuid, request
            )
            self.assertEqual(Resource.VOLUME, error.resource)
            error = self.assertRaises(
                PeerUnreachable, self.hypervisor.start_vm, with_it, StartRequest()
            )
            self.assertEqual(Resource.VOLUME, error.resource)
            self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(with_it).power_state)
            self.assertEqual(before, self.harness.leftovers())
            self.hypervisor.detach_disk(with_it, _GONE)
            self.hypervisor.start_vm(with_it, StartRequest())

    def test_what_hyper_v_does_not_take_is_refused(self) -> None:
        for wrong in (
            FileVolume(path="C:\\x\\..\\one.vhdx", format=DiskFormat.VHDX),
            FileVolume(path="/dev/sda", format=DiskFormat.VHDX),
            SmbVolume(share="server", path="one.vhdx", format=DiskFormat.VHDX),
        ):
            spec = self.spec(disks=(self.disk(wrong),))
            self.assertRaises(InvalidRequest, self.hypervisor.create_vm, self.new_uuid(), spec)
        good = next(iter(self.places))
        for disk in (
            self.disk(FileVolume(path="C:\\volumes\\one.vhdx", format=DiskFormat.RAW)),
            self.disk(good, read_only=True),
        ):
            spec = self.spec(disks=(disk,))
            self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)

    def test_the_connector_names_the_host(self) -> None:
        found = self.hypervisor.volume_connector()
        self.assertEqual(found, self.hypervisor.volume_connector())
        self.assertEqual(self.hypervisor.describe().hostname, found.hostname)
