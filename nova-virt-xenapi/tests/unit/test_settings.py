"""A guest's settings as fields of its VM."""

from __future__ import annotations

import testtools
from hypothesis import given
from hypothesis import strategies as some
from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.guest_settings import (
    CpuPin,
    CpuSettings,
    Firmware,
    GuestMode,
    GuestSettings,
    HostDevice,
    Tpm,
    VmFeature,
)

from nova_virt_xenapi import settings


class TestSettings(testtools.TestCase):
    """Pure functions."""

    def test_secure_boot_brings_uefi(self) -> None:
        asked = GuestSettings(secure_boot=True)
        self.assertEqual(Firmware.UEFI, settings.firmware_of(asked))
        self.assertEqual("true", settings.platform(asked)["secureboot"])
        self.assertNotIn("secureboot", settings.platform(GuestSettings()))

    @given(some.integers(1, 8), some.integers(1, 16), some.data())
    def test_every_vcpu_has_a_mask_of_its_own(
        self, vcpus: int, cpus: int, data: some.DataObject
    ) -> None:
        hosts = some.lists(some.integers(0, cpus - 1), min_size=1, unique=True).map(tuple)
        pinned = data.draw(some.dictionaries(some.integers(0, vcpus - 1), hosts, min_size=1))
        pins = tuple(CpuPin(vcpu=vcpu, host_cpus=mask) for vcpu, mask in pinned.items())
        text = settings.vcpus_params(GuestSettings(cpu_pins=pins), vcpus, cpus)["mask"]
        masks = [tuple(map(int, mask.split(","))) for mask in text.split(";")]
        everywhere = tuple(range(cpus))
        self.assertEqual([pinned.get(vcpu, everywhere) for vcpu in range(vcpus)], masks)

    def test_devices_are_numbered(self) -> None:
        devices = tuple(HostDevice(key=f"d{n}", address=f"0000:3b:00.{n}") for n in range(2))
        found = settings.other_config(GuestSettings(host_devices=devices))
        self.assertEqual({"pci": "0/0000:3b:00.0,1/0000:3b:00.1"}, found)

    def test_each_mode_has_its_domain_type(self) -> None:
        for mode, kind in ((None, "hvm"), (GuestMode.HVM, "hvm"), (GuestMode.PVH, "pvh")):
            found = settings.boot_fields(GuestSettings(mode=mode), "pv_in_pvh", boots=True)
            self.assertEqual(kind, found["domain_type"])
            self.assertEqual(kind == "hvm", bool(found["HVM_boot_policy"]))
            self.assertEqual(kind != "hvm", bool(found["PV_bootloader"]))
        paravirtualized = GuestSettings(mode=GuestMode.PV)
        for kind in ("pv", "pv_in_pvh"):
            found = settings.boot_fields(paravirtualized, kind, boots=True)
            self.assertEqual(kind, found["domain_type"])

    def test_an_old_pool_has_no_pvh(self) -> None:
        for version, has_pvh in (("1.249", False), ("24.19", True), ("", False)):
            found = settings.features({"software_version": {"xapi": version}})
            self.assertEqual(has_pvh, VmFeature.PVH_GUESTS in found)

    def test_what_a_mode_does_not_have_is_refused(self) -> None:
        device = HostDevice(key="d", address="0000:3b:00.0")
        for wrong in (
            GuestSettings(mode=GuestMode.PV, tpm=Tpm()),
            GuestSettings(mode=GuestMode.PVH, tpm=Tpm()),
            GuestSettings(mode=GuestMode.PVH, host_devices=(device,)),
        ):
            self.assertRaises(Unsupported, settings.check_settings, wrong, 4)

    def test_what_has_no_field_is_refused(self) -> None:
        threads = GuestSettings(cpu=CpuSettings(sockets=1, cores=1, threads=2))
        self.assertRaises(Unsupported, settings.check_settings, threads, 4)
        pin = GuestSettings(cpu_pins=(CpuPin(vcpu=0, host_cpus=(4,)),))
        self.assertRaises(InvalidRequest, settings.check_settings, pin, 4)
