"""Names on the host are read back as they were made, and foreign ones are not taken for ours."""

from __future__ import annotations

from uuid import UUID, uuid4

import testtools
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_libvirt.names import (
    ImageName,
    belongs_to,
    device_alias,
    disk_key,
    disk_volume,
    is_kept,
    kept_volume,
    key_of_alias,
    next_target,
    original_of,
    tap_name,
    variables_file,
)

KEYS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)


class TestNames(testtools.TestCase):
    @given(vm_uuid=st.uuids(), key=KEYS, extension=st.sampled_from(["qcow2", "raw", "iso"]))
    def test_a_disk_is_found_by_its_volume(self, vm_uuid: UUID, key: str, extension: str) -> None:
        volume = disk_volume(vm_uuid, key, extension)
        self.assertEqual(key, disk_key(f"/any/where/{volume}"))
        self.assertTrue(belongs_to(volume, vm_uuid))
        self.assertFalse(belongs_to(volume, uuid4()))
        self.assertIsNone(ImageName.parse(volume))

    def test_what_is_no_disk_has_no_key(self) -> None:
        for path in ("", "/x/disk.qcow2", "image-a.b.qcow2", f"{uuid4()}.qcow2", f"{uuid4()}-a"):
            self.assertIsNone(disk_key(path), path)

    def test_what_is_kept_beside_the_disks_is_the_vms(self) -> None:
        vm_uuid = uuid4()
        for name in (variables_file(vm_uuid), kept_volume(variables_file(vm_uuid))):
            self.assertIsNone(disk_key(name), name)
            self.assertTrue(belongs_to(name, vm_uuid), name)
        for disk in (disk_volume(vm_uuid, "a", "raw"), variables_file(vm_uuid)):
            self.assertEqual((False, True), (is_kept(disk), is_kept(kept_volume(disk))))
            self.assertEqual(disk, original_of(kept_volume(disk)))

    @given(key=KEYS, attempt=st.uuids(), size=st.integers(0, 2**63))
    def test_an_image_is_found_by_its_volumes(self, key: str, attempt: UUID, size: int) -> None:
        name = ImageName(key, attempt.hex, "qcow2")
        self.assertEqual(name, ImageName.parse(name.volume))
        marked = ImageName(key, attempt.hex, "qcow2", size)
        self.assertEqual(marked, ImageName.parse(marked.marker))
        self.assertEqual(name.volume, marked.volume)

    def test_what_is_no_image_is_none(self) -> None:
        attempt = uuid4().hex
        for volume in (
            "x",
            f"image-a.{attempt}.exe",
            f"image-../a.{attempt}.raw",
            f"image-a.{attempt}.raw.x.ready",
            f"image-a.{attempt}.raw\n",
        ):
            self.assertIsNone(ImageName.parse(volume), volume)

    def test_aliases_of_disks_and_nics_are_told_apart(self) -> None:
        self.assertEqual("a", key_of_alias("disk", device_alias("disk", "a")))
        self.assertIsNone(key_of_alias("nic", device_alias("disk", "a")))
        self.assertIsNone(key_of_alias("disk", "virtio-disk0"))
        self.assertIsNone(key_of_alias("disk", None))

    @given(first=st.tuples(st.uuids(), KEYS), second=st.tuples(st.uuids(), KEYS))
    def test_tap_names_fit_and_differ(
        self, first: tuple[UUID, str], second: tuple[UUID, str]
    ) -> None:
        self.assertLessEqual(len(tap_name(*first)), 15)
        self.assertEqual(first == second, tap_name(*first) == tap_name(*second))

    def test_device_names_do_not_run_out(self) -> None:
        taken: set[str] = set()
        for _ in range(27 * 26 + 1):
            taken.add(next_target("vd", taken))
        self.assertEqual(27 * 26 + 1, len(taken))
        self.assertLessEqual({"vda", "vdz", "vdaa", "vdzz", "vdaaa"}, taken)
        self.assertEqual("vdb", next_target("vd", taken - {"vdb"}))
