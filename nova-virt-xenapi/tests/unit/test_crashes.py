"""What a driver that died between two steps leaves, and what others do to the pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from nova_virt_interface.errors import (
    Conflict,
    NotFound,
    VirtError,
)
from nova_virt_interface.values.images import DeleteImageRequest
from nova_virt_interface.values.power import (
    PowerState,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from nova_virt_xenapi.testing.harness import SimulatorHarness

from .pools import HEARD_SECONDS, MIB, OperationTestCase


class TestCrashes(OperationTestCase):
    """What a driver that died between two steps leaves."""

    def stuck(
        self, operation: Callable[[], object], method: str, action: str = "drop_before"
    ) -> None:
        """Run an operation up to a method, as a process that is killed there: it undoes nothing."""
        self.simulator.ask("fault", method=method, action=action)
        for method in ("VM.destroy", "VDI.destroy", "VBD.destroy"):
            self.simulator.ask("fault", method=method, action="drop_before", count=100)
        self.assertRaises(VirtError, operation)
        self.simulator.ask("clear_faults")

    def test_an_unfinished_vm_is_no_vm_and_a_repeat_makes_it(self) -> None:
        self.driver.cache_image(self.image_request())
        for method in ("VBD.create", "VIF.create", "VM.add_to_other_config", "VDI.resize"):
            self.stuck(lambda: self.driver.create_vm(self.vm_uuid, self.spec()), method)
            self.assertEqual((), self.driver.list_vms())
            self.assertRaises(NotFound, self.driver.get_vm, self.vm_uuid)
            self.driver.create_vm(self.vm_uuid, self.spec())
            self.assertEqual(PowerState.STOPPED, self.state())
            self.free(self.vm_uuid)
            self.assertEqual(self.before, self.objects())
            self.driver.cache_image(self.image_request())

    def test_a_copy_that_nobody_claimed_goes_with_its_vm(self) -> None:
        self.driver.cache_image(self.image_request())
        self.stuck(
            lambda: self.driver.create_vm(self.vm_uuid, self.spec()), "VDI.clone", "drop_after"
        )
        self.assertEqual(["image-1"], [image.key for image in self.driver.list_cached_images()])
        self.free(self.vm_uuid)
        self.assertEqual(self.before, self.objects())

    def test_a_deletion_goes_on_where_it_stopped(self) -> None:
        self.make()
        self.stuck(lambda: self.driver.delete_vm(self.vm_uuid, DeleteVmRequest()), "VDI.destroy")
        self.free(self.vm_uuid)
        self.assertEqual(self.before, self.objects())

    def test_an_upload_that_nobody_finishes_is_removed_by_the_next(self) -> None:
        self.stuck(lambda: self.driver.cache_image(self.image_request()), "PUT /import_raw_vdi")
        self.assertEqual((), self.driver.list_cached_images())
        self.assertNotEqual(self.before, self.objects())
        self.driver.cache_image(self.image_request())
        self.driver.delete_cached_image(DeleteImageRequest(key="image-1"))
        self.assertEqual(self.before, self.objects())

    def test_an_upload_that_goes_on_elsewhere_is_left_alone(self) -> None:
        other: Any = SimulatorHarness.factory(self.harness).connect(
            self.harness.settings(), self.services
        )
        self.addCleanup(other.close)
        self.simulator.ask("fault", method="PUT /import_raw_vdi", action="delay", seconds=1.0)
        slow = threading.Thread(target=self.driver.cache_image, args=(self.image_request(),))
        slow.start()
        other.cache_image(self.image_request())
        slow.join()
        self.assertEqual(1, len(other.list_cached_images()))
        self.assertEqual(1, len(self.driver.list_cached_images()))
        other.delete_cached_image(DeleteImageRequest(key="image-1"))
        time.sleep(HEARD_SECONDS)
        self.assertEqual((), self.driver.list_cached_images())
        self.assertEqual(1, len(self.objects() - self.before), "the other connection's session")

    def test_another_owner_s_vm_of_this_uuid_is_a_conflict(self) -> None:
        settings = self.harness.simulator.settings(owner="others")
        other: Any = self.harness.factory().connect(settings, self.services)
        self.addCleanup(other.close)
        spec = VmSpec(name="theirs", vcpus=1, memory_bytes=MIB)
        other.create_vm(self.vm_uuid, spec)
        self.addCleanup(other.delete_vm, self.vm_uuid, DeleteVmRequest())
        self.assertRaises(Conflict, self.driver.create_vm, self.vm_uuid, spec)
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertEqual("theirs", other.get_vm(self.vm_uuid).name)
        self.assertEqual((), self.driver.list_vms())
        self.assertRaises(NotFound, self.driver.get_vm, uuid4())
