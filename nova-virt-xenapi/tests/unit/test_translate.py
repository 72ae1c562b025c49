"""Values to records and back."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import testtools
from hypothesis import given
from hypothesis import strategies as some
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import Blank, DiskSpec, Media, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec
from oslo_config import cfg

from nova_virt_xenapi import translate
from nova_virt_xenapi.conf import Settings, list_opts, settings_from
from nova_virt_xenapi.events import transition
from nova_virt_xenapi.marks import (
    DeviceMark,
    DiskMark,
    ImageMark,
    VmMark,
    device_mark,
    disk_mark,
    image_mark,
    vm_mark,
)
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.testing.simulator.datamodel import datamodel

POOL = Pool(
    host="OpaqueRef:h",
    host_uuid="h",
    host_address="192.0.2.1",
    host_metrics="OpaqueRef:m",
    host_cpus=4,
    storage="OpaqueRef:s",
    storage_uuid="s",
    storage_id=None,
    pool_uuid="p",
    pv_domain_type="pv",
    description=HostDescription(
        hypervisor_type="XCP-ng", hypervisor_version="8.3", hostname="h", cpu_architecture="x86_64"
    ),
)
_NETWORK = NicBacking(kind=NicBackingKind.NETWORK, name="n")

_NAMES = [
    f"nova-virt-{name}"
    for name in (
        "owner",
        "vm",
        "key",
        "spec",
        "clone",
        "image",
        "image-format",
        "image-size",
        "image-published",
    )
]
_TEXTS = [
    "nova", "", "x", "7", "{", "[]", '{"nova-virt-vm": "x"}', '{"nova-virt-owner": 1}', "raw",
    "digest uuid", str(uuid4()),
]  # fmt: skip


def _disk(key: str, boot_index: int | None = None) -> DiskSpec:
    return DiskSpec(key=key, source=Blank(), size_bytes=1, boot_index=boot_index)


def _medium(key: str) -> DiskSpec:
    return DiskSpec(key=key, source=Media(format=MediaFormat.ISO9660, content=b"x"))


def _vm(config: dict[str, str], **more: Any) -> dict[str, Any]:
    usual = {"uuid": "u", "is_a_template": False, "is_a_snapshot": False}
    return {**usual, "other_config": config, **more}


class TestRecords(testtools.TestCase):
    """Records are of the vendor's model."""

    mark = VmMark("nova", uuid4(), str(uuid4()))

    def assert_complete(self, class_name: str, record: dict[str, Any]) -> None:
        fields = datamodel().classes[class_name].fields
        allowed = {name for name, field in fields.items() if field.in_constructor}
        needed = {name for name in allowed if fields[name].required}
        self.assertEqual(set(), needed - record.keys())
        self.assertEqual(set(), record.keys() - allowed)

    def test_every_record_has_what_its_constructor_needs_and_no_more(self) -> None:
        spec = VmSpec(name="x", vcpus=2, memory_bytes=2**30)
        self.assert_complete("VM", translate.vm_record(spec, self.mark, POOL))
        device = DeviceMark("k", "d")
        disk = DiskMark("nova", self.mark.vm_uuid, "k", "d")
        self.assert_complete("VDI", translate.vdi_record("x", "sr", 1, disk))
        self.assert_complete("VBD", translate.vbd_record("v", "d", _disk("k"), "0", device))
        nic = NicSpec(key="k", mac="52:54:00:00:00:01", backing=_NETWORK)
        self.assert_complete("VIF", translate.vif_record("v", "n", "1500", nic, "0", device))

    def test_firmware_and_boot_order(self) -> None:
        def boot(**changes: Any) -> dict[str, str]:
            spec = VmSpec(name="x", vcpus=1, memory_bytes=1, **changes)
            params: dict[str, str] = translate.vm_record(spec, self.mark, POOL)["HVM_boot_params"]
            return params

        self.assertEqual({"order": "d", "firmware": "bios"}, boot())
        self.assertEqual("d", boot(disks=(_disk("a"),))["order"])
        self.assertEqual("c", boot(disks=(_disk("a", 0),))["order"])
        self.assertEqual("uefi", boot(settings=GuestSettings(firmware=Firmware.UEFI))["firmware"])

    def test_the_disk_that_boots_comes_first_and_media_last(self) -> None:
        disks = (_medium("m"), _disk("a"), _disk("c", 2), _disk("b", 1))
        keys = [disk.key for disk in translate.boot_order(disks)]
        self.assertEqual(["b", "c", "a", "m"], keys)

    def test_a_medium_is_read_only(self) -> None:
        device = DeviceMark("k", "d")
        modes = [
            translate.vbd_record("v", "d", disk, "0", device)["mode"]
            for disk in (_medium("m"), _disk("a"))
        ]
        self.assertEqual(["RO", "RW"], modes)

    def test_a_network_s_mtu_holds_where_none_is_asked_for(self) -> None:
        device, mac = DeviceMark("k", "d"), "52:54:00:00:00:01"
        for asked, expected in ((None, "9000"), (1400, "1400")):
            nic = NicSpec(key="k", mac=mac, backing=_NETWORK, mtu_bytes=asked)
            record = translate.vif_record("v", "n", "9000", nic, "0", device)
            self.assertEqual(expected, record["MTU"])

    def test_every_power_state_of_the_model_is_known(self) -> None:
        for name in datamodel().enums["vm_power_state"]:
            self.assertNotEqual(PowerState.UNKNOWN, translate.power_state(name))
        self.assertEqual(PowerState.UNKNOWN, translate.power_state("Dreaming"))

    def test_transitions(self) -> None:
        told = [
            (before, after, kind.value)
            for before in ("Halted", "Running", "Paused", "Suspended")
            for after in ("Halted", "Running", "Paused", "Suspended")
            if (kind := transition(before, after)) is not None
        ]
        self.assertIn(("Halted", "Running", "started"), told)
        self.assertIn(("Paused", "Running", "resumed"), told)
        self.assertIn(("Running", "Halted", "stopped"), told)
        self.assertEqual(12, len(told))


class TestMarks(testtools.TestCase):
    """What is written can be read, and nothing else is taken for it."""

    @given(some.uuids(), some.none() | some.text("0123456789abcdef", min_size=1))
    def test_vms(self, vm_uuid: Any, spec: str | None) -> None:
        mark = VmMark("nova", vm_uuid, "host", spec)
        self.assertEqual(mark, vm_mark(_vm(mark.as_config())))

    def test_a_vm_is_complete_by_its_own_uuid_and_its_copy_is_known(self) -> None:
        config = VmMark("nova", uuid4(), "host", "digest", own="u").as_config()
        for uuid, is_copy in (("u", False), ("another", True)):
            found = vm_mark(_vm(config, uuid=uuid))
            self.assertEqual(("digest", is_copy), found and (found.spec, found.is_copy))

    def test_foreign_vms_templates_and_snapshots_have_none(self) -> None:
        config = VmMark("nova", uuid4(), "host", "s").as_config()
        for record in (
            _vm({}),
            _vm(config) | {"is_a_template": True},
            _vm(config) | {"is_a_snapshot": True},
        ):
            self.assertIsNone(vm_mark(record))

    @given(some.uuids(), some.text(), some.text(), some.text())
    def test_disks(self, vm_uuid: Any, key: str, digest: str, image: str) -> None:
        mark = DiskMark("nova", vm_uuid, key, digest, image)
        record = {"uuid": "u", "other_config": mark.as_config()}
        self.assertEqual(mark, disk_mark(record, "nova"))
        self.assertIsNone(disk_mark(record, "others"))
        self.assertIsNone(image_mark(record, "nova"))

    def test_devices(self) -> None:
        mark = DeviceMark("k", "d")
        self.assertEqual(mark, device_mark({"other_config": mark.as_config()}))
        self.assertIsNone(device_mark({"other_config": {}}))

    def test_an_image_is_published_by_its_own_uuid_and_its_copy_is_none(self) -> None:
        clone = DiskMark("nova", uuid4(), "root", "digest", "i", "source")
        mark = ImageMark("nova", "i", DiskFormat.RAW, 7, published="u", clone=clone)
        config = mark.as_config()
        own, copy = ({"uuid": uuid, "other_config": config} for uuid in ("u", "another"))
        found = image_mark(own, "nova")
        self.assertEqual(("i", 7, "u"), found and (found.key, found.size_bytes, found.published))
        self.assertIsNone(disk_mark(own, "nova"))
        self.assertIsNone(image_mark(copy, "nova"))
        self.assertEqual(clone, disk_mark(copy, "nova"))

    @given(some.dictionaries(some.sampled_from(_NAMES), some.sampled_from(_TEXTS)))
    def test_what_others_write_there_is_a_mark_or_none(self, config: dict[str, str]) -> None:
        record = {
            "other_config": config,
            "uuid": "u",
            "is_a_template": False,
            "is_a_snapshot": False,
        }
        vm_mark(record)
        disk_mark(record, "nova")
        image_mark(record, "nova")

    def test_equal_specs_have_equal_digests(self) -> None:
        self.assertEqual(spec_digest(_disk("a")), spec_digest(_disk("a")))
        self.assertNotEqual(spec_digest(_disk("a")), spec_digest(_disk("a", 0)))


class TestSettings(testtools.TestCase):
    """Options."""

    def read(self, **options: Any) -> Settings:
        conf = cfg.ConfigOpts()
        conf(args=[])
        settings_from(conf, "group")
        for name, value in options.items():
            conf.set_override(name, value, group="group")
        return settings_from(conf, "group")

    def test_the_password_is_hidden(self) -> None:
        settings = self.read(password="s3cret")
        self.assertEqual("s3cret", settings.password)
        self.assertNotIn("s3cret", repr(settings))
        (options,) = (options for _, options in list_opts())
        self.assertTrue(next(option for option in options if option.name == "password").secret)
        self.assertTrue(all(option.help for option in options))

    def test_what_makes_no_sense_is_refused(self) -> None:
        for changes in (
            {"url": "http://host"},
            {"url": "host"},
            {"url": "https://root:password@host"},
            {"owner": "Nova!"},
            {"owner": ""},
        ):
            error = self.assertRaises(InvalidRequest, Settings, **changes)
            self.assertIn(error.field, changes)
            self.assertNotIn("root:password", str(error))

    def test_wrong_options_are_named(self) -> None:
        self.assertRaises((InvalidRequest, ValueError), self.read, owner="Nova!")
