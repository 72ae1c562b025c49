"""Disks, media and NICs as virtual hardware."""

from __future__ import annotations

import testtools
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import Blank, DiskBus, DiskSpec, Media, MediaFormat
from pyVmomi import vim

from nova_virt_vmware import devices
from nova_virt_vmware.devices import Slot


def blank(key: str, boot_index: int | None = None, bus: DiskBus | None = None) -> DiskSpec:
    return DiskSpec(key=key, source=Blank(), size_bytes=1000, boot_index=boot_index, bus=bus)


class TestSlots(testtools.TestCase):
    """Where disks are plugged in."""

    def test_what_boots_first_is_first(self) -> None:
        found = devices.free_slots([blank("a"), blank("b", 1), blank("c", 0)], ())
        self.assertEqual(["c", "b", "a"], sorted(found, key=lambda key: found[key].unit))

    def test_taken_units_and_the_controllers_own_are_left_out(self) -> None:
        taken = {Slot("pvscsi", unit) for unit in range(7)}
        self.assertEqual(Slot("pvscsi", 8), devices.free_slots([blank("a")], taken)["a"])

    def test_a_full_bus_is_refused(self) -> None:
        disks = [blank(f"d{number}") for number in range(16)]
        error = self.assertRaises(Unsupported, devices.free_slots, disks, ())
        self.assertEqual("disks[d15].bus", error.field)
        devices.free_slots([*disks[:15], blank("x", bus=DiskBus.SATA)], ())

    def test_a_slot_is_read_back(self) -> None:
        self.assertEqual(Slot("sata", 3), Slot.parse(str(Slot("sata", 3))))


class TestHardware(testtools.TestCase):
    """Finding devices in a VM's hardware."""

    def setUp(self) -> None:
        super().setUp()
        kind = vim.vm.device
        self.hardware = [
            kind.ParaVirtualSCSIController(key=1000, busNumber=0),
            kind.VirtualDisk(key=2000, controllerKey=1000, unitNumber=3),
            kind.VirtualVmxnet3(key=4000, macAddress="52:54:00:AA:00:01", controllerKey=100),
        ]

    def test_by_slot_and_by_mac(self) -> None:
        self.assertEqual(2000, devices.at_slot(self.hardware, Slot("pvscsi", 3)).key)
        self.assertIsNone(devices.at_slot(self.hardware, Slot("pvscsi", 4)))
        self.assertIsNone(devices.at_slot(self.hardware, Slot("sata", 3)))
        self.assertEqual(4000, devices.of_mac(self.hardware, "52:54:00:aa:00:01").key)
        self.assertIsNone(devices.of_mac(self.hardware, "52:54:00:aa:00:02"))
        self.assertEqual({Slot("pvscsi", 3)}, devices.slots_taken(self.hardware))

    def test_a_controller_is_added_once(self) -> None:
        present = devices.controllers(self.hardware)
        self.assertEqual([], devices.added_controllers(["pvscsi"], present))
        (change,) = devices.added_controllers(["sata", "pvscsi"], present)
        self.assertEqual(present["sata"], change.device.key)
        self.assertIsInstance(change.device, vim.vm.device.VirtualAHCIController)


class TestDisks(testtools.TestCase):
    """What is made of a disk."""

    def test_a_size_is_rounded_up(self) -> None:
        change = devices.added_disk(blank("a"), Slot("pvscsi", 0), 1000, "[ds] a.vmdk")
        self.assertEqual((1, 1024), (change.device.capacityInKB, change.device.capacityInBytes))
        self.assertEqual("create", change.fileOperation)

    def test_a_medium_is_a_cdrom_whose_file_exists(self) -> None:
        medium = DiskSpec(key="m", source=Media(format=MediaFormat.ISO9660, content=b"x"))
        change = devices.added_disk(medium, Slot("sata", 0), 15000, "[ds] m.iso")
        self.assertIsInstance(change.device, vim.vm.device.VirtualCdrom)
        self.assertIsNone(change.fileOperation)
