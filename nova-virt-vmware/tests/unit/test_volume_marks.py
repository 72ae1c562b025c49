"""Volumes as marks of a VM, and as changes of its hardware."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NfsVolume,
    Volume,
    VolumeConnection,
)

from nova_virt_vmware import volume_marks
from nova_virt_vmware.devices import Slot

NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20)
CONNECTIONS = st.one_of(
    st.builds(lambda name: HypervisorVolume(identity=f"{name}@datastore-1"), NAMES),
    st.builds(lambda name: FileVolume(path=f"[a] {name}.vmdk", format=DiskFormat.VMDK), NAMES),
    st.builds(
        lambda host, name: NfsVolume(export=f"{host}:/x", path=name, format=DiskFormat.VMDK),
        NAMES,
        NAMES,
    ),
    st.builds(
        lambda name, lun: IscsiVolume(portals=("h:1", "[::1]:2"), target_iqn=name, lun=lun),
        NAMES,
        st.integers(0, 2**16),
    ),
)
FILE = FileVolume(path="[a] x/y.vmdk", format=DiskFormat.VMDK)


def disk(connection: VolumeConnection, **fields: Any) -> DiskSpec:
    source = Volume(volume_id=UUID(int=1), connection=connection, **fields)
    return DiskSpec(key="volume", source=source, size_bytes=1024)


class TestMark(testtools.TestCase):
    """The mark of a VM's volumes."""

    @settings(deadline=None)
    @given(st.dictionaries(NAMES, CONNECTIONS, max_size=4))
    def test_what_is_written_is_read(self, connections: dict[str, VolumeConnection]) -> None:
        text = volume_marks.volumes_text(connections)
        self.assertEqual(connections, volume_marks.volumes_of(text))
        self.assertEqual(bool(connections), bool(text))

    def test_another_volume_joins_those_that_are_there(self) -> None:
        marks = volume_marks.volume_marks([disk(FILE)], {})
        other = DiskSpec(key="other", source=disk(FILE).source, size_bytes=1024)
        both = volume_marks.volume_marks([other], marks)
        found = volume_marks.volumes_of(both[volume_marks.VOLUMES])
        self.assertEqual({"volume", "other"}, set(found))
        self.assertEqual({}, volume_marks.volume_marks([], marks))


class TestChecks(testtools.TestCase):
    """check_volume."""

    def test_places_are_checked(self) -> None:
        for connection in (
            FileVolume(path="/a/b.vmdk", format=DiskFormat.VMDK),
            HypervisorVolume(identity="8f0c"),
            HypervisorVolume(identity="8f0c@datastore-1/x"),
            FileVolume(path="[a] ../b.vmdk", format=DiskFormat.VMDK),
            NfsVolume(export="h:/x", path="b.raw", format=DiskFormat.VMDK),
            NfsVolume(export="h", path="b.vmdk", format=DiskFormat.VMDK),
        ):
            self.assertRaises(InvalidRequest, volume_marks.check_volume, disk(connection))
        volume_marks.check_volume(disk(FILE))

    def test_no_disk_is_shared_for_reading_alone(self) -> None:
        both = disk(FILE, shared=True, read_only=True)
        self.assertRaises(Unsupported, volume_marks.check_volume, both)


class TestDevices(testtools.TestCase):
    """added_volume and with_file."""

    def _added(self, backing: volume_marks.Backing, **fields: bool) -> Any:
        wanted = disk(FILE, **fields)
        return volume_marks.added_volume(wanted, Slot("pvscsi", 1), 1000, backing, "[a] m.vmdk")

    def test_a_file_is_plugged_in_as_it_is(self) -> None:
        change = self._added(volume_marks.Backing(1024, file="[a] x/y.vmdk"))
        self.assertEqual("[a] x/y.vmdk", change.device.backing.fileName)
        self.assertIsNone(change.fileOperation)
        self.assertFalse(volume_marks.with_file(change.device, FILE))
        self.assertTrue(volume_marks.with_file(change.device, None))

    def test_a_device_gets_a_mapping_that_goes_with_it(self) -> None:
        change = self._added(volume_marks.Backing(1024, device="/vmfs/devices/disks/naa.1"))
        self.assertEqual("[a] m.vmdk", change.device.backing.fileName)
        self.assertEqual("create", str(change.fileOperation))
        self.assertTrue(volume_marks.with_file(change.device, FILE))

    def test_what_is_for_reading_drops_what_is_written(self) -> None:
        for backing in (
            volume_marks.Backing(1024, file="[a] x/y.vmdk"),
            volume_marks.Backing(1024, device="/vmfs/devices/disks/naa.1"),
        ):
            mode = self._added(backing, read_only=True).device.backing.diskMode
            self.assertEqual("independent_nonpersistent", mode)
