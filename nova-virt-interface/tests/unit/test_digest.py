"""The digest by which a driver recognises a request."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from uuid import uuid4

import testtools
from hypothesis import assume, given
from hypothesis import strategies as st

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.marks import added, value
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.disks import (
    Blank,
    DetachDiskRequest,
    DiskBus,
    DiskSpec,
    FromImage,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import GuestMetadata
from nova_virt_interface.values.nics import (
    DetachNicRequest,
    NicBacking,
    NicBackingKind,
    NicModel,
    NicSpec,
)
from nova_virt_interface.values.power import StopRequest
from nova_virt_interface.values.vm import VmSpec

KEYS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
SIZES = st.integers(min_value=1, max_value=2**40)
DISKS = st.builds(
    DiskSpec,
    key=KEYS,
    source=st.builds(Blank) | st.builds(FromImage, image_key=KEYS),
    size_bytes=SIZES,
    format=st.none() | st.sampled_from(DiskFormat),
    bus=st.none() | st.sampled_from(DiskBus),
)
MACS = st.integers(min_value=0, max_value=2**24 - 1).map(
    lambda n: f"52:54:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
)
NICS = st.builds(
    NicSpec,
    key=KEYS,
    mac=MACS,
    backing=st.builds(
        NicBacking, kind=st.sampled_from((NicBackingKind.NETWORK, NicBackingKind.BRIDGE)), name=KEYS
    ),
    model=st.none() | st.sampled_from(NicModel),
)
SPECS = st.builds(
    VmSpec,
    name=KEYS,
    vcpus=st.integers(min_value=1, max_value=64),
    memory_bytes=SIZES,
    disks=st.lists(DISKS, max_size=3, unique_by=lambda disk: disk.key).map(tuple),
    nics=st.lists(NICS, max_size=2, unique_by=(lambda nic: nic.key, lambda nic: nic.mac)).map(
        tuple
    ),
    settings=st.builds(GuestSettings, firmware=st.none() | st.sampled_from(Firmware)),
)


def versions_of_a_value() -> tuple[Any, Any]:
    """A value as contract 1.0 has it, and as 1.1, with a field more."""

    @value(since="1.0")
    class Spec:
        name: str

    old = Spec

    @value(since="1.0")
    class Spec:  # type: ignore[no-redef]
        name: str
        vtpm: bool = added(default=False, since="1.1")

    return old, Spec


class TestDigest(testtools.TestCase):
    @given(SPECS)
    def test_it_is_64_hexadecimal_digits(self, spec: VmSpec) -> None:
        self.assertTrue(re.fullmatch("[0-9a-f]{64}", spec_digest(spec)))

    @rules("REP-2")
    @given(SPECS)
    def test_equal_values_have_one_digest(self, spec: VmSpec) -> None:
        twin = dataclasses.replace(
            spec, disks=tuple(dataclasses.replace(disk) for disk in spec.disks)
        )
        self.assertEqual(spec_digest(spec), spec_digest(twin))

    @rules("REP-2")
    @given(SPECS, SPECS)
    def test_different_values_have_different_digests(self, one: VmSpec, other: VmSpec) -> None:
        assume(one != other)
        self.assertNotEqual(spec_digest(one), spec_digest(other))

    @rules("REP-2")
    @given(st.integers(min_value=0, max_value=2**53))
    def test_a_whole_number_of_seconds_may_be_written_either_way(self, seconds: int) -> None:
        written = StopRequest(graceful_timeout_seconds=seconds)
        other = StopRequest(graceful_timeout_seconds=float(seconds))
        self.assertEqual(written, other)
        self.assertEqual(spec_digest(written), spec_digest(other))

    @rules("REP-2")
    def test_the_order_of_devices_counts(self) -> None:
        disks = tuple(DiskSpec(key=key, source=Blank(), size_bytes=1) for key in "ab")
        one = VmSpec(name="x", vcpus=1, memory_bytes=1, disks=disks)
        other = dataclasses.replace(one, disks=disks[::-1])
        self.assertNotEqual(spec_digest(one), spec_digest(other))

    @rules("REP-2")
    def test_the_content_of_a_medium_does_not_count_but_its_format_does(self) -> None:
        medium = Media(format=MediaFormat.ISO9660, content=b"one")
        same = dataclasses.replace(medium, content=b"two")
        other = dataclasses.replace(medium, format=MediaFormat.VFAT)
        self.assertEqual(spec_digest(medium), spec_digest(same))
        self.assertNotEqual(spec_digest(medium), spec_digest(other))

    @rules("REP-2")
    def test_a_secret_does_not_count(self) -> None:
        one = GuestMetadata(hostname="a", admin_password=Secret("one"))
        other = GuestMetadata(hostname="a", admin_password=Secret("two"))
        self.assertEqual(spec_digest(one), spec_digest(other))
        self.assertNotEqual(spec_digest(one), spec_digest(dataclasses.replace(one, hostname="b")))

    @rules("REP-2")
    def test_a_field_that_a_later_contract_adds_counts_only_when_it_is_used(self) -> None:
        old, new = versions_of_a_value()
        self.assertEqual(spec_digest(old(name="x")), spec_digest(new(name="x")))
        self.assertNotEqual(spec_digest(old(name="x")), spec_digest(new(name="x", vtpm=True)))

    @rules("REP-2")
    def test_two_classes_of_the_same_content_differ(self) -> None:
        disk, nic = DetachDiskRequest(key="x"), DetachNicRequest(key="x")
        self.assertNotEqual(spec_digest(disk), spec_digest(nic))

    def test_what_is_no_value_has_a_digest_too(self) -> None:
        uuid = uuid4()
        self.assertEqual(spec_digest(uuid), spec_digest(type(uuid)(str(uuid))))
        self.assertNotEqual(spec_digest(b"a"), spec_digest(b"b"))
