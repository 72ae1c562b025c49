"""A random source and a shared directory, as the guest itself sees them."""

from __future__ import annotations

from pathlib import Path

from fixtures import TempDir
from libvirt_case import QemuTestCase
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.guest_settings import (
    GuestSettings,
    MemoryBacking,
    RandomSource,
    Share,
)


class TestDevices(QemuTestCase):
    def test_a_guest_has_a_random_source(self) -> None:
        vm_uuid = self.booted(settings=GuestSettings(random_source=RandomSource()))
        self.assertEqual(["virtio_rng.0"], self.wait_booted(vm_uuid).all("random_source"))

    def test_a_guest_reads_and_writes_a_share(self) -> None:
        # libvirtd's own /tmp is the host's.
        folder = Path(self.useFixture(TempDir()).path)
        (folder / "word").write_text("of the host", encoding="ascii")
        vm_uuid = self.booted(
            settings=GuestSettings(
                memory=MemoryBacking(shared=True), shares=(Share(tag="one", path=str(folder)),)
            )
        )
        said = self.harness.order(vm_uuid, "mount", "one")
        self.assertIn("NVG share=of the host", said)
        self.assertEqual("by the guest\n", (folder / "answer").read_text(encoding="ascii"))

    def test_a_share_is_not_for_reading_alone(self) -> None:
        share = Share(tag="one", path="/srv", read_only=True)
        with self.refused(Unsupported) as caught:
            self.made(settings=GuestSettings(memory=MemoryBacking(shared=True), shares=(share,)))
        self.assertEqual("settings.shares", caught.error.field)
