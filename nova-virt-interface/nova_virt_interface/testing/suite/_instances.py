"""Steps that the suites of the upper level share."""

from __future__ import annotations

from uuid import UUID, uuid4

from testtools.content import text_content

from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.doubles import checksum_of
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._mixins import VirtDriverMixin
from nova_virt_interface.values.images import DeleteImageRequest
from nova_virt_interface.values.instances import Flavor, GuestMetadata, Image, Port, SpawnRequest
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.virt_driver.console import IConsoleOutput
from nova_virt_interface.virt_driver.images import IImageCaching

__all__ = ["PASSWORD", "InstanceMixin"]

PASSWORD = "correct-horse-battery"  # noqa: S105 - a test looks for it where it must not be


class InstanceMixin(VirtDriverMixin):
    """Small instances, and a look at them."""

    def image(self, *, intact: bool = True) -> Image:
        """An image in the image source."""
        test_image = self.harness.image()
        image = Image(
            image_id=str(uuid4()),
            format=test_image.format,
            size_bytes=test_image.path.stat().st_size,
            checksum=checksum_of(test_image.path),
        )
        self.services.images.add(image.cache_key, test_image.path, intact=intact)
        return image

    def request(self, **changes: object) -> SpawnRequest:
        """A small instance, changed as asked."""
        root_bytes = self.harness.image().virtual_size_bytes
        fields: dict[str, object] = {
            "name": "conformance",
            "flavor": Flavor(
                vcpus=1, memory_bytes=self.harness.memory_bytes, root_bytes=root_bytes
            ),
            "image": changes.get("image") or self.image(),
            "metadata": GuestMetadata(hostname="conformance-host", admin_password=Secret(PASSWORD)),
            "config_drive": bool(self.virt_driver.describe().media_formats),
        }
        return SpawnRequest(**fields | changes)  # type: ignore[arg-type]

    def port(self, number: int) -> Port:
        """A port whose MAC address ends in ``number``."""
        return Port(
            port_id=uuid4(), mac=f"52:54:00:c0:ff:{number:02x}", backing=self.harness.nic_backing()
        )

    def spawned(self, **changes: object) -> tuple[UUID, SpawnRequest]:
        """Spawn an instance and return its uuid and the request."""
        self.requires(IImageCaching)
        instance_uuid, request = self.new_uuid(), self.request(**changes)
        self.virt_driver.spawn(instance_uuid, request)
        return instance_uuid, request

    def console(self, instance_uuid: UUID) -> GuestReport:
        """What the guest wrote so far."""
        log = self.requires(IConsoleOutput).get_console_output(instance_uuid, 256 * 1024)
        self.addDetail("console", text_content(log.decode("utf-8", errors="replace")))
        return GuestReport(log)

    def wait_ready(self, instance_uuid: UUID) -> GuestReport:
        """Wait until the guest has come up, and return what it said."""
        self.requires(IConsoleOutput)
        if not self.harness.image().boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        self.wait_until(lambda: self.console(instance_uuid).is_ready, "the guest to boot")
        return self.console(instance_uuid)

    def assert_state(self, instance_uuid: UUID, expected: PowerState) -> None:
        """The state, asked for alone and in bulk, is the expected one."""
        self.assertEqual(expected, self.virt_driver.get_info(instance_uuid).power_state)
        listed = {
            info.instance_uuid: info.power_state for info in self.virt_driver.list_instances()
        }
        self.assertEqual(expected, listed.get(instance_uuid))

    def without_images(self) -> frozenset[str]:
        """What exists, but for cached images, which a failed spawn may leave."""
        for image in self.virt_driver.list_cached_images():
            self.virt_driver.delete_cached_image(DeleteImageRequest(key=image.key))
        return self.harness.leftovers()
