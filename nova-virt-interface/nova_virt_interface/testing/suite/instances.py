"""Instances, in nova's words: `IVirtDriver`, by core's adapter or by a driver itself."""

from __future__ import annotations

import dataclasses
from uuid import UUID, uuid4

from testtools.content import text_content

from nova_virt_interface.errors import (
    Conflict,
    ImageCorrupt,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
)
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import checksum_of
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.harness import CannotProvoke
from nova_virt_interface.testing.suite._mixins import VirtDriverMixin, image_of
from nova_virt_interface.values.images import DeleteImageRequest, DiskFormat
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    Checksum,
    DestroyRequest,
    DetachInterfaceRequest,
    Flavor,
    GuestMetadata,
    Image,
    Port,
    PowerOffRequest,
    PowerOnRequest,
    SpawnRequest,
)
from nova_virt_interface.values.power import PowerState, RebootKind, RebootRequest
from nova_virt_interface.virt_driver.console import IConsoleOutput
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment

__all__ = ["InstanceSuite"]

_PASSWORD = "correct-horse-battery"  # noqa: S105 - a test looks for it where it must not be


class InstanceSuite(VirtDriverMixin):
    """spawn, destroy, power_on, power_off, reboot and the questions about instances."""

    def _image(self, *, intact: bool = True) -> Image:
        test_image = self.harness.image()
        image = Image(
            image_id=str(uuid4()),
            format=test_image.format,
            size_bytes=test_image.path.stat().st_size,
            checksum=checksum_of(test_image.path),
        )
        self.services.images.add(image.cache_key, test_image.path, intact=intact)
        return image

    def _request(self, **changes: object) -> SpawnRequest:
        root_bytes = self.harness.image().virtual_size_bytes
        fields: dict[str, object] = {
            "name": "conformance",
            "flavor": Flavor(
                vcpus=1, memory_bytes=self.harness.memory_bytes, root_bytes=root_bytes
            ),
            "image": changes.get("image") or self._image(),
            "metadata": GuestMetadata(
                hostname="conformance-host", admin_password=Secret(_PASSWORD)
            ),
            "config_drive": bool(self.virt_driver.describe().media_formats),
        }
        return SpawnRequest(**fields | changes)  # type: ignore[arg-type]

    def _port(self, number: int) -> Port:
        return Port(
            port_id=uuid4(), mac=f"52:54:00:c0:ff:{number:02x}", backing=self.harness.nic_backing()
        )

    def _spawned(self, **changes: object) -> tuple[UUID, SpawnRequest]:
        self.requires(IImageCaching)
        instance_uuid, request = self.new_uuid(), self._request(**changes)
        self.virt_driver.spawn(instance_uuid, request)
        return instance_uuid, request

    def _console(self, instance_uuid: UUID) -> GuestReport:
        log = self.requires(IConsoleOutput).get_console_output(instance_uuid, 256 * 1024)
        self.addDetail("console", text_content(log.decode("utf-8", errors="replace")))
        return GuestReport(log)

    def _wait_ready(self, instance_uuid: UUID) -> GuestReport:
        self.requires(IConsoleOutput)
        if not self.harness.image().boots:
            raise CannotProvoke("no guest of this backend writes to its console")
        self.wait_until(lambda: self._console(instance_uuid).is_ready, "the guest to boot")
        return self._console(instance_uuid)

    def _assert_state(self, instance_uuid: UUID, expected: PowerState) -> None:
        self.assertEqual(expected, self.virt_driver.get_info(instance_uuid).power_state)
        listed = {
            info.instance_uuid: info.power_state for info in self.virt_driver.list_instances()
        }
        self.assertEqual(expected, listed.get(instance_uuid))

    def _without_images(self) -> frozenset[str]:
        """What exists, but for cached images, which a failed spawn may leave."""
        for image in self.virt_driver.list_cached_images():
            self.virt_driver.delete_cached_image(DeleteImageRequest(key=image.key))
        return self.harness.leftovers()

    @rules("SPAWN-1", "NIC-2")
    def test_this_instance_boots_with_this_metadata_and_these_nics(self) -> None:
        self.requires(IImageCaching)
        ports = (self._port(1), self._port(2))
        root_bytes = 2 * self.harness.image().virtual_size_bytes
        flavor = Flavor(
            vcpus=1,
            memory_bytes=self.harness.memory_bytes,
            root_bytes=root_bytes,
            ephemeral_bytes=self.harness.disk_bytes,
            swap_bytes=2 * self.harness.disk_bytes,
        )
        instance_uuid, request = self._spawned(ports=ports, flavor=flavor)
        report = self._wait_ready(instance_uuid)
        self.assertEqual(["yes"] if request.config_drive else ["no"], report.all("config_drive"))
        self.assertEqual([str(instance_uuid)], report.all("uuid"))
        self.assertEqual(["conformance-host"], report.all("hostname"))
        self.assertEqual(sorted(port.mac for port in ports), sorted(report.all("mac")))
        sizes = {int(fact.split()[1]) for fact in report.all("disk")}
        self.assertLessEqual({root_bytes, flavor.ephemeral_bytes, flavor.swap_bytes}, sizes)

    @rules("SPAWN-3", "REP-1")
    def test_spawn_again_is_the_same_instance(self) -> None:
        instance_uuid, request = self._spawned()
        before = self.harness.leftovers()
        self.virt_driver.spawn(instance_uuid, request)
        self.assertEqual(before, self.harness.leftovers())
        self.assertEqual(1, self.services.images.opened[image_of(request).cache_key])
        self._assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-3")
    def test_spawn_with_another_request_is_a_conflict(self) -> None:
        instance_uuid, request = self._spawned()
        before = self.harness.leftovers()
        flavor = dataclasses.replace(request.flavor, memory_bytes=2 * self.harness.memory_bytes)
        other = dataclasses.replace(request, flavor=flavor)
        with self.refused(Conflict, Resource.VM):
            self.virt_driver.spawn(instance_uuid, other)
        self.assertEqual(before, self.harness.leftovers())
        self._assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-4", "ERR-4")
    def test_a_flavor_smaller_than_the_image_is_refused(self) -> None:
        self.requires(IImageCaching)
        before = self._without_images()
        request = self._request()
        small = dataclasses.replace(request.flavor, root_bytes=512)
        images = (
            dataclasses.replace(image_of(request), min_disk_bytes=request.flavor.root_bytes + 1),
            dataclasses.replace(
                image_of(request), min_memory_bytes=request.flavor.memory_bytes + 1
            ),
        )
        for wrong in (
            dataclasses.replace(request, flavor=small),
            *(dataclasses.replace(request, image=image) for image in images),
        ):
            with self.refused(InvalidRequest) as caught:
                self.virt_driver.spawn(self.new_uuid(), wrong)
            self.assertFalse(caught.error.may_have_been_done)
        self.assertEqual(before, self._without_images())

    @rules("SPAWN-2", "SRC-1")
    def test_a_checksum_mismatch_leaves_nothing(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        request = self._request(image=self._image(intact=False))
        with self.refused(ImageCorrupt):
            self.virt_driver.spawn(self.new_uuid(), request)
        self.assertEqual(before, self.harness.leftovers())

    @rules("SPAWN-2")
    def test_a_missing_image_leaves_nothing(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        image = dataclasses.replace(
            self._image(), checksum=Checksum(algorithm="sha256", hex_digest="0" * 64)
        )
        request = self._request(image=image)
        with self.refused(NotFound, Resource.IMAGE):
            self.virt_driver.spawn(self.new_uuid(), request)
        self.assertEqual(before, self.harness.leftovers())

    @rules("SPAWN-2")
    def test_a_full_storage_leaves_nothing_and_a_repeat_succeeds(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        instance_uuid, request = self.new_uuid(), self._request()
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self.virt_driver.spawn(instance_uuid, request)
        self.assertEqual(before, self.harness.leftovers())
        self.virt_driver.spawn(instance_uuid, request)
        self._assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-1", "LIFE-5")
    def test_destroy_removes_all_and_may_be_repeated(self) -> None:
        self.requires(IImageCaching)
        self.virt_driver.cache_image(self._request().image)
        before = self.harness.leftovers()
        instance_uuid, _ = self._spawned(ports=(self._port(1),))
        for _ in range(2):
            self.virt_driver.destroy(instance_uuid, DestroyRequest())
        self.assertEqual(before, self.harness.leftovers())
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_info(instance_uuid)

    @rules("PWR-3", "PWR-5", "PWR-8")
    def test_power_off_on_and_reboot(self) -> None:
        instance_uuid, _ = self._spawned()
        for _ in range(2):
            self.virt_driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
            self._assert_state(instance_uuid, PowerState.STOPPED)
        for _ in range(2):
            self.virt_driver.power_on(instance_uuid, PowerOnRequest())
            self._assert_state(instance_uuid, PowerState.RUNNING)
        self.virt_driver.reboot(instance_uuid, RebootRequest(kind=RebootKind.HARD))
        self._assert_state(instance_uuid, PowerState.RUNNING)

    @rules("PWR-5")
    def test_a_guest_turns_itself_off_when_asked(self) -> None:
        instance_uuid, _ = self._spawned()
        self._wait_ready(instance_uuid)
        off = PowerOffRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.virt_driver.power_off(instance_uuid, off)
        self._assert_state(instance_uuid, PowerState.STOPPED)
        log = self.virt_driver.get_console_output(instance_uuid, 256 * 1024)
        self.assertIn(b"NVG poweroff", log)

    def test_unknown_instances_are_not_found(self) -> None:
        instance_uuid = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_info(instance_uuid)
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.power_on(instance_uuid, PowerOnRequest())
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.power_off(instance_uuid, PowerOffRequest())
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.reboot(instance_uuid, RebootRequest(kind=RebootKind.HARD))

    @rules("STAT-2", "INV-1")
    def test_statistics_and_resources(self) -> None:
        instance_uuid, _ = self._spawned()
        self.assertIn(instance_uuid, [entry.vm_uuid for entry in self.virt_driver.get_statistics()])
        found = self.virt_driver.get_available_resource()
        self.assertTrue(0 < found.storage_free_bytes < found.storage_bytes, found)

    @rules("NIC-3", "NIC-4", "NIC-5")
    def test_a_port_is_plugged_into_a_running_instance(self) -> None:
        self.requires(IInterfaceAttachment)
        instance_uuid, _ = self._spawned()
        self._wait_ready(instance_uuid)
        port = self._port(9)
        for _ in range(2):
            self.virt_driver.attach_interface(instance_uuid, AttachInterfaceRequest(port=port))
        added = lambda: port.mac in self._console(instance_uuid).all("mac_added")  # noqa: E731
        self.wait_until(added, "the guest to see the port")
        for _ in range(2):
            self.virt_driver.detach_interface(
                instance_uuid, DetachInterfaceRequest(port_id=port.port_id)
            )
        removed = lambda: port.mac in self._console(instance_uuid).all("mac_removed")  # noqa: E731
        self.wait_until(removed, "the guest to miss the port")

    @rules("SEC-1")
    def test_secrets_are_in_no_repr_and_no_error(self) -> None:
        self.requires(IImageCaching)
        request = self._request()
        self.assertNotIn(_PASSWORD, repr(request))
        image = dataclasses.replace(image_of(request), min_disk_bytes=2**60)
        wrong = dataclasses.replace(request, image=image)
        with self.refused(InvalidRequest) as caught:
            self.virt_driver.spawn(self.new_uuid(), wrong)
        self.assertNotIn(_PASSWORD, str(caught.error))

    @rules("IMG-1")
    def test_path_tricks_in_image_ids_are_refused(self) -> None:
        checksum = Checksum(algorithm="sha256", hex_digest="0" * 64)
        for image_id in ("../etc/passwd", "/etc/passwd", "a/b", "..", "", "a\0b", "a\n"):
            with self.refused(InvalidRequest):
                Image(image_id=image_id, format=DiskFormat.RAW, size_bytes=1, checksum=checksum)
