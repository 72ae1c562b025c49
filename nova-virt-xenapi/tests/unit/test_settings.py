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
    GuestSettings,
    HostDevice,
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

    def test_what_has_no_field_is_refused(self) -> None:
        threads = GuestSettings(cpu=CpuSettings(sockets=1, cores=1, threads=2))
        self.assertRaises(Unsupported, settings.check_settings, threads, 4)
        pin = GuestSettings(cpu_pins=(CpuPin(vcpu=0, host_cpus=(4,)),))
        self.assertRaises(InvalidRequest, settings.check_settings, pin, 4)
