"""Images are read as the bytes of their disks, or refused."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from nova_virt_interface.errors import ImageCorrupt, Unsupported
from nova_virt_interface.values.images import DiskFormat

from nova_virt_vmware.vmdk import ImageStream

SECTOR = 512


def header(capacity: int = 16, grain: int = 8, flags: int = 0x30001, compression: int = 1) -> bytes:
    """The first sector of a VMDK by the published format, padded to an overhead of two."""
    start = b"KDMV" + struct.pack("<II", 3, flags) + struct.pack("<QQQQ", capacity, grain, 0, 0)
    start += struct.pack("<IQQQ", 512, 0, 0, 2) + b"\0\n \r\n" + struct.pack("<H", compression)
    return start.ljust(2 * SECTOR, b"\0")


def grain_of(sector: int, content: bytes) -> bytes:
    packed = zlib.compress(content)
    whole = struct.pack("<QI", sector, len(packed)) + packed
    return whole.ljust(-(-len(whole) // SECTOR) * SECTOR, b"\0")


def table(sectors: int, kind: int = 1) -> bytes:
    return (struct.pack("<QI", sectors, 0) + bytes([kind])).ljust(SECTOR, b"\0") + bytes(
        sectors * SECTOR
    )


END = bytes(SECTOR)


def unpacked(image: bytes, format: DiskFormat = DiskFormat.VMDK, chunk: int = 700) -> bytes:
    file = BytesIO(image)
    stream = ImageStream(lambda size: file.read(min(size, chunk)), format, len(image))
    content = b"".join(stream.chunks())
    assert len(content) == stream.virtual_size_bytes
    return content


class TestStreamOptimized(testtools.TestCase):
    """VMDKs of the kind that is unpacked."""

    @settings(deadline=None)
    @given(st.binary(min_size=1, max_size=8 * SECTOR), st.integers(1, 3000))
    def test_grains_come_back_where_they_belong(self, content: bytes, chunk: int) -> None:
        content = content.ljust(8 * SECTOR, b"\0")
        image = header() + grain_of(8, content) + table(2) + END + b"footer"
        self.assertEqual(bytes(8 * SECTOR) + content, unpacked(image, chunk=chunk))

    def test_the_marker_of_the_end_may_be_missing(self) -> None:
        content = b"x" * 8 * SECTOR
        self.assertEqual(content + bytes(8 * SECTOR), unpacked(header() + grain_of(0, content)))

    def test_the_last_grain_may_reach_beyond_the_disk(self) -> None:
        image = header(capacity=4) + grain_of(0, b"y" * 8 * SECTOR)
        self.assertEqual(b"y" * 4 * SECTOR, unpacked(image))

    def test_what_is_damaged_is_refused(self) -> None:
        content = b"z" * 8 * SECTOR
        damaged = bytearray(header() + grain_of(0, content))
        damaged[2 * SECTOR + 20] ^= 0xFF
        for image in (
            b"",
            b"not a disk image " * 8192,
            header()[:700],
            header(grain=0),
            header(grain=10**6),
            bytes(damaged),
            header() + grain_of(0, content)[:30],
            header() + grain_of(8, content) + grain_of(0, content),
            header() + grain_of(16, content),
            header() + grain_of(0, content * 2),
            header() + struct.pack("<QI", 0, 2**31).ljust(SECTOR, b"\0"),
            header() + struct.pack("<QI", 2**50, 0).ljust(SECTOR, b"\1"),
        ):
            self.assertRaises(ImageCorrupt, unpacked, image)

    def test_vmdks_of_another_kind_are_refused_with_the_remedy(self) -> None:
        for image in (header(flags=0x10001), header(compression=0), header(compression=2)):
            error = self.assertRaises(Unsupported, unpacked, image)
            self.assertIn("qemu-img convert", str(error))


DESCRIPTOR = b'parentCID=ffffffff\nRW 4096 SPARSE "x.vmdk"\n'


def hosted(
    grains: list[bytes | None],
    *,
    descriptor: bytes = DESCRIPTOR,
    places: list[int] | None = None,
    entries: int = 512,
    directory: int = 2,
    overhead: int = 10,
) -> bytes:
    """A sparse VMDK by the published format: header, descriptor, directory, tables, grains."""
    grain, start, found = 8, 10, list[int]()
    for content in grains:
        found.append(0 if content is None else start)
        start += 0 if content is None else grain
    fields = struct.pack("<II", 1, 3) + struct.pack("<QQQQ", len(grains) * grain, grain, 1, 1)
    fields += struct.pack("<IQQQ", entries, 0, directory, overhead) + b"\0\n \r\n" + bytes(2)
    sectors = [b"KDMV" + fields, descriptor, struct.pack("<I", 3)]
    table = b"".join(struct.pack("<I", place) for place in places or found)
    whole = b"".join(sector.ljust(SECTOR, b"\0") for sector in sectors)
    whole = (whole + table).ljust(10 * SECTOR, b"\0")
    return whole + b"".join(content.ljust(grain * SECTOR, b"\0") for content in grains if content)


class TestHosted(testtools.TestCase):
    """VMDKs with tables at their beginning."""

    @settings(deadline=None)
    @given(
        st.lists(st.none() | st.binary(min_size=1, max_size=99), min_size=1, max_size=20),
        st.integers(1, 9000),
    )
    def test_grains_come_back_where_they_belong(
        self, grains: list[bytes | None], chunk: int
    ) -> None:
        expected = b"".join((grain or b"").ljust(8 * SECTOR, b"\0") for grain in grains)
        self.assertEqual(expected, unpacked(hosted(grains), chunk=chunk))

    def test_a_grain_of_zeros_has_no_place(self) -> None:
        whole = unpacked(hosted([b"x", None, b"y"], places=[10, 1, 18]))
        self.assertEqual(b"x" + bytes(2 * 8 * SECTOR - 1) + b"y", whole[: 2 * 8 * SECTOR + 1])

    def test_what_cannot_be_read_in_one_go_is_refused(self) -> None:
        child = DESCRIPTOR.replace(b"ffffffff", b"12345678")
        for image in (
            hosted([b"x", b"y"], places=[18, 10]),
            hosted([b"x"], descriptor=child),
            hosted([b"x"], descriptor=DESCRIPTOR + DESCRIPTOR),
            hosted([b"x"], descriptor=b""),
            hosted([b"x"], overhead=2**40),
        ):
            error = self.assertRaises(Unsupported, unpacked, image)
            self.assertIn("qemu-img convert", str(error))

    def test_what_is_damaged_is_refused(self) -> None:
        for image in (
            hosted([b"x"])[:-1],
            hosted([b"x"])[: 5 * SECTOR],
            hosted([b"x"], entries=0),
            hosted([b"x"], entries=2**31),
            hosted([b"x"], directory=2**60),
            hosted([b"x"], directory=99),
            hosted([b"x"], places=[2**31]),
        ):
            self.assertRaises(ImageCorrupt, unpacked, image)


class TestRaw(testtools.TestCase):
    """Raw images."""

    @settings(deadline=None)
    @given(st.binary(min_size=1, max_size=5000))
    def test_bytes_are_kept_and_filled_up_to_a_sector(self, content: bytes) -> None:
        kept = unpacked(content, DiskFormat.RAW)
        self.assertEqual(content, kept[: len(content)])
        self.assertEqual(0, len(kept) % SECTOR)
        self.assertEqual(b"", kept[len(content) :].strip(b"\0"))
