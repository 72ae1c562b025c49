"""What values refuse to hold."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import testtools
from hypothesis import example, given
from hypothesis import strategies as st

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.disks import (
    Blank,
    DetachDiskRequest,
    DiskSpec,
    FromImage,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.events import EventKind, VmEvent
from nova_virt_interface.values.guest_settings import Firmware, GuestMode, GuestSettings
from nova_virt_interface.values.images import CacheImageRequest, DiskFormat
from nova_virt_interface.values.instances import (
    Checksum,
    Flavor,
    GuestMetadata,
    Image,
    Port,
    PowerOffRequest,
    SpawnRequest,
)
from nova_virt_interface.values.nics import DetachNicRequest, NicBacking, NicBackingKind, NicSpec
from nova_virt_interface.values.power import RebootKind, RebootRequest, StopRequest
from nova_virt_interface.values.vm import VmSpec

HOSTILE = st.text() | st.text(alphabet="ab/.\0\n\r\\ :-_", max_size=12)
NETWORK = NicBacking(kind=NicBackingKind.NETWORK, name="net")
NIC = NicSpec(key="nic", mac="52:54:00:00:00:01", backing=NETWORK)
DISK = DiskSpec(key="disk", source=Blank(), size_bytes=1)
VM = VmSpec(name="vm", vcpus=1, memory_bytes=1)
FLAVOR = Flavor(vcpus=1, memory_bytes=1, root_bytes=1)
CHECKSUM = Checksum(algorithm="sha256", hex_digest="0" * 64)
IMAGE = Image(image_id="image", format=DiskFormat.RAW, size_bytes=1, checksum=CHECKSUM)
PORT = Port(port_id=uuid4(), mac="52:54:00:00:00:01", backing=NETWORK)
SPAWN = SpawnRequest(
    name="x", flavor=FLAVOR, image=IMAGE, metadata=GuestMetadata(hostname="host"), ports=(PORT,)
)
WITH_UEFI = GuestSettings(firmware=Firmware.UEFI)
CACHE = CacheImageRequest(key="image", format=DiskFormat.RAW, size_bytes=1)

KEYED: tuple[Callable[[str], Any], ...] = (
    lambda key: dataclasses.replace(DISK, key=key),
    lambda key: dataclasses.replace(NIC, key=key),
    lambda key: dataclasses.replace(CACHE, key=key),
    lambda key: FromImage(image_key=key),
    lambda key: DetachDiskRequest(key=key),
    lambda key: DetachNicRequest(key=key),
    lambda key: dataclasses.replace(IMAGE, image_id=key),
    lambda key: GuestMetadata(hostname=key),
    lambda key: dataclasses.replace(CHECKSUM, hex_digest=key),
    lambda key: dataclasses.replace(CHECKSUM, algorithm=key),
)
"""Makers of values from the texts that end up in file names or commands."""

WRONG: tuple[tuple[Any, dict[str, Any], str], ...] = (
    (VM, {"vcpus": 0}, "vcpus"),
    (VM, {"memory_bytes": 0}, "memory_bytes"),
    (VM, {"name": ""}, "name"),
    (VM, {"name": "x" * 256}, "name"),
    (VM, {"disks": (DISK, DISK)}, "disks"),
    (VM, {"nics": (NIC, dataclasses.replace(NIC, mac="52:54:00:00:00:02"))}, "nics"),
    (VM, {"nics": (NIC, dataclasses.replace(NIC, key="other"))}, "nics.mac"),
    (DISK, {"size_bytes": 0}, "size_bytes"),
    (DISK, {"size_bytes": None}, "size_bytes"),
    (DISK, {"boot_index": -1}, "boot_index"),
    (DISK, {"source": Media(format=MediaFormat.VFAT, content=b"x")}, "size_bytes"),
    (Media(format=MediaFormat.VFAT, content=b"x"), {"content": b""}, "content"),
    (DetachDiskRequest(key="x"), {"guest_timeout_seconds": -1.0}, "guest_timeout_seconds"),
    (DetachNicRequest(key="x"), {"guest_timeout_seconds": -1.0}, "guest_timeout_seconds"),
    (NIC, {"mtu_bytes": 67}, "mtu_bytes"),
    (NETWORK, {"name": ""}, "name"),
    (NETWORK, {"name": "br0\n"}, "name"),
    (CACHE, {"size_bytes": 0}, "size_bytes"),
    (WITH_UEFI, {"firmware": Firmware.BIOS, "secure_boot": True}, "secure_boot"),
    (WITH_UEFI, {"mode": GuestMode.PV}, "mode"),
    (GuestSettings(mode=GuestMode.PVH), {"secure_boot": True}, "mode"),
    (StopRequest(), {"graceful_timeout_seconds": -0.1}, "graceful_timeout_seconds"),
    (StopRequest(), {"graceful_timeout_seconds": float("nan")}, "graceful_timeout_seconds"),
    (
        RebootRequest(kind=RebootKind.SOFT),
        {"graceful_timeout_seconds": -1},
        "graceful_timeout_seconds",
    ),
    (PowerOffRequest(), {"graceful_timeout_seconds": -1}, "graceful_timeout_seconds"),
    (CHECKSUM, {"algorithm": "md5"}, "algorithm"),
    (CHECKSUM, {"hex_digest": "0" * 63}, "hex_digest"),
    (CHECKSUM, {"algorithm": "sha512"}, "hex_digest"),
    (CHECKSUM, {"hex_digest": "A" * 64}, "hex_digest"),
    (IMAGE, {"size_bytes": 0}, "size_bytes"),
    (FLAVOR, {"vcpus": 0}, "vcpus"),
    (FLAVOR, {"memory_bytes": 0}, "memory_bytes"),
    (FLAVOR, {"root_bytes": 0}, "root_bytes"),
    (FLAVOR, {"ephemeral_bytes": -1}, "ephemeral_bytes"),
    (FLAVOR, {"swap_bytes": -1}, "swap_bytes"),
    (PORT, {"mac": "52:54:00"}, "mac"),
    (PORT, {"mtu_bytes": 1}, "mtu_bytes"),
    (SPAWN, {"name": "a\nb"}, "name"),
    (SPAWN, {"ports": (PORT, dataclasses.replace(PORT, mac="52:54:00:00:00:02"))}, "ports"),
    (SPAWN, {"ports": (PORT, dataclasses.replace(PORT, port_id=uuid4()))}, "ports.mac"),
)


class TestTexts(testtools.TestCase):
    @rules("DISK-1", "NIC-1", "IMG-1")
    @given(HOSTILE)
    @example("a/b")
    @example("..")
    @example("a\0")
    @example("a\n")
    @example("")
    def test_no_key_holds_a_path_a_null_or_a_newline(self, text: str) -> None:
        for make in KEYED:
            try:
                make(text)
            except InvalidRequest as error:
                self.assertTrue(error.field)
            else:
                self.assertTrue(text)
                self.assertLessEqual(set(text), set(string.ascii_letters + string.digits + "-_"))
                self.assertNotIn(text[0], "-_")

    @rules("SPEC-1")
    @given(st.text())
    @example("\N{LINE SEPARATOR}")
    @example("\ud800")
    @example("\N{RIGHT-TO-LEFT OVERRIDE}")
    def test_a_label_is_any_printable_text(self, name: str) -> None:
        good = 0 < len(name) <= 255 and name.isprintable()
        for value in (VM, SPAWN):
            if good:
                self.assertEqual(name, dataclasses.replace(value, name=name).name)
            else:
                error = self.assertRaises(InvalidRequest, dataclasses.replace, value, name=name)
                self.assertEqual("name", error.field)

    @rules("NIC-1", "NIC-2")
    @given(st.binary(min_size=6, max_size=6))
    def test_a_mac_address_is_unicast_and_in_lower_case(self, octets: bytes) -> None:
        mac = octets.hex(":")
        if octets[0] & 1:
            self.assertRaises(InvalidRequest, dataclasses.replace, NIC, mac=mac)
        else:
            self.assertEqual(mac, dataclasses.replace(NIC, mac=mac).mac)
        if mac != mac.upper():
            self.assertRaises(InvalidRequest, dataclasses.replace, NIC, mac=mac.upper())

    @rules("NIC-1")
    @given(HOSTILE | st.text(alphabet="0123456789abcdef:-\n", max_size=20))
    @example("52:54:00:00:00:01\n")
    @example("\N{ARABIC-INDIC DIGIT FIVE}2:54:00:00:00:01")
    def test_what_passes_as_a_mac_address_is_one(self, text: str) -> None:
        try:
            dataclasses.replace(NIC, mac=text)
        except InvalidRequest as error:
            self.assertEqual("mac", error.field)
        else:
            self.assertEqual(text, bytes.fromhex(text.replace(":", "")).hex(":"))

    @rules("IMG-1")
    @given(
        st.sampled_from([("sha256", 32), ("sha384", 48), ("sha512", 64)]).flatmap(
            lambda kind: st.builds(
                Checksum,
                algorithm=st.just(kind[0]),
                hex_digest=st.binary(min_size=kind[1], max_size=kind[1]).map(bytes.hex),
            )
        ),
        st.sampled_from(DiskFormat),
    )
    def test_the_key_of_an_image_is_a_key_of_the_cache(
        self, checksum: Checksum, format: DiskFormat
    ) -> None:
        image = dataclasses.replace(IMAGE, checksum=checksum, format=format)
        self.assertEqual(image.cache_key, dataclasses.replace(CACHE, key=image.cache_key).key)


class TestValues(testtools.TestCase):
    @rules("DISK-1", "NIC-1")
    def test_each_wrong_field_is_named(self) -> None:
        for good, change, field in WRONG:
            error = self.assertRaises(InvalidRequest, dataclasses.replace, good, **change)
            self.assertEqual(field, error.field, f"{type(good).__name__} {change}")
            self.assertIn(field, error.message)

    @rules("DISK-1")
    def test_two_disks_cannot_have_one_place_in_the_boot_order(self) -> None:
        disks = tuple(dataclasses.replace(DISK, key=key, boot_index=0) for key in "ab")
        error = self.assertRaises(InvalidRequest, dataclasses.replace, VM, disks=disks)
        self.assertEqual("disks.boot_index", error.field)

    def test_a_network_of_the_hosts_own_sockets_needs_no_name(self) -> None:
        self.assertEqual("", NicBacking(kind=NicBackingKind.USER).name)

    @rules("MEDIA-1", "SEC-1")
    def test_a_medium_shows_the_size_of_its_content_only(self) -> None:
        shown = repr(Media(format=MediaFormat.VFAT, content=b"password 1234"))
        self.assertNotIn("1234", shown)
        self.assertIn("13 bytes", shown)

    def test_events_have_aware_times_and_fit_their_kind(self) -> None:
        now = datetime.now(UTC)
        VmEvent(kind=EventKind.STARTED, at=now, vm_uuid=uuid4())
        VmEvent(kind=EventKind.EVENTS_LOST, at=now)
        naive = now.replace(tzinfo=None)
        for field, event in (
            ("at", {"kind": EventKind.STARTED, "at": naive, "vm_uuid": uuid4()}),
            ("vm_uuid", {"kind": EventKind.STARTED, "at": now}),
            ("vm_uuid", {"kind": EventKind.RECONNECT, "at": now, "vm_uuid": uuid4()}),
        ):
            self.assertEqual(field, self.assertRaises(InvalidRequest, VmEvent, **event).field)

    def test_values_are_frozen_and_take_keywords_only(self) -> None:
        self.assertRaises(dataclasses.FrozenInstanceError, setattr, VM, "vcpus", 2)
        self.assertRaises(TypeError, FromImage, "image")
