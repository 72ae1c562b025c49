"""The distribution claims no driver as long as it has none."""

import tempfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import testtools

GROUP = "nova_virt.hypervisors"


def driver_names(package: Distribution) -> list[str]:
    """Name every driver that the distribution's metadata offers to a core."""
    return [point.name for point in package.entry_points.select(group=GROUP)]


class TestNoDriverIsClaimed(testtools.TestCase):
    """What a core reads from metadata, before it imports anything."""

    def test_the_installed_distribution_offers_no_driver(self) -> None:
        self.assertEqual([], driver_names(distribution("nova-virt-vmware")))

    def test_a_claimed_driver_would_be_seen(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "entry_points.txt").write_text(
                f"[{GROUP}]\nvmware-1.0 = nova_virt_vmware.hypervisor:connect\n", encoding="utf-8"
            )
            claimed = driver_names(Distribution.at(folder))
        self.assertEqual(["vmware-1.0"], claimed)
