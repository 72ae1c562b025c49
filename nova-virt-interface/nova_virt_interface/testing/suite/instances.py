"""Instances, in nova's words: `IVirtDriver`, by core's adapter or by a driver itself."""

from __future__ import annotations

import dataclasses

from nova_virt_interface.errors import (
    Conflict,
    ImageCorrupt,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
)
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._instances import PASSWORD, InstanceMixin
from nova_virt_interface.testing.suite._mixins import image_of
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    Checksum,
    DestroyRequest,
    DetachInterfaceRequest,
    Flavor,
    Image,
    PowerOffRequest,
    PowerOnRequest,
)
from nova_virt_interface.values.power import PowerState, RebootKind, RebootRequest
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment

__all__ = ["InstanceSuite"]


class InstanceSuite(InstanceMixin):
    """spawn, destroy, power_on, power_off, reboot and the questions about instances."""

    @rules("SPAWN-1", "NIC-2")
    def test_this_instance_boots_with_this_metadata_and_these_nics(self) -> None:
        self.requires(IImageCaching)
        ports = (self.port(1), self.port(2))
        root_bytes = 2 * self.harness.image().virtual_size_bytes
        flavor = Flavor(
            vcpus=1,
            memory_bytes=self.harness.memory_bytes,
            root_bytes=root_bytes,
            ephemeral_bytes=self.harness.disk_bytes,
            swap_bytes=2 * self.harness.disk_bytes,
        )
        instance_uuid, request = self.spawned(ports=ports, flavor=flavor)
        report = self.wait_ready(instance_uuid)
        self.assertEqual(["yes"] if request.config_drive else ["no"], report.all("config_drive"))
        self.assertEqual([str(instance_uuid)], report.all("uuid"))
        self.assertEqual(["conformance-host"], report.all("hostname"))
        self.assertEqual(sorted(port.mac for port in ports), sorted(report.all("mac")))
        sizes = {int(fact.split()[1]) for fact in report.all("disk")}
        self.assertLessEqual({root_bytes, flavor.ephemeral_bytes, flavor.swap_bytes}, sizes)

    @rules("SPAWN-3", "REP-1")
    def test_spawn_again_is_the_same_instance(self) -> None:
        instance_uuid, request = self.spawned()
        before = self.harness.leftovers()
        self.virt_driver.spawn(instance_uuid, request)
        self.assertEqual(before, self.harness.leftovers())
        self.assertEqual(1, self.services.images.opened[image_of(request).cache_key])
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-3")
    def test_spawn_with_another_request_is_a_conflict(self) -> None:
        instance_uuid, request = self.spawned()
        before = self.harness.leftovers()
        flavor = dataclasses.replace(request.flavor, memory_bytes=2 * self.harness.memory_bytes)
        other = dataclasses.replace(request, flavor=flavor)
        with self.refused(Conflict, Resource.VM):
            self.virt_driver.spawn(instance_uuid, other)
        self.assertEqual(before, self.harness.leftovers())
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-4", "ERR-4")
    def test_a_flavor_smaller_than_the_image_is_refused(self) -> None:
        self.requires(IImageCaching)
        before = self.without_images()
        request = self.request()
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
        self.assertEqual(before, self.without_images())

    @rules("SPAWN-2", "SRC-1")
    def test_a_checksum_mismatch_leaves_nothing(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        request = self.request(image=self.image(intact=False))
        with self.refused(ImageCorrupt):
            self.virt_driver.spawn(self.new_uuid(), request)
        self.assertEqual(before, self.harness.leftovers())

    @rules("SPAWN-2")
    def test_a_missing_image_leaves_nothing(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        image = dataclasses.replace(
            self.image(), checksum=Checksum(algorithm="sha256", hex_digest="0" * 64)
        )
        request = self.request(image=image)
        with self.refused(NotFound, Resource.IMAGE):
            self.virt_driver.spawn(self.new_uuid(), request)
        self.assertEqual(before, self.harness.leftovers())

    @rules("SPAWN-2")
    def test_a_full_storage_leaves_nothing_and_a_repeat_succeeds(self) -> None:
        self.requires(IImageCaching)
        before = self.harness.leftovers()
        instance_uuid, request = self.new_uuid(), self.request()
        full, refused = (
            self.harness.full_storage(),
            self.refused(InsufficientResources, Resource.STORAGE),
        )
        with full, refused:
            self.virt_driver.spawn(instance_uuid, request)
        self.assertEqual(before, self.harness.leftovers())
        self.virt_driver.spawn(instance_uuid, request)
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("SPAWN-1", "LIFE-5")
    def test_destroy_removes_all_and_may_be_repeated(self) -> None:
        self.requires(IImageCaching)
        self.virt_driver.cache_image(self.request().image)
        before = self.harness.leftovers()
        instance_uuid, _ = self.spawned(ports=(self.port(1),))
        for _ in range(2):
            self.virt_driver.destroy(instance_uuid, DestroyRequest())
        self.assertEqual(before, self.harness.leftovers())
        with self.refused(NotFound, Resource.VM):
            self.virt_driver.get_info(instance_uuid)

    @rules("PWR-3", "PWR-5", "PWR-8")
    def test_power_off_on_and_reboot(self) -> None:
        instance_uuid, _ = self.spawned()
        for _ in range(2):
            self.virt_driver.power_off(instance_uuid, PowerOffRequest(graceful_timeout_seconds=0.0))
            self.assert_state(instance_uuid, PowerState.STOPPED)
        for _ in range(2):
            self.virt_driver.power_on(instance_uuid, PowerOnRequest())
            self.assert_state(instance_uuid, PowerState.RUNNING)
        self.virt_driver.reboot(instance_uuid, RebootRequest(kind=RebootKind.HARD))
        self.assert_state(instance_uuid, PowerState.RUNNING)

    @rules("PWR-5")
    def test_a_guest_turns_itself_off_when_asked(self) -> None:
        instance_uuid, _ = self.spawned()
        self.wait_ready(instance_uuid)
        off = PowerOffRequest(graceful_timeout_seconds=self.harness.patience_seconds)
        self.virt_driver.power_off(instance_uuid, off)
        self.assert_state(instance_uuid, PowerState.STOPPED)
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
        instance_uuid, _ = self.spawned()
        self.assertIn(instance_uuid, [entry.vm_uuid for entry in self.virt_driver.get_statistics()])
        found = self.virt_driver.get_available_resource()
        self.assertTrue(0 < found.storage_free_bytes < found.storage_bytes, found)

    @rules("NIC-3", "NIC-4", "NIC-5")
    def test_a_port_is_plugged_into_a_running_instance(self) -> None:
        self.requires(IInterfaceAttachment)
        instance_uuid, _ = self.spawned()
        self.wait_ready(instance_uuid)
        port = self.port(9)
        for _ in range(2):
            self.virt_driver.attach_interface(instance_uuid, AttachInterfaceRequest(port=port))
        added = lambda: port.mac in self.console(instance_uuid).all("mac_added")  # noqa: E731
        self.wait_until(added, "the guest to see the port")
        for _ in range(2):
            self.virt_driver.detach_interface(
                instance_uuid, DetachInterfaceRequest(port_id=port.port_id)
            )
        removed = lambda: port.mac in self.console(instance_uuid).all("mac_removed")  # noqa: E731
        self.wait_until(removed, "the guest to miss the port")

    @rules("SEC-1")
    def test_secrets_are_in_no_repr_and_no_error(self) -> None:
        self.requires(IImageCaching)
        request = self.request()
        self.assertNotIn(PASSWORD, repr(request))
        image = dataclasses.replace(image_of(request), min_disk_bytes=2**60)
        wrong = dataclasses.replace(request, image=image)
        with self.refused(InvalidRequest) as caught:
            self.virt_driver.spawn(self.new_uuid(), wrong)
        self.assertNotIn(PASSWORD, str(caught.error))

    @rules("IMG-1")
    def test_path_tricks_in_image_ids_are_refused(self) -> None:
        checksum = Checksum(algorithm="sha256", hex_digest="0" * 64)
        for image_id in ("../etc/passwd", "/etc/passwd", "a/b", "..", "", "a\0b", "a\n"):
            with self.refused(InvalidRequest):
                Image(image_id=image_id, format=DiskFormat.RAW, size_bytes=1, checksum=checksum)
