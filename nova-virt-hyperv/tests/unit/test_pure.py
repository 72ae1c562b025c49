"""Names, marks, states, checks and settings."""

from __future__ import annotations

from uuid import UUID, uuid4

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.disks import DiskBus
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec
from oslo_config import cfg

from nova_virt_hyperv import translate
from nova_virt_hyperv.cim import Instance
from nova_virt_hyperv.conf import Settings, list_opts, settings_from
from nova_virt_hyperv.mark import DeviceName, DiskName, Mark

from .backend import MIB, blank, from_image, medium, nic

_HOST = translate.describe(
    Instance("", {"DNSHostName": ("host",)}), Instance("", {"Version": ("10.0",)})
)
_GUID = "F079CE3E-7E0C-4D8A-A17B-E89B58FE961F"


class TestMark(testtools.TestCase):
    @given(st.uuids(), st.text(), st.text())
    def test_it_is_found_among_an_operators_notes(self, uuid: UUID, one: str, two: str) -> None:
        mark = Mark("nova", uuid, _GUID, "0" * 64)
        self.assertEqual(mark, Mark.read(f"{one}\n{mark}\n{two}"))

    def test_a_copy_is_not_the_vm(self) -> None:
        mark = Mark("nova", uuid4(), _GUID, "0" * 64)
        self.assertTrue(mark.is_of(_GUID.lower()))
        self.assertFalse(mark.is_of(str(uuid4())))

    def test_notes_without_a_mark(self) -> None:
        for notes in ("", "nova-virt", "[nova-virt owner=x]"):
            self.assertIsNone(Mark.read(notes))


class TestNames(testtools.TestCase):
    def test_a_file_says_which_disk_it_is(self) -> None:
        vm_uuid = uuid4()
        for spec in (blank("a-b-c"), medium(), from_image()):
            name = DiskName.of(vm_uuid, spec)
            self.assertEqual(name, DiskName.read(f"C:\\Nova\\DISKS\\{str(name).upper()}"))

    def test_another_spec_has_another_name_but_other_content_has_not(self) -> None:
        vm_uuid = uuid4()
        self.assertEqual(DiskName.of(vm_uuid, medium()), DiskName.of(vm_uuid, medium(b"new")))
        smaller = from_image(size_bytes=16 * MIB)
        self.assertNotEqual(DiskName.of(vm_uuid, from_image()), DiskName.of(vm_uuid, smaller))

    def test_it_fits_into_a_path_of_windows(self) -> None:
        longest = DiskName.of(uuid4(), from_image("k" * 40, "i" * 160))
        storage = Settings(host="h", username="u", password="p", storage_path="C:\\" + 97 * "x")
        self.assertLess(len(f"{storage.storage_path}\\disks\\{longest}"), 260)

    def test_strange_names_are_nobodys(self) -> None:
        for name in ("", "a.b.c.d.e", "x.vhdx", f"{uuid4()}.a.b"):
            self.assertIsNone(DiskName.read(name))
        self.assertIsNone(DeviceName.read("Network Adapter"))
        self.assertEqual(DeviceName.of(nic()), DeviceName.read(str(DeviceName.of(nic()))))


class TestTranslate(testtools.TestCase):
    def test_states(self) -> None:
        for enabled_state, expected in (
            (2, PowerState.RUNNING),
            (3, PowerState.STOPPED),
            (6, PowerState.SUSPENDED),
            (9, PowerState.PAUSED),
            (10, PowerState.STOPPED),
            (32774, PowerState.RUNNING),
            (32777, PowerState.PAUSED),
            (32782, PowerState.STOPPED),
            (4711, PowerState.UNKNOWN),
            (None, PowerState.UNKNOWN),
        ):
            self.assertEqual(expected, translate.power_state(enabled_state), str(enabled_state))

    def test_what_the_host_does_not_take(self) -> None:
        def spec(**more: object) -> VmSpec:
            fields: dict[str, object] = {"name": "x", "vcpus": 1, "memory_bytes": 64 * MIB}
            return VmSpec(**fields | more)  # type: ignore[arg-type]

        translate.check_vm(spec(), _HOST)
        bios_disk = (blank(bus=DiskBus.IDE),)
        translate.check_vm(
            spec(disks=bios_disk, settings=GuestSettings(firmware=Firmware.BIOS)), _HOST
        )
        for wrong in (
            spec(memory_bytes=63 * MIB),
            spec(memory_bytes=16 * MIB),
            spec(disks=bios_disk),
            spec(disks=(blank(bus=DiskBus.VIRTIO),)),
            spec(disks=(blank(format=DiskFormat.QCOW2),)),
        ):
            error = self.assertRaises(Unsupported, translate.check_vm, wrong, _HOST)
            self.assertTrue(error.field)

    def test_spellings(self) -> None:
        uuid = UUID("62aa8ccf-acd5-417e-8011-11dcbbdc1d47")
        self.assertEqual("{62AA8CCF-ACD5-417E-8011-11DCBBDC1D47}", translate.bios_guid(uuid))
        self.assertEqual("525400AB00FF", translate.mac_text("52:54:00:ab:00:ff"))


class TestSettings(testtools.TestCase):
    def test_defaults_and_secrets(self) -> None:
        conf = cfg.ConfigOpts()
        conf([])
        conf.register_opts(list_opts()[0][1], group="one")
        for name, text in (("host", "h"), ("username", "u"), ("password", "s3cret")):
            conf.set_override(name, text, group="one")
        settings = settings_from(conf, "one")
        self.assertEqual(("h", 5986, True), (settings.host, settings.port, settings.tls))
        self.assertNotIn("s3cret", repr(settings))

    def test_wrong_settings_name_the_option(self) -> None:
        right = {"host": "h", "username": "u", "password": "p"}
        for wrong in (
            {"host": ""},
            {"owner": "Nova!"},
            {"storage_path": "/var/lib"},
            {"storage_path": "C:\\" + 200 * "x"},
            {"auth": "basic", "tls": False},
            {"dynamic_memory_ratio": 0.5},
        ):
            fields: dict[str, object] = {**right, **wrong}
            error = self.assertRaises(InvalidRequest, Settings, **fields)
            self.assertIn(error.field, wrong)
