"""What two hosts tell each other, and the definition at the destination."""

from __future__ import annotations

from typing import Any

import testtools
from lxml import etree
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.migration import DriverData

from nova_virt_libvirt.mark import Mark, read_mark
from nova_virt_libvirt.migration_data import Arrival, moved_xml, pack, unpack

ARRIVAL = Arrival(
    vm="00000000-0000-4000-8000-000000000001",
    ticket="t-1",
    mark=Mark(owner="nova", vm="v", spec="s", disks={"root": "d"}, arrived="t-1"),
    console="/there/console.log",
    variables="/there/variables",
    disks={
        "root": "<disk type='file'><driver type='raw'/><source file='/there/root.raw'/></disk>",
        "volume": "<disk type='network'><driver type='raw'/><source protocol='nbd'/></disk>",
    },
    nics={"nic-1": "<interface type='network'><source network='other'/></interface>"},
)
HERE = """
<domain>
  <metadata><x:vm xmlns:x="urn:nova-virt-libvirt:1" owner="nova" spec="old"/></metadata>
  <os><nvram template="/t">/here/variables</nvram></os>
  <devices>
    <disk><driver name="qemu" type="qcow2"/><source file="/here/root.qcow2" index="1"/>
      <backingStore type="file"><source file="/here/image"/></backingStore>
      <target dev="vda"/><alias name="ua-disk-root"/></disk>
    <disk><driver type="raw"/><source file="/here/other"/><alias name="ua-disk-other"/></disk>
    <disk type="block"><driver type="raw"/><source dev="/dev/here"/><target dev="vdc"/>
      <alias name="ua-disk-volume"/></disk>
    <interface type="bridge"><source bridge="br0"/><target dev="nvx"/><mac address="m"/>
      <alias name="ua-nic-nic-1"/></interface>
    <serial type="file"><source path="/here/console.log"/></serial>
  </devices>
</domain>
"""


class TestMovedXml(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.domain: Any = etree.fromstring(moved_xml(HERE, ARRIVAL))

    def test_disks_are_where_the_destination_made_them(self) -> None:
        root, other, _ = self.domain.findall("devices/disk")
        self.assertEqual({"file": "/there/root.raw"}, dict(root.find("source").attrib))
        self.assertEqual("raw", root.find("driver").get("type"))
        self.assertIsNone(root.find("backingStore"))
        self.assertEqual("vda", root.find("target").get("dev"))
        self.assertEqual("/here/other", other.find("source").get("file"))

    def test_a_volume_is_reached_as_there(self) -> None:
        volume = self.domain.findall("devices/disk")[2]
        self.assertEqual("network", volume.get("type"))
        self.assertEqual({"protocol": "nbd"}, dict(volume.find("source").attrib))
        self.assertEqual("vdc", volume.find("target").get("dev"))

    def test_the_variables_of_a_uefi_are_there(self) -> None:
        self.assertEqual("/there/variables", self.domain.findtext("os/nvram"))

    def test_nics_are_plugged_in_as_there(self) -> None:
        nic = self.domain.find("devices/interface")
        self.assertEqual(("network", "other"), (nic.get("type"), nic.find("source").get("network")))
        self.assertIsNone(nic.find("target"))
        self.assertEqual("m", nic.find("mac").get("address"))

    def test_the_mark_is_that_of_a_vm_that_has_come(self) -> None:
        self.assertEqual(ARRIVAL.mark, read_mark(self.domain.find("metadata")))
        path = self.domain.find("devices/serial/source").get("path")
        self.assertEqual("/there/console.log", path)


class TestData(testtools.TestCase):
    def test_an_arrival_is_read_back(self) -> None:
        self.assertEqual(ARRIVAL, Arrival.unpack(ARRIVAL.pack()))

    @rules("MIG-1")
    def test_data_of_another_driver_or_format_are_refused(self) -> None:
        good = pack({"a": 1})
        self.assertEqual({"a": 1}, unpack(good))
        for driver, form in ((good.driver, 999), ("xenapi", good.format)):
            data = DriverData(driver=driver, format=form, content=good.content)
            self.assertRaises(Unsupported, unpack, data)
