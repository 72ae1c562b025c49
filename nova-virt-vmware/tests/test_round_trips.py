"""How many requests an operation costs: the table of the README."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import uuid4

from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerAction,
    HostPowerRequest,
    LeaveMaintenanceRequest,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PowerState,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import Volume, VolumeProtocol
from on_vcsim import BLANK, MEDIUM, MIB, VcsimTestCase, nic, spec

from nova_virt_vmware.testing.harness import EsxHarness


class TestRoundTrips(VcsimTestCase):
    """Counted on the wire. A task costs one request more when it is not done at the first look."""

    def _cost(self, operation: Callable[[], object]) -> int:
        before: int = self.harness.round_trips()
        operation()
        return int(self.harness.round_trips()) - before

    def _tasks(self, expected: int, tasks: int, operation: Callable[[], object]) -> None:
        cost = self._cost(operation)
        self.assertTrue(expected <= cost <= expected + tasks, f"{expected} + {tasks}: {cost}")

    def _settle(self) -> None:
        """The first deletion looks for what an earlier process left connected."""
        self.driver.delete_vm(uuid4(), DeleteVmRequest())

    def test_questions(self) -> None:
        vm_uuid = self.made()
        self.assertEqual(1, self._cost(self.driver.list_vms))
        self.assertEqual(1, self._cost(self.driver.statistics))
        self.assertEqual(1, self._cost(self.driver.inventory))
        self.assertEqual(1, self._cost(lambda: self.driver.get_vm(vm_uuid)))
        self.assertEqual(2, self._cost(lambda: self.driver.console_log(vm_uuid, 10)))
        self.assertEqual(1, self._cost(lambda: self.driver.vm_statistics(vm_uuid)))
        self.assertEqual(1, self._cost(lambda: self.driver.device_metadata(vm_uuid)))
        self.assertEqual(1, self._cost(self.driver.host_status))
        self.assertEqual(1, self._cost(self.driver.maintenance))
        self.driver.start_vm(vm_uuid, StartRequest())
        mks = OpenConsoleRequest(kind=ConsoleKind.MKS)
        self.assertEqual(2, self._cost(lambda: self.driver.open_console(vm_uuid, mks)))
        dump = CrashDumpRequest()
        self.assertEqual(2, self._cost(lambda: self.driver.trigger_crash_dump(vm_uuid, dump)))
        self._tasks(5, 1, lambda: self.driver.suspend_vm(vm_uuid, SuspendRequest()))

    def test_the_list_from_the_cache_costs_nothing_once_all_is_told(self) -> None:
        settings = replace(self.harness.settings(), list_from_cache=True)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        vm_uuid = self.made()

        def state() -> PowerState | None:
            found = {vm.vm_uuid: vm.power_state for vm in driver.list_vms()}
            return found.get(vm_uuid)

        for state_now in (PowerState.STOPPED, PowerState.RUNNING):
            give_up = time.monotonic() + 30.0
            while self._cost(state) or state() is not state_now:
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.02)
            # What it has done itself it never lacks.
            driver.start_vm(vm_uuid, StartRequest())
            self.assertIs(PowerState.RUNNING, state())

    def test_maintenance(self) -> None:
        enter, leave = EnterMaintenanceRequest(), LeaveMaintenanceRequest()
        self.driver.enter_maintenance(enter)
        self.addCleanup(self.driver.leave_maintenance, leave)
        self.assertEqual(1, self._cost(lambda: self.driver.enter_maintenance(enter)))
        # Of each of the two hosts.
        self._tasks(10, 2, lambda: self.driver.leave_maintenance(leave))
        self._tasks(11, 2, lambda: self.driver.enter_maintenance(enter))

    def test_the_life_of_a_vm(self) -> None:
        vm_uuid, driver = self.new_uuid(), self.driver
        driver.cache_image(self.image())
        whole = spec(self.root(), BLANK, MEDIUM, nics=(nic(),))
        self._settle()
        # The collector that tasks are waited for with is there from the first one on.
        self._tasks(22, 4, lambda: driver.create_vm(vm_uuid, whole))
        self._tasks(5, 1, lambda: driver.start_vm(vm_uuid, StartRequest()))
        self.assertEqual(1, self._cost(lambda: driver.start_vm(vm_uuid, StartRequest())))
        self._tasks(5, 1, lambda: driver.stop_vm(vm_uuid, StopRequest()))
        self._tasks(10, 3, lambda: driver.delete_vm(vm_uuid, DeleteVmRequest()))
        self._tasks(5, 1, lambda: driver.delete_vm(vm_uuid, DeleteVmRequest()))

    def test_hot_plug(self) -> None:
        vm_uuid, driver = self.made(), self.driver
        extra = AttachDiskRequest(disk=replace(BLANK, key="extra"))
        self._tasks(6, 1, lambda: driver.attach_disk(vm_uuid, extra))
        self.assertEqual(1, self._cost(lambda: driver.attach_disk(vm_uuid, extra)))
        self._tasks(5, 1, lambda: driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra")))
        self._tasks(6, 1, lambda: driver.attach_nic(vm_uuid, AttachNicRequest(nic=nic())))
        self._tasks(5, 1, lambda: driver.detach_nic(vm_uuid, DetachNicRequest(key="nic-1")))

    def test_images(self) -> None:
        request = self.image()
        # One of them makes the collector, one looks for tasks of an earlier connection.
        self._tasks(26, 5, lambda: self.driver.cache_image(request))
        self._tasks(4, 1, lambda: self.driver.cache_image(request))
        self._tasks(4, 1, self.driver.list_cached_images)

    def test_sizes_and_exports(self) -> None:
        vm_uuid, driver = self.made(), self.driver
        larger = replace(BLANK, size_bytes=2 * (BLANK.size_bytes or 0))
        resize = ResizeVmRequest(spec=replace(spec(larger), vcpus=2))
        # The first of them make the collector, and look for tasks of an earlier connection.
        self._tasks(15, 5, lambda: driver.resize_vm(vm_uuid, resize))
        self.assertEqual(1, self._cost(lambda: driver.resize_vm(vm_uuid, resize)))
        self._tasks(7, 1, lambda: driver.revert_resize(vm_uuid, RevertResizeRequest()))
        driver.resize_vm(vm_uuid, resize)
        self._tasks(13, 3, lambda: driver.confirm_resize(vm_uuid, ConfirmResizeRequest()))
        size = 3 * (BLANK.size_bytes or 0)
        grow = ResizeDiskRequest(key=BLANK.key, size_bytes=size)
        self._tasks(6, 1, lambda: driver.resize_disk(vm_uuid, grow))
        self.assertEqual(1, self._cost(lambda: driver.resize_disk(vm_uuid, grow)))
        export = ExportDiskRequest(disk_key=BLANK.key, sink_key="out", format=DiskFormat.RAW)
        self._tasks(15, 6, lambda: driver.export_disk(vm_uuid, export))
        self.assertEqual(size, len(self.services.image_sink.committed["out"][-1]))
        driver.start_vm(vm_uuid, StartRequest())
        self._tasks(23, 8, lambda: driver.export_disk(vm_uuid, export))


class VolumeCosts(VcsimTestCase):
    """What a volume costs as a disk."""

    def _cost(self, operation: Callable[[], object]) -> int:
        before: int = self.harness.round_trips()
        operation()
        return int(self.harness.round_trips()) - before

    def _costs(self, protocol: VolumeProtocol) -> list[int]:
        """Of an attachment, a start, and a detachment; each again."""
        driver = self.driver
        driver.delete_vm(uuid4(), DeleteVmRequest())
        vm_uuid = self.made()
        with self.harness.volume(VolumeWish(protocol=protocol, size_bytes=4 * MIB)) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            attach, detach = AttachDiskRequest(disk=disk), DetachDiskRequest(key="volume")
            return [
                self._cost(operation)
                for operation in (
                    lambda: driver.attach_disk(vm_uuid, attach),
                    lambda: driver.attach_disk(vm_uuid, attach),
                    lambda: driver.start_vm(vm_uuid, StartRequest()),
                    lambda: driver.detach_disk(vm_uuid, detach),
                    lambda: driver.detach_disk(vm_uuid, detach),
                )
            ]

    def _assert_costs(self, protocol: VolumeProtocol, *expected: int) -> None:
        """A task costs one request more when it is not done at the first look."""
        costs = self._costs(protocol)
        close = [0 <= cost - wanted <= 4 for cost, wanted in zip(costs, expected, strict=True)]
        self.assertTrue(all(close), f"{protocol.value}: {costs}, not {expected}")


class TestVolumes(VolumeCosts):
    """On a cluster of two hosts."""

    def test_volumes(self) -> None:
        self.assertEqual(1, self._cost(self.driver.volume_connector))
        self._assert_costs(VolumeProtocol.FILE, 10, 1, 10, 5, 1)

    def test_nfs(self) -> None:
        self._assert_costs(VolumeProtocol.NFS, 14, 1, 11, 10, 1)


class TestEsxVolumes(VolumeCosts):
    """On one host."""

    harness_class = EsxHarness

    def test_iscsi(self) -> None:
        self._assert_costs(VolumeProtocol.ISCSI, 11, 1, 8, 20, 1)


class TestEsxRoundTrips(VcsimTestCase):
    """What a host alone provides."""

    harness_class = EsxHarness

    def test_the_host(self) -> None:
        reboot = HostPowerRequest(action=HostPowerAction.REBOOT)
        for question, expected in (
            (self.driver.topology, range(1, 2)),
            (partial(self.driver.host_power, reboot), range(6, 11)),
        ):
            before = self.harness.round_trips()
            question()
            self.assertIn(self.harness.round_trips() - before, expected)
