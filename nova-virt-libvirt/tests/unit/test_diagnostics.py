"""Where devices are is read from a definition as libvirt prints it."""

from __future__ import annotations

import testtools
from nova_virt_interface.values.devices import DeviceBus, DeviceMetadata

from nova_virt_libvirt.diagnostics import device_metadata


def disk(key: str, bus: str, address: str) -> str:
    return (
        f"<disk><target dev='x' bus='{bus}'/><serial>{key}</serial>"
        f"<alias name='ua-disk-{key}'/><address {address}/></disk>"
    )


def found(*devices: str) -> list[DeviceMetadata]:
    return list(
        device_metadata(f"<domain><devices>{''.join(devices)}</devices></domain>"),
    )


class TestDeviceMetadata(testtools.TestCase):
    def test_each_bus_has_its_own_kind_of_address(self) -> None:
        pci = "type='pci' domain='0x0000' bus='0x0a' slot='0x1f' function='0x7'"
        drive = "type='drive' controller='1' bus='2' target='3' unit='4'"
        for bus, address, expected in (
            ("virtio", pci, (DeviceBus.PCI, "0000:0a:1f.7")),
            ("scsi", drive, (DeviceBus.SCSI, "1:2:3:4")),
            ("ide", drive, (DeviceBus.IDE, "2:4")),
            ("sata", drive, (DeviceBus.SATA, "1:4")),
        ):
            [device] = found(disk("data", bus, address))
            self.assertEqual(expected, (device.bus, device.address))
            self.assertEqual(("data", "data", None), (device.key, device.serial, device.mac))

    def test_a_nic_has_its_mac(self) -> None:
        [device] = found(
            "<interface><mac address='52:54:00:00:00:01'/><alias name='ua-nic-nic-1'/>"
            "<address type='pci' domain='0' bus='0' slot='0x3' function='0'/></interface>"
        )
        self.assertEqual(("nic-1", "52:54:00:00:00:01"), (device.key, device.mac))
        self.assertEqual("0000:00:03.0", device.address)

    def test_what_has_no_fixed_place_or_is_not_ours_is_left_out(self) -> None:
        no_address = "<disk><target dev='x' bus='virtio'/><alias name='ua-disk-data'/></disk>"
        usb = disk("stick", "usb", "type='usb' bus='0' port='1'")
        floppy = disk("floppy", "fdc", "type='drive' controller='0' bus='0' target='0' unit='0'")
        theirs = (
            "<disk><target dev='x' bus='virtio'/><alias name='virtio-disk0'/>"
            "<address type='pci' domain='0' bus='0' slot='3' function='0'/></disk>"
        )
        self.assertEqual([], found(no_address, usb, floppy, theirs))
