"""Places of volumes, as storage repositories."""

from __future__ import annotations

from uuid import UUID

import testtools
from hypothesis import given
from hypothesis import strategies as some
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import IscsiVolume, NfsVolume

from nova_virt_xenapi.volume_places import place_of


class TestPlaces(testtools.TestCase):
    """Pure functions."""

    def test_a_folder_is_the_export_s_path_and_the_file_s(self) -> None:
        name = f"{UUID(int=1)}.vhd"
        for export, path, server, folder in (
            ("host:/x", name, "host", "/x"),
            ("host:/x/", f"a/b/{name}", "host", "/x/a/b"),
            ("host:/", name, "host", "/"),
            ("[2001:db8::1]:/x", name, "2001:db8::1", "/x"),
        ):
            place = place_of(NfsVolume(export=export, path=path, format=DiskFormat.VHD))
            expected = {"server": server, "serverpath": folder}
            self.assertEqual(expected, place.device_config)
            self.assertTrue(place.has({"uuid": str(UUID(int=1)), "sm_config": {}}))
            self.assertFalse(place.has({"uuid": str(UUID(int=2)), "sm_config": {}}))

    @given(some.uuids(), some.sampled_from((DiskFormat.VHD, DiskFormat.QCOW2)))
    def test_every_name_that_a_storage_manager_gives_is_found(
        self, uuid: UUID, format: DiskFormat
    ) -> None:
        path = f"{uuid}.{format.value}"
        place = place_of(NfsVolume(export="host:/x", path=path, format=format))
        self.assertTrue(place.has({"uuid": str(uuid), "sm_config": {}}))

    @given(some.text("0123456789abcdef-{}. ", min_size=1).filter(str.strip))
    def test_other_names_are_refused(self, name: str) -> None:
        stem = name.strip(" .") or "x"
        volume = NfsVolume(export="host:/x", path=f"{stem}.qcow2", format=DiskFormat.VHD)
        self.assertRaises(Unsupported, place_of, volume)

    def test_a_unit_is_found_by_its_number(self) -> None:
        portals = ("[2001:db8::1]:3260", "192.0.2.1:3260")
        place = place_of(IscsiVolume(portals=portals, target_iqn="iqn.x", lun=1))
        expected = {"target": "2001:db8::1", "port": "3260", "targetIQN": "iqn.x"}
        self.assertEqual(expected, place.device_config)
        for lun, is_it in (("1", True), ("11", False)):
            self.assertEqual(is_it, place.has({"uuid": "x", "sm_config": {"LUNid": lun}}))
