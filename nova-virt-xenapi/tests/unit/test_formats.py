"""Images in formats other than raw, and hosts that do not see the storage of another one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import requests
from fixtures import TempDir
from nova_virt_interface.errors import BackendError, ImageCorrupt, Unsupported
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.disks import Blank, DiskSpec, FromImage
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.migration import (
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest

from nova_virt_xenapi.hypervisor import XenApiFactory

from .pools import MIB, InPoolHarness, OperationTestCase, PoolTestCase, SimulatorTestCase
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


class TestStored(PoolTestCase):
    """How disks are stored, here and on the host that they go to."""

    harness_class = InPoolHarness

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.free, self.vm_uuid)
        settings = self.harness.second_settings()
        self.other: Any = XenApiFactory().connect(settings, SuiteServices())
        self.addCleanup(self.other.close)
        disks = tuple(
            DiskSpec(key=format.value, source=Blank(), size_bytes=2 * MIB, format=format)
            for format in (DiskFormat.QCOW2, DiskFormat.VHD)
        )
        self.described = self.spec(disks=disks)
        self.driver.create_vm(self.vm_uuid, self.described)

    def stored(self) -> dict[str, str]:
        """The format of each disk, by the key, which names what was asked for."""
        return {
            row["other_config"]["nova-virt-key"]: row["sm_config"]["image-format"]
            for row in self.simulator.ask("records", class_name="VDI").values()
            if row["other_config"].get("nova-virt-vm") == str(self.vm_uuid)
        }

    def go(self, mode: MigrationMode) -> None:
        outgoing, spec = self.driver.describe_outgoing(self.vm_uuid), self.described
        check = CheckIncomingRequest(vm=outgoing, spec=spec, mode=mode)
        offer = self.other.check_incoming(self.vm_uuid, check)
        plan = self.driver.check_outgoing(
            self.vm_uuid, CheckOutgoingRequest(offer=offer, mode=mode)
        )
        prepare = PrepareIncomingRequest(plan=plan, spec=spec)
        ticket = self.other.prepare_incoming(self.vm_uuid, prepare)
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=ticket))
        self.other.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=spec))
        self.driver.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())

    def test_each_disk_stays_what_it_is_on_another_host(self) -> None:
        for mode in (MigrationMode.COLD, MigrationMode.LIVE):
            if mode is MigrationMode.LIVE:
                self.driver.create_vm(self.vm_uuid, self.described)
                self.driver.start_vm(self.vm_uuid, StartRequest())
            self.assertEqual({"qcow2": "qcow2", "vhd": "vhd"}, self.stored())
            self.go(mode)
            self.assertEqual({"qcow2": "qcow2", "vhd": "vhd"}, self.stored())
            self.other.delete_vm(self.vm_uuid, DeleteVmRequest())

    def test_a_clone_is_stored_as_its_image(self) -> None:
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.driver.cache_image(self.image_request())
        before = self.objects()
        image = FromImage(image_key="image-1")
        disk = DiskSpec(key="root", source=image, size_bytes=6 * MIB, format=DiskFormat.QCOW2)
        wrong = self.spec(disks=(disk,))
        error = self.assertRaises(Unsupported, self.driver.create_vm, self.vm_uuid, wrong)
        self.assertEqual("disks[root].format", error.field)
        self.assertEqual(before, self.objects())


class TestOlderPool(SimulatorTestCase):
    """Without the field, or with other managers."""

    def test_it_takes_none(self) -> None:
        for ref in self.simulator.ask("records", class_name="SM"):
            write = {"class_name": "SM", "ref": ref, "field": "supported_image_formats"}
            self.simulator.ask("write", **write, value=["vhd"])
        driver = self.connect()
        host = driver.describe()
        for formats in (host.image_formats, host.disk_formats, host.export_formats):
            self.assertNotIn(DiskFormat.QCOW2, formats)
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
