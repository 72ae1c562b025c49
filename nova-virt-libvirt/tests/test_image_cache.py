"""The image cache on a real storage pool: crashes, races, and images that are an attack."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from fixtures import TempDir
from libvirt_case import QemuTestCase
from nova_virt_interface.errors import ImageCorrupt
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import image_request
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat

KEY = "conformance-image"


class TestImageCache(QemuTestCase):
    def leave(self, name: str, *, age_seconds: int = 0) -> None:
        """Leave a file in the pool, as a crashed process would."""
        path = f"{self.harness.settings().storage_path}/{name}"
        self.harness.libvirtd.run("touch", "-d", f"{age_seconds} seconds ago", path)
        self.addCleanup(self.harness.libvirtd.run, "rm", "-f", path)
        self.hypervisor.inventory()

    def files(self) -> set[str]:
        return {name for name in self.harness.leftovers() if name.startswith("file image-")}

    def test_an_upload_that_was_broken_off_is_not_seen_nor_in_the_way(self) -> None:
        self.leave(f"image-{KEY}.{uuid4().hex}.qcow2")
        self.assertEqual((), self.hypervisor.list_cached_images())
        self.cached_image_key()
        self.assertEqual([KEY], [image.key for image in self.hypervisor.list_cached_images()])

    def test_an_old_broken_upload_is_removed_with_the_next_one(self) -> None:
        old, new, other = (f"image-{key}.{uuid4().hex}.raw" for key in ("a", "b", KEY))
        self.leave(old, age_seconds=100_000)
        self.leave(new)
        self.leave(other, age_seconds=100_000)
        self.cached_image_key()
        self.assertEqual({f"file {new}"}, self.files() & {f"file {n}" for n in (old, new, other)})

    def test_a_marker_without_its_image_publishes_nothing(self) -> None:
        self.leave(f"image-{KEY}.{uuid4().hex}.qcow2.1024.ready")
        self.assertEqual((), self.hypervisor.list_cached_images())
        self.cached_image_key()
        (cached,) = self.hypervisor.list_cached_images()
        self.assertEqual(self.harness.image().virtual_size_bytes, cached.virtual_size_bytes)

    def test_connections_that_cache_one_image_at_once_make_one_copy(self) -> None:
        services = [SuiteServices() for _ in range(3)]
        connections = [self.connect(each) for each in services]
        request = image_request(self.harness, self.services)
        for each in services:
            image_request(self.harness, each)
        with ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda one: one.cache_image(request), connections))
        self.addCleanup(self.hypervisor.delete_cached_image, DeleteImageRequest(key=KEY))
        self.assertEqual(1, len(set(results)))
        self.assertEqual(1, sum(each.images.opened.get(KEY, 0) for each in services))
        self.assertEqual(2, len(self.files()))

    def test_processes_that_cached_one_image_at_once_agree_on_a_copy(self) -> None:
        self.cached_image_key()
        (image, _) = sorted(self.files(), key=len)
        other = image.removeprefix("file ").split(".")
        other[1] = "0" * 32
        size = self.harness.image().virtual_size_bytes
        self.leave(".".join(other))
        self.leave(".".join([*other, str(size), "ready"]))
        self.assertEqual([KEY], [found.key for found in self.hypervisor.list_cached_images()])
        self.hypervisor.delete_cached_image(DeleteImageRequest(key=KEY))
        self.assertEqual(set(), self.files())

    def attack(self, *options: str, form: DiskFormat = DiskFormat.QCOW2) -> None:
        path = Path(self.useFixture(TempDir()).path) / "attack"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), "1M"], check=True
        )
        self.services.images.add("attack", path)
        before = self.harness.leftovers()
        request = CacheImageRequest(key="attack", format=form, size_bytes=path.stat().st_size)
        self.assertRaises(ImageCorrupt, self.hypervisor.cache_image, request)
        self.assertEqual(before, self.harness.leftovers())

    def test_an_image_that_names_another_file_is_refused(self) -> None:
        self.attack("-u", "-b", "/etc/passwd", "-F", "raw")

    def test_an_image_whose_data_are_in_another_file_is_refused(self) -> None:
        data = Path(self.useFixture(TempDir()).path) / "data"
        self.attack("-o", f"data_file={data},data_file_raw=on")

    def test_a_container_that_claims_to_be_raw_is_refused(self) -> None:
        self.attack(form=DiskFormat.RAW)
