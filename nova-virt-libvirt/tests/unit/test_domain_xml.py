"""Domain XML says what the spec says, whatever is in its texts, and is read back as written."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID, uuid4

import testtools
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import Blank, DiskBus, DiskSpec, Media, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicModel, NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.disk_xml import StoredDisk
from nova_virt_libvirt.domain_description import read_domain
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.mark import NAMESPACE, Mark, mark_text, read_mark
from nova_virt_libvirt.names import VmFiles

HOST = Capabilities(
    description=HostDescription(
        hypervisor_type="QEMU",
        hypervisor_version="7.2",
        hostname="host",
        cpu_architecture="x86_64",
        disk_buses=(DiskBus.VIRTIO, DiskBus.SCSI),
        nic_models=(NicModel.VIRTIO,),
    ),
    domain_type="qemu",
    machine="pc-i440fx-7.2",
    secure_machine="pc-q35-7.2",
    is_emulator=True,
)
FILES = VmFiles(console="/log", variables="/pool/variables")
SPEC = VmSpec(name="vm", vcpus=1, memory_bytes=1024)
HOSTILE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1) | st.sampled_from(
    ["</title><devices>", "a & b", "'\"'", "]]>", "<!--", "&lt;", "two\nlines", "\ttab"]
)


def build(spec: VmSpec, disks: tuple[StoredDisk, ...] = (), vm_uuid: UUID | None = None) -> Any:
    known = vm_uuid or uuid4()
    text = domain_xml(known, spec, disks, HOST, Mark.of("nova", known, spec), FILES)
    return etree.fromstring(text)


def disk(key: str, **more: Any) -> StoredDisk:
    spec = DiskSpec(key=key, source=Blank(), size_bytes=1, **more)
    return StoredDisk(spec=spec, path=f"/pool/{key}", format="qcow2")


class TestDomainXml(testtools.TestCase):
    @given(text=HOSTILE)
    def test_no_text_breaks_out(self, text: str) -> None:
        spec = dataclasses.replace(SPEC)
        # Behind the contract's own check, which refuses control characters.
        object.__setattr__(spec, "name", text)
        backing = NicBacking(kind=NicBackingKind.NETWORK, name="x")
        object.__setattr__(backing, "name", text)
        nic = NicSpec(key="a", mac="52:54:00:00:00:01", backing=backing)
        object.__setattr__(spec, "nics", (nic,))
        domain = build(spec)
        self.assertEqual(text, domain.findtext("title"))
        source = domain.find("devices/interface/source").get("network")
        self.assertEqual(text, source)
        plain = build(dataclasses.replace(SPEC, nics=(nic,)))
        self.assertEqual(
            [element.tag for element in plain.iter()], [element.tag for element in domain.iter()]
        )

    def test_a_text_that_xml_cannot_hold_is_refused(self) -> None:
        for text in ("null\0", "bell\a", "\ud800"):
            spec = dataclasses.replace(SPEC)
            object.__setattr__(spec, "name", text)
            self.assertRaises(InvalidRequest, build, spec)

    def test_it_says_what_the_spec_says(self) -> None:
        vm_uuid = uuid4()
        spec = VmSpec(
            name="vm",
            vcpus=3,
            memory_bytes=128 * 2**20,
            settings=GuestSettings(firmware=Firmware.UEFI),
        )
        domain = build(spec, vm_uuid=vm_uuid)
        self.assertEqual(f"nova-{vm_uuid}", domain.findtext("name"))
        self.assertEqual(str(vm_uuid), domain.findtext("uuid"))
        self.assertEqual("3", domain.findtext("vcpu"))
        self.assertEqual(str(128 * 2**20), domain.findtext("memory"))
        self.assertEqual("b", domain.find("memory").get("unit"))
        self.assertEqual("efi", domain.find("os").get("firmware"))
        self.assertEqual("/log", domain.find("devices/serial/source").get("path"))

    def test_disks_have_names_and_an_order_of_their_own(self) -> None:
        media = DiskSpec(key="m", source=Media(format=MediaFormat.ISO9660, content=b"x"))
        disks = (
            disk("a", boot_index=1),
            disk("b", boot_index=0),
            disk("c", bus=DiskBus.SCSI),
            StoredDisk(spec=media, path="/pool/m", format="raw"),
        )
        found = build(SPEC, disks).findall("devices/disk")
        targets = [element.find("target").get("dev") for element in found]
        self.assertEqual(["vda", "vdb", "sda", "hda"], targets)
        self.assertEqual(["2", "1"], [boot.get("order") for e in found for boot in e.iter("boot")])
        self.assertEqual(["disk", "disk", "disk", "cdrom"], [e.get("device") for e in found])
        self.assertIsNotNone(found[3].find("readonly"))
        self.assertIsNone(found[0].find("readonly"))
        self.assertEqual("raw", found[3].find("driver").get("type"))

    def test_a_serial_number_that_would_be_cut_is_left_out(self) -> None:
        found = build(SPEC, (disk("short"), disk("a" * 21))).findall("devices/disk")
        self.assertEqual(["short", None], [element.findtext("serial") for element in found])

    def test_nics_have_backing_model_and_mtu(self) -> None:
        bridge = NicBacking(kind=NicBackingKind.BRIDGE, name="br0")
        user = NicBacking(kind=NicBackingKind.USER)
        nics = (
            NicSpec(key="a", mac="52:54:00:00:00:01", backing=bridge, mtu_bytes=1400),
            NicSpec(key="b", mac="52:54:00:00:00:02", backing=user, model=NicModel.E1000),
        )
        first, second = build(dataclasses.replace(SPEC, nics=nics)).findall("devices/interface")
        self.assertEqual("br0", first.find("source").get("bridge"))
        self.assertEqual("1400", first.find("mtu").get("size"))
        self.assertEqual("virtio", first.find("model").get("type"))
        self.assertEqual("user", second.get("type"))
        self.assertEqual("e1000", second.find("model").get("type"))
        self.assertIsNone(second.find("source"))
        self.assertEqual("no", second.find("rom").get("enabled"))

    def test_what_was_written_is_read_back(self) -> None:
        vm_uuid = uuid4()
        nic = NicSpec(
            key="n", mac="52:54:00:00:00:01", backing=NicBacking(kind=NicBackingKind.USER)
        )
        spec = VmSpec(name="a <b>", vcpus=1, memory_bytes=1, disks=(disk("a").spec,), nics=(nic,))
        read = read_domain(
            domain_xml(vm_uuid, spec, (disk("a"),), HOST, Mark.of("nova", vm_uuid, spec), FILES)
        )
        self.assertEqual((vm_uuid, "a <b>"), (read.vm_uuid, read.label))
        self.assertEqual(Mark.of("nova", vm_uuid, spec), read.mark)
        self.assertEqual(["a"], [known.key for known in read.disks])
        self.assertEqual(("n",), read.nic_keys)

    def test_a_foreign_domain_has_no_mark(self) -> None:
        other = f"<domain><uuid>{uuid4()}</uuid><name>x</name><metadata>{{}}</metadata></domain>"
        for metadata in ("", "<x/>", '<vm owner="nova" spec=""/>'):
            read = read_domain(other.format(metadata))
            self.assertIsNone(read.mark)
            self.assertEqual("x", read.label)

    def test_the_mark_survives_a_change_of_devices(self) -> None:
        mark = Mark(owner="nova", vm="v", spec="s").with_device("disk", "a", "1")
        mark = mark.with_device("nic", "a", "2")
        self.assertEqual(({"a": "1"}, {"a": "2"}), (mark.disks, mark.nics))
        inner = mark_text(mark).replace("<vm ", f'<vm xmlns="{NAMESPACE}" ')
        self.assertEqual(mark, read_mark(etree.fromstring(f"<metadata>{inner}</metadata>")))
        self.assertEqual({}, mark.with_device("disk", "a", None).disks)

    def test_the_tickets_of_a_mark_are_read_back(self) -> None:
        mark = Mark(
            owner="nova", vm="v", spec="s", expected="1", copying="2", copied="3", copy_of="4"
        )
        inner = mark_text(mark).replace("<vm ", f'<vm xmlns="{NAMESPACE}" ')
        self.assertEqual(mark, read_mark(etree.fromstring(f"<metadata>{inner}</metadata>")))
