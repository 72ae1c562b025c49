"""An image is what it was promised to be, and names no other file of the host."""

from __future__ import annotations

import struct

import testtools
from nova_virt_interface.errors import ImageCorrupt
from nova_virt_interface.values.images import DiskFormat

from nova_virt_libvirt.image_check import ImageCheck

SIZE = 64 * 2**20


def qcow2(
    *, version: int = 3, backing_offset: int = 0, features: int = 0, magic: bytes = b"QFI\xfb"
) -> bytes:
    header = struct.pack(">4sIQIIQ", magic, version, backing_offset, 0, 16, SIZE)
    return (header.ljust(0x48, b"\0") + struct.pack(">Q", features)).ljust(1024, b"\0")


def check(form: DiskFormat, *chunks: bytes) -> int:
    checking = ImageCheck(form)
    for chunk in chunks:
        checking.feed(chunk)
    return checking.finish()


class TestImageCheck(testtools.TestCase):
    def test_a_good_qcow2_image_tells_its_size(self) -> None:
        self.assertEqual(SIZE, check(DiskFormat.QCOW2, qcow2()))
        self.assertEqual(SIZE, check(DiskFormat.QCOW2, *(bytes([b]) for b in qcow2())))

    def test_bad_qcow2_images(self) -> None:
        for name, content in {
            "backing file": qcow2(backing_offset=512),
            "data file": qcow2(features=0b100),
            "unknown feature": qcow2(features=1 << 40),
            "unknown version": qcow2(version=9),
            "raw": b"\0" * 1024,
            "short": qcow2()[:100],
            "empty": b"",
        }.items():
            with testtools.ExpectedException(ImageCorrupt, msg=name):
                check(DiskFormat.QCOW2, content)

    def test_bad_images_are_refused_with_their_first_bytes(self) -> None:
        checking = ImageCheck(DiskFormat.QCOW2)
        self.assertRaises(ImageCorrupt, checking.feed, qcow2(backing_offset=512)[:512])

    def test_a_raw_image_is_anything_but_a_container(self) -> None:
        self.assertEqual(0, check(DiskFormat.RAW, b"\0" * 1024))
        self.assertEqual(0, check(DiskFormat.RAW, b"x"))
        self.assertRaises(ImageCorrupt, check, DiskFormat.RAW, qcow2())
        self.assertRaises(ImageCorrupt, check, DiskFormat.RAW, b"QED\0".ljust(1024, b"\0"))
