from __future__ import annotations

import hashlib
import os
from pathlib import Path

import fixtures
import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from image_server import Answer, ImageServer
from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    AccessDenied,
    Cancelled,
    HostUnreachable,
    ImageCorrupt,
    InvalidRequest,
    NotFound,
    Resource,
    VirtError,
)
from nova_virt_interface.services import IImageReader
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import Checksum, Image
from zope.interface.verify import verifyObject

from nova_core_stub.image_store import ImageStore

CONTENT = bytes(range(256)) * 40


def image(content: bytes = CONTENT, image_id: str = "cirros", algorithm: str = "sha256") -> Image:
    digest = hashlib.new(algorithm, content).hexdigest()
    return Image(
        image_id=image_id,
        format=DiskFormat.RAW,
        size_bytes=len(content),
        checksum=Checksum(algorithm=algorithm, hex_digest=digest),
    )


def read(store: ImageStore, wanted: Image, chunk_bytes: int = 1000) -> bytes:
    reader = store.open(wanted)
    content = b""
    try:
        while chunk := reader.read(chunk_bytes):
            assert len(chunk) <= chunk_bytes
            content += chunk
        return content
    finally:
        reader.close()


class DirectoryTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.store = ImageStore(str(self.folder))
        (self.folder / "cirros").write_bytes(CONTENT)

    def test_an_image_is_read_and_verified(self) -> None:
        for algorithm in ("sha256", "sha384", "sha512"):
            self.assertEqual(CONTENT, read(self.store, image(algorithm=algorithm)))
        self.assertEqual(len(CONTENT), self.store.size_bytes("cirros"))

    def test_the_reader_is_what_the_contract_wants(self) -> None:
        reader = self.store.open(image())
        verifyObject(IImageReader, reader)
        reader.close()
        reader.close()

    def test_the_end_comes_only_after_the_right_bytes(self) -> None:
        longer, shorter = image(CONTENT + b"x"), image(CONTENT[:-1])
        wrong = (
            (image(), bytes(len(CONTENT)), "sha256 is"),
            (longer, CONTENT, "has 10240 bytes instead of 10241"),
            (shorter, CONTENT, "more than 10239 bytes"),
        )
        for promised, content, problem in wrong:
            (self.folder / "cirros").write_bytes(content)
            error = self.assertRaises(ImageCorrupt, read, self.store, promised)
            self.assertIn(problem, str(error))
            self.assertIn("cirros", str(error))

    def test_bytes_beyond_the_promised_are_refused_at_once(self) -> None:
        (self.folder / "cirros").write_bytes(CONTENT * 100)
        reader = self.store.open(image())
        self.addCleanup(reader.close)
        self.assertEqual(len(CONTENT), len(reader.read(len(CONTENT))))
        self.assertRaises(ImageCorrupt, reader.read, 1)

    def test_a_missing_image_is_not_found(self) -> None:
        error = self.assertRaises(NotFound, self.store.open, image(image_id="nope"))
        self.assertEqual((Resource.IMAGE, "nope"), (error.resource, error.name))
        self.assertIn(str(self.folder), str(error))
        self.assertRaises(NotFound, self.store.size_bytes, "nope")
        self.assertRaises(NotFound, ImageStore().open, image())
        self.assertRaises(NotFound, ImageStore("/nonexistent").open, image())

    def test_a_folder_or_a_pipe_is_no_image(self) -> None:
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        for name in ("folder", "pipe"):
            self.assertRaises(NotFound, self.store.open, image(image_id=name))

    def test_no_id_leads_out_of_the_store(self) -> None:
        secret = self.folder.parent / "secret"
        for image_id in (
            "../secret",
            str(secret),
            "..",
            ".",
            "a/b",
            "",
            "a\0b",
            "a\n",
            "~",
            "%2e%2e",
        ):
            for ask in (self.store.size_bytes, lambda name: self.store.register(name, "/x")):
                error = self.assertRaises(InvalidRequest, ask, image_id)
                self.assertEqual("image_id", error.field)

    def test_a_registered_image_is_where_it_was_said_to_be(self) -> None:
        elsewhere = self.folder / "some file.img"
        elsewhere.write_bytes(CONTENT)
        store = ImageStore()
        store.register("mine", str(elsewhere))
        self.assertEqual(CONTENT, read(store, image(image_id="mine")))

    def test_a_cancelled_call_reads_no_further(self) -> None:
        reader = self.store.open(image())
        self.addCleanup(reader.close)
        with Call("r") as call:
            reader.read(10)
            call.cancel()
            self.assertRaises(Cancelled, reader.read, 10)

    @settings(deadline=None)
    @given(st.binary(min_size=1, max_size=5000), st.integers(1, 6000))
    def test_any_content_in_pieces_of_any_size(self, content: bytes, chunk_bytes: int) -> None:
        (self.folder / "any").write_bytes(content)
        wanted = image(content, image_id="any")
        self.assertEqual(content, read(self.store, wanted, chunk_bytes))
        (self.folder / "any").write_bytes(bytes([content[0] ^ 1]) + content[1:])
        self.assertRaises(ImageCorrupt, read, self.store, wanted, chunk_bytes)


class WebTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(ImageServer())
        self.store = ImageStore(f"{self.server.url}/images/", timeout_seconds=5)

    def answer(self, answer: Answer) -> None:
        self.server.answers["/images/cirros"] = answer

    def test_an_image_is_read_and_verified(self) -> None:
        self.answer(Answer(CONTENT))
        self.assertEqual(CONTENT, read(self.store, image()))
        self.assertEqual(len(CONTENT), self.store.size_bytes("cirros"))
        self.assertEqual(["GET /images/cirros", "HEAD /images/cirros"], self.server.asked)

    def test_a_store_that_does_not_say_the_size(self) -> None:
        self.answer(Answer(CONTENT, says_length=False))
        self.assertIsNone(self.store.size_bytes("cirros"))
        self.assertEqual(CONTENT, read(self.store, image()))

    def test_a_wrong_checksum_is_noticed(self) -> None:
        self.answer(Answer(bytes(len(CONTENT))))
        self.assertRaises(ImageCorrupt, read, self.store, image())

    def test_a_short_body_is_noticed(self) -> None:
        self.answer(Answer(CONTENT[:-1]))
        self.assertRaises(ImageCorrupt, read, self.store, image())
        self.answer(Answer(CONTENT[:-1], says_length=False))
        self.assertRaises(ImageCorrupt, read, self.store, image())

    def test_a_connection_that_breaks_can_be_tried_again(self) -> None:
        self.answer(Answer(CONTENT[:-1], promised_bytes=len(CONTENT)))
        error = self.assertRaises(HostUnreachable, read, self.store, image())
        self.assertTrue(error.transient)

    def test_what_the_server_refuses(self) -> None:
        refusals: dict[int, type[VirtError]] = {404: NotFound, 410: NotFound, 401: AccessDenied}
        refusals |= {403: AccessDenied, 500: HostUnreachable, 503: HostUnreachable}
        for status, expected in refusals.items():
            self.answer(Answer(b"no", status=status))
            error = self.assertRaises(expected, self.store.open, image())
            self.assertIn("cirros", str(error))
            self.assertRaises(expected, self.store.size_bytes, "cirros")

    def test_a_dead_server_is_unreachable(self) -> None:
        self.server.stop()
        error = self.assertRaises(HostUnreachable, self.store.open, image())
        self.assertIn(self.server.url, str(error))
        self.assertIn("refused", error.detail)
        self.assertIsNotNone(error.__cause__)

    def test_what_may_be_secret_in_an_address_is_not_shown(self) -> None:
        address = self.server.url.replace("http://", "http://me:hunter2@")
        for make in (ImageStore, lambda url: self.store.register("x", url)):
            refused = self.assertRaises(InvalidRequest, make, address)
            self.assertNotIn("hunter2", str(refused))
        self.store.register("signed", f"{self.server.url}/signed?token=hunter2")
        error = self.assertRaises(NotFound, self.store.open, image(image_id="signed"))
        self.assertEqual(["GET /signed?token=hunter2"], self.server.asked)
        self.server.stop()
        dead = self.assertRaises(HostUnreachable, self.store.open, image(image_id="signed"))
        for shown in (str(error), str(dead)):
            self.assertIn("/signed", shown)
            self.assertNotIn("hunter2", shown)

    def test_a_missing_file_of_certificates_is_noticed_at_once(self) -> None:
        error = self.assertRaises(InvalidRequest, ImageStore, ca_file="/nonexistent")
        self.assertEqual("image_store_ca_file", error.field)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self) -> None:
        store = ImageStore(self.server.url.replace("http:", "https:"), timeout_seconds=5)
        error = self.assertRaises(HostUnreachable, store.open, image())
        self.assertIn("SSL", error.detail)
