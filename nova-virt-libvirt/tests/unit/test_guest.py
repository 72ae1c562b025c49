"""The bootable test image: what its guest says is true."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import libvirt
import pycdlib
import tenacity
import testtools
from lxml import etree

from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.guest_image import build_guest_image
from nova_virt_libvirt.testing.prerequisites import system_environment

from .guest_domain import PATIENCE_SECONDS, Console, console, disk, domain_xml, nic

MIB = 1024 * 1024
MAC, OTHER_MAC = "52:54:00:12:34:56", "52:54:00:ab:cd:ef"


def metadata(instance_uuid: uuid.UUID) -> bytes:
    """meta_data.json as nova writes it, with other uuids where a careless reader finds them."""
    members = {
        "meta": {"uuid": "of somebody else", "note": '"uuid": "quoted"'},
        "uuid": str(instance_uuid),
        "hostname": "server.example",
        "keys": [{"name": "hostname", "hostname": "no"}],
    }
    return json.dumps(members).encode()


class GuestTest(testtools.TestCase):
    """The image boots in a private libvirtd; what it says is compared with what it was given."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon = PrivateLibvirtd()
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        self.connection = libvirt.open(self.daemon.uri)
        self.addCleanup(self.connection.close)
        self.console = Console(self.daemon.root / "console.log")
        self.uuid = uuid.uuid4()

    def create_disk(self, name: str, size: int, *options: str) -> Path:
        path = self.daemon.storage_path / name
        command = ["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), str(size)]
        subprocess.run(command, check=True)
        return path

    def boot(
        self, devices: Sequence[etree._Element] = (), *, memory_mib: int = 128
    ) -> libvirt.virDomain:
        """Boot a copy of the image, grown to 32 MiB; return the domain when the guest is ready."""
        backing = ["-b", str(build_guest_image()), "-F", "qcow2"]
        root = disk(self.create_disk("root", 32 * MIB, *backing), "vda")
        all_devices = [root, console(self.daemon.root / "console.log"), *devices]
        xml = domain_xml(self.uuid, all_devices, memory_mib=memory_mib)
        domain = self.connection.defineXML(xml)
        domain.create()
        self.console.wait_for("ready")
        return domain

    def wait_until_off(self, domain: libvirt.virDomain) -> None:
        waiting = tenacity.retry(
            retry=tenacity.retry_if_result(bool),
            wait=tenacity.wait_fixed(0.1),
            stop=tenacity.stop_after_delay(PATIENCE_SECONDS),
            retry_error_callback=lambda _state: True,
        )
        self.assertFalse(waiting(domain.isActive)(), "the guest does not turn itself off")

    def test_says_what_machine_it_is_in_and_turns_off_when_asked(self) -> None:
        domain = self.boot([nic(MAC), nic(OTHER_MAC)])
        facts = self.console.lines
        self.assertEqual(f"dmi_uuid={self.uuid}", facts[facts.index("config_drive=no") + 1])
        self.assertEqual({f"mac={MAC}", f"mac={OTHER_MAC}"}, {f for f in facts if "mac=" in f})
        self.assertEqual([f"disk=vda {32 * MIB}"], [f for f in facts if f.startswith("disk=")])
        self.assertEqual(
            [], [f for f in facts if f.startswith(("uuid=", "hostname=", "user_data="))]
        )
        self.assertEqual("ready", facts[-1])
        domain.shutdown()
        self.wait_until_off(domain)
        self.assertEqual("poweroff", self.console.lines[-1])
        state, reason = domain.state()
        self.assertEqual(libvirt.VIR_DOMAIN_SHUTOFF, state)
        self.assertEqual(libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN, reason)

    def assert_config_drive_read(self, user_data: bytes) -> None:
        digest = hashlib.sha256(user_data).hexdigest()
        first = ["config_drive=yes", f"uuid={self.uuid}", "hostname=server.example"]
        self.assertEqual([*first, f"user_data={digest}"], self.console.lines[:4])

    def test_reads_config_drive_on_cdrom_with_least_memory(self) -> None:
        path = self.daemon.storage_path / "config.iso"
        iso = pycdlib.PyCdlib()
        iso.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="config-2")
        for folder in ("/openstack", "/openstack/latest"):
            iso.add_directory(folder, joliet_path=folder, rr_name=Path(folder).name)
        files = {"meta_data.json": metadata(self.uuid), "user_data": b"#!/bin/sh\n"}
        for name, data in files.items():
            place = f"/openstack/latest/{name}"
            iso.add_fp(io.BytesIO(data), len(data), place, joliet_path=place, rr_name=name)
        iso.write(str(path))
        iso.close()
        self.boot([disk(path, "hda", bus="ide", kind="raw")], memory_mib=80)
        self.assert_config_drive_read(b"#!/bin/sh\n")

    def test_reads_config_drive_on_fat_disk(self) -> None:
        path = self.daemon.storage_path / "config.img"
        make = ["mkfs.vfat", "-n", "CONFIG-2", "-C", str(path), "1024"]
        subprocess.run(make, env=system_environment(), stdout=subprocess.DEVNULL, check=True)
        for folder in ("::openstack", "::openstack/latest"):
            subprocess.run(["mmd", "-i", str(path), folder], check=True)
        for name, data in (("meta_data.json", metadata(self.uuid)), ("user_data", b"\0\n")):
            command = ["mcopy", "-i", str(path), "-", f"::openstack/latest/{name}"]
            subprocess.run(command, input=data, check=True)
        self.boot([disk(path, "vdb", kind="raw")])
        self.assert_config_drive_read(b"\0\n")

    def test_sees_devices_come_and_go(self) -> None:
        domain = self.boot([nic(MAC)])
        new_disk = disk(self.create_disk("data", 3 * MIB), "vdb")
        for device, added, removed in (
            (nic(OTHER_MAC), f"mac_added={OTHER_MAC}", f"mac_removed={OTHER_MAC}"),
            (new_disk, f"disk_added=vdb {3 * MIB}", "disk_removed=vdb"),
        ):
            xml = etree.tostring(device, encoding="unicode")
            domain.attachDevice(xml)
            self.console.wait_for(added)
            domain.detachDevice(xml)
            self.console.wait_for(removed)
        told = [fact.partition("=")[0] for fact in self.console.lines]
        since = told[told.index("ready") + 1 :]
        self.assertEqual(["mac_added", "mac_removed", "disk_added", "disk_removed"], since)

    def test_boots_again_after_reset(self) -> None:
        domain = self.boot()
        domain.reset()
        lines = self.console.wait_for("ready", times=2)
        self.assertEqual(2, lines.count(f"dmi_uuid={self.uuid}"))
