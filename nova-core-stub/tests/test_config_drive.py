from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pycdlib
import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances import PORT, spawn_request
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import Media, MediaFormat
from nova_virt_interface.values.instances import GuestMetadata

from nova_core_stub.library_driver import config_drive, iso9660

UUID_1 = UUID("00000000-0000-4000-8000-000000000001")
SECTOR = 2048


def build(**changes: Any) -> Media:
    return config_drive.build(UUID_1, spawn_request(**changes))


def with_metadata(**changes: Any) -> Media:
    return build(metadata=GuestMetadata(hostname="h", **changes))


def read(content: bytes, names: str) -> dict[str, bytes]:
    """All files of a medium by path, as a reader finds them that knows these names."""
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(content))
    files = {}
    for folder, _, found in iso.walk(**{names: "/"}):
        for name in found:
            path = f"{folder.rstrip('/')}/{name}"
            target = io.BytesIO()
            iso.get_file_from_iso_fp(target, **{names: path})
            files[path] = target.getvalue()
    iso.close()
    return files


def document(content: bytes, name: str, version: str = "latest") -> Any:
    return json.loads(read(content, "rr_path")[f"/openstack/{version}/{name}"])


class ConfigDriveTest(testtools.TestCase):
    def test_every_reader_finds_the_documented_files(self) -> None:
        medium = build()
        self.assertIs(MediaFormat.ISO9660, medium.format)
        names = ("meta_data.json", "network_data.json", "user_data", "vendor_data.json")
        wanted = {
            f"/openstack/{version}/{name}"
            for version in ("2018-08-27", "latest")
            for name in (*names, "vendor_data2.json")
        }
        for reader in ("rr_path", "joliet_path"):
            self.assertEqual(wanted, set(read(medium.content, reader)))
        plain = {f"{path.upper().replace('-', '_')};1" for path in wanted}
        found = {path.replace(".;", ";") for path in read(medium.content, "iso_path")}
        self.assertEqual(plain, found)

    def test_the_volume_bears_the_label_that_guests_look_for(self) -> None:
        content = build().content
        primary, joliet = content[16 * SECTOR :], content[17 * SECTOR :]
        self.assertEqual((1, b"CD001"), (primary[0], primary[1:6]))
        self.assertEqual(b"config-2".ljust(32), primary[40:72])
        self.assertEqual((2, b"CD001"), (joliet[0], joliet[1:6]))
        self.assertEqual("config-2", joliet[40:72].decode("utf-16-be").rstrip(" \0"))

    def test_what_a_guest_learns(self) -> None:
        content = build().content
        expected = {
            "admin_pass": "hunter2",
            "availability_zone": "nova",
            "hostname": "web-1",
            "keys": [{"data": "ssh-ed25519 AAAA me", "name": "mine", "type": "ssh"}],
            "launch_index": 0,
            "meta": {"role": "wéb"},
            "name": "web <1> & co",
            "public_keys": {"mine": "ssh-ed25519 AAAA me"},
            "uuid": str(UUID_1),
        }
        for version in config_drive.VERSIONS:
            self.assertEqual(expected, document(content, "meta_data.json", version))
        network = document(content, "network_data.json")
        (link,) = network["links"]
        self.assertEqual(PORT.mac, link["ethernet_mac_address"])
        self.assertEqual(str(PORT.port_id), link["vif_id"])
        self.assertEqual([link["id"]], [item["link"] for item in network["networks"]])
        self.assertEqual({}, document(content, "vendor_data.json"))
        self.assertEqual(
            b"#!/bin/sh\nexit\xff\n", read(content, "rr_path")["/openstack/latest/user_data"]
        )

    def test_what_was_not_given_is_not_there(self) -> None:
        content = with_metadata().content
        self.assertNotIn("/openstack/latest/user_data", read(content, "rr_path"))
        optional = {"admin_pass", "keys", "meta", "public_keys"}
        self.assertEqual(set(), optional & document(content, "meta_data.json").keys())

    def test_a_password_that_is_no_text_is_refused_and_not_shown(self) -> None:
        password = Secret(b"hunter2\xff")
        error = self.assertRaises(InvalidRequest, with_metadata, admin_password=password)
        self.assertEqual("metadata.admin_password", error.field)
        self.assertIsNone(error.__cause__)
        self.assertTrue(error.__suppress_context__)
        self.assertNotIn("hunter2", str(error))

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.dictionaries(st.text(), st.text()),
        st.dictionaries(st.text(), st.text()),
        st.binary(max_size=10_000),
    )
    def test_any_metadata_arrive_as_they_are(
        self, properties: Mapping[str, str], keys: Mapping[str, str], user_data: bytes
    ) -> None:
        content = with_metadata(
            properties=tuple(properties.items()),
            public_keys=tuple(keys.items()),
            user_data=Secret(user_data),
        ).content
        found = document(content, "meta_data.json")
        self.assertEqual(properties, found.get("meta", {}))
        self.assertEqual(keys, found.get("public_keys", {}))
        self.assertEqual(user_data, read(content, "joliet_path")["/openstack/latest/user_data"])

    def test_many_ports(self) -> None:
        from_number = [
            type(PORT)(port_id=uuid4(), mac=f"52:54:00:00:00:{number:02x}", backing=PORT.backing)
            for number in range(256)
        ]
        links = document(build(ports=tuple(from_number)).content, "network_data.json")["links"]
        self.assertEqual(
            [port.mac for port in from_number], [link["ethernet_mac_address"] for link in links]
        )


class Iso9660Test(testtools.TestCase):
    def test_a_folder_that_fills_many_sectors(self) -> None:
        files = {f"folder/file-{number}.txt": b"%d" % number for number in range(200)}
        content = iso9660.write_iso("label", files)
        expected = {f"/{path}": body for path, body in files.items()}
        for reader in ("rr_path", "joliet_path"):
            self.assertEqual(expected, read(content, reader))
