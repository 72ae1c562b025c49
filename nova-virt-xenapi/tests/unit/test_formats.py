"""Images in formats other than raw, and hosts that do not see the storage of another one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import requests
from fixtures import TempDir
from nova_virt_interface.errors import BackendError, ImageCorrupt, Unsupported
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat

from .pools import MIB, OperationTestCase, SimulatorTestCase
from .wires import VDI, WireTestCase


class TestQcow2(OperationTestCase):
    """Where the storage manager of the node's repository knows them."""

    def image(self, *options: str, content: bytes = b"") -> Path:
        folder = Path(self.useFixture(TempDir()).path)
        raw, image = folder / "raw", folder / "image.qcow2"
        raw.write_bytes(content)
        os.truncate(raw, 4 * MIB)
        command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, str(raw)]
        subprocess.run([*command, str(image)], check=True)
        return image

    def cached(self, image: Path) -> Any:
        self.services.images.add("qcow2", image)
        size = image.stat().st_size
        request = CacheImageRequest(key="qcow2", format=DiskFormat.QCOW2, size_bytes=size)
        self.addCleanup(self.driver.delete_cached_image, DeleteImageRequest(key="qcow2"))
        return self.driver.cache_image(request)

    def test_an_image_is_stored_with_its_size(self) -> None:
        content = os.urandom(MIB)
        for options in ((), ("-c",)):
            cached = self.cached(self.image(*options, content=content))
            self.assertEqual((4 * MIB, DiskFormat.VHD), (cached.virtual_size_bytes, cached.format))
            [vdi] = [
                ref
                for ref, row in self.simulator.ask("records", class_name="VDI").items()
                if row["other_config"].get("nova-virt-image") == "qcow2"
            ]
            path = Path(self.simulator.ca_file).with_name(
                self.simulator.ask("records", class_name="VDI")[vdi]["uuid"]
            )
            self.assertEqual(content + bytes(3 * MIB), path.read_bytes())
            self.driver.delete_cached_image(DeleteImageRequest(key="qcow2"))

    def test_what_is_none_or_does_not_stand_alone_is_refused(self) -> None:
        before = self.objects()
        image = self.image()
        whole = image.read_bytes()
        for broken in (b"no", b"no qcow2" * 100, whole[:8] + b"\1" * 8 + whole[16:]):
            image.write_bytes(broken)
            self.assertRaises(ImageCorrupt, self.cached, image)
        # Only the pool sees that it is of a version of its own.
        image.write_bytes(whole[:4] + b"\0\0\0\x09" + whole[8:])
        self.assertRaises(BackendError, self.cached, image)
        self.assertEqual(before, self.objects())


class TestOlderPool(SimulatorTestCase):
    """Without the field, or with other managers."""

    def test_it_takes_none(self) -> None:
        for ref in self.simulator.ask("records", class_name="SM"):
            write = {"class_name": "SM", "ref": ref, "field": "supported_image_formats"}
            self.simulator.ask("write", **write, value=["vhd"])
        driver = self.connect()
        self.assertNotIn(DiskFormat.QCOW2, driver.describe().image_formats)
        request = CacheImageRequest(key="qcow2", format=DiskFormat.QCOW2, size_bytes=MIB)
        self.assertRaises(Unsupported, driver.cache_image, request)


class TestRedirect(WireTestCase):
    """A host sends whoever asks it for a disk that it does not see to one that sees it."""

    hosts = 2

    def setUp(self) -> None:
        # The official client of the base class finds more than one repository here.
        SimulatorTestCase.setUp(self)
        self.driver = self.connect(host="xcp-1", storage_repository=self.local("xcp-1"))

    def local(self, host: str) -> str:
        records = {
            name: self.simulator.ask("records", class_name=name) for name in ("host", "SR", "PBD")
        }
        [ref] = [ref for ref, row in records["host"].items() if row["name_label"] == host]
        [uuid] = [
            records["SR"][row["SR"]]["uuid"]
            for row in records["PBD"].values()
            if row["host"] == ref and not records["SR"][row["SR"]]["shared"]
        ]
        return str(uuid)

    def test_the_simulated_master_redirects(self) -> None:
        ask = self.simulator.ask
        [sr] = [
            ref
            for ref, row in ask("records", class_name="SR").items()
            if row["uuid"] == self.local("xcp-1")
        ]
        vdi = ask("call", method="VDI.create", parameters=[{**VDI, "SR": sr}])
        self.addCleanup(ask, "call", method="VDI.destroy", parameters=[vdi])
        session = next(iter(ask("records", class_name="session")))
        for verb, path in (("PUT", "import_raw_vdi"), ("GET", "export_raw_vdi")):
            answer = requests.request(
                verb,
                f"{self.simulator.url}/{path}",
                params={"session_id": session, "vdi": vdi},
                data=b"x" if verb == "PUT" else None,
                verify=self.simulator.ca_file,
                timeout=60,
                allow_redirects=False,
            )
            self.assertEqual(302, answer.status_code)
            self.assertIn("https://127.0.0.2:", answer.headers["Location"])

    def test_the_driver_asks_the_right_host(self) -> None:
        content = os.urandom(MIB)
        file = Path(self.useFixture(TempDir()).path, "image")
        file.write_bytes(content)
        self.services.images.add("image", file)
        request = CacheImageRequest(key="image", format=DiskFormat.RAW, size_bytes=MIB)
        self.assertEqual(MIB, self.driver.cache_image(request).virtual_size_bytes)
        self.driver.delete_cached_image(DeleteImageRequest(key="image"))
