"""Where exported disks go."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import fixtures
import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    HostUnreachable,
    InsufficientResources,
    NotFound,
    Resource,
)
from nova_virt_interface.services import IImageSink, IImageWriter
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.images import DiskFormat
from zope.interface.verify import verifyObject

from nova_core_stub.image_sink import ImageSink

KEY = "snapshot-1"
REQUEST = ExportDiskRequest(disk_key="root", sink_key=KEY, format=DiskFormat.RAW)


class ImageSinkTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.sink = ImageSink(self.folder)
        self.sink.expect_all({"vm_uuid": None, "request": REQUEST})

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def writer(self, *contents: bytes) -> Any:
        writer = self.sink.create(KEY)
        for content in contents:
            writer.write(content)
        return writer

    def test_it_is_what_the_contract_wants(self) -> None:
        verifyObject(IImageSink, self.sink)
        writer = self.writer()
        verifyObject(IImageWriter, writer)
        writer.abort()

    @rules("SNK-1")
    def test_an_image_is_seen_only_when_it_is_whole(self) -> None:
        writer = self.writer(b"one", b"", b"two")
        self.assertNotIn(KEY, self.names())
        writer.commit()
        self.assertEqual([KEY], self.names())
        self.assertEqual(b"onetwo", (self.folder / KEY).read_bytes())

    @rules("SNK-1")
    def test_an_abort_after_the_commit_changes_nothing(self) -> None:
        writer = self.writer(b"one")
        writer.commit()
        writer.abort()
        writer.abort()
        self.assertEqual(b"one", (self.folder / KEY).read_bytes())
        self.assertRaises(ValueError, writer.write, b"more")
        self.assertEqual(b"one", (self.folder / KEY).read_bytes())

    def test_what_is_aborted_leaves_nothing(self) -> None:
        writer = self.writer(b"one")
        for _ in range(2):
            writer.abort()
            self.assertEqual([], self.names())

    @rules("SNK-2")
    def test_each_writer_begins_anew(self) -> None:
        first, second = self.writer(b"first"), self.writer(b"second")
        second.commit()
        self.assertEqual(b"second", (self.folder / KEY).read_bytes())
        first.commit()
        self.assertEqual(b"first", (self.folder / KEY).read_bytes())
        self.assertEqual([KEY], self.names())

    @rules("SNK-2")
    def test_what_nobody_expects_is_refused(self) -> None:
        for key in ("other", "../snapshot-1", "", "/etc/passwd"):
            error = self.assertRaises(NotFound, self.sink.create, key)
            self.assertEqual((Resource.IMAGE, key), (error.resource, error.name))
        read_only = ImageSink(None)
        read_only.expect_all({"request": REQUEST})
        self.assertRaises(NotFound, read_only.create, KEY)
        self.assertEqual([], self.names())

    def test_a_cancelled_call_writes_no_further(self) -> None:
        with Call("r") as call:
            writer = self.writer(b"one")
            call.cancel()
            self.assertRaises(Cancelled, writer.write, b"two")
            writer.abort()
        self.assertEqual([], self.names())

    def test_a_store_that_is_gone(self) -> None:
        os.rmdir(self.folder)
        error = self.assertRaises(HostUnreachable, self.sink.create, KEY)
        self.assertTrue(error.transient)
        self.folder.mkdir()

    def test_a_full_disk_is_told_and_leaves_nothing(self) -> None:
        full = Path("/dev/full")
        for at in ("write", "commit"):
            writer = self.writer()
            with full.open("wb") as device:
                os.dup2(device.fileno(), writer._file.fileno())
            size = 2**20 if at == "write" else 16
            doing = writer.write if at == "write" else self.written_then_committed(writer)
            error = self.assertRaises(InsufficientResources, doing, bytes(size))
            self.assertIs(Resource.STORAGE, error.resource)
            self.assertIn(os.strerror(errno.ENOSPC), error.detail)
            writer.abort()
            self.assertEqual([], self.names())

    def written_then_committed(self, writer: Any) -> Any:
        def do(content: bytes) -> None:
            writer.write(content)
            writer.commit()

        return do

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.binary(max_size=3000), max_size=8))
    def test_any_content_in_pieces_of_any_size(self, pieces: list[bytes]) -> None:
        self.writer(*pieces).commit()
        self.assertEqual(b"".join(pieces), (self.folder / KEY).read_bytes())
