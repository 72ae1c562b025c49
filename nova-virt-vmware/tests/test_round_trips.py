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


class CountingTestCase(VcsimTestCase):
    """Counts on the wire."""

    def cost(self, operation: Callable[[], object]) -> int:
        before: int = self.harness.round_trips()
        operation()
        return int(self.harness.round_trips()) - before

    def costs(self, expected: int, operation: Callable[[], object]) -> None:
        self.assertEqual(expected, self.cost(operation))


class TestRoundTrips(CountingTestCase):
    """What VMs, images and hosts cost."""

    def _settle(self) -> None:
        """The first deletion looks for what an earlier process left connected."""
        self.driver.delete_vm(uuid4(), DeleteVmRequest())

    def test_questions(self) -> None:
        vm_uuid = self.made()
        self.costs(1, self.driver.statistics)
        self.costs(1, self.driver.inventory)
        self.costs(1, lambda: self.driver.get_vm(vm_uuid))
        self.costs(2, lambda: self.driver.console_log(vm_uuid, 10))
        self.costs(1, lambda: self.driver.vm_statistics(vm_uuid))
        self.costs(1, lambda: self.driver.device_metadata(vm_uuid))
        self.costs(1, self.driver.host_status)
        self.costs(1, self.driver.maintenance)
        self.driver.start_vm(vm_uuid, StartRequest())
        mks = OpenConsoleRequest(kind=ConsoleKind.MKS)
        self.costs(2, lambda: self.driver.open_console(vm_uuid, mks))
        dump = CrashDumpRequest()
        self.costs(1, lambda: self.driver.trigger_crash_dump(vm_uuid, dump))
        self.costs(2, lambda: self.driver.suspend_vm(vm_uuid, SuspendRequest()))

    def test_the_list_costs_nothing_once_all_is_told(self) -> None:
        vm_uuid = self.made()

        def state() -> PowerState | None:
            found = {vm.vm_uuid: vm.power_state for vm in self.driver.list_vms()}
            return found.get(vm_uuid)

        for state_now in (PowerState.STOPPED, PowerState.RUNNING):
            give_up = time.monotonic() + 30.0
            while self.cost(state) or state() is not state_now:
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.02)
            # What it has done itself it never lacks.
            self.driver.start_vm(vm_uuid, StartRequest())
            self.assertIs(PowerState.RUNNING, state())
        settings = replace(self.harness.settings(), list_from_cache=False)
        asking = self.harness.factory().connect(settings, self.services)
        self.addCleanup(asking.close)
        self.costs(1, asking.list_vms)

    def test_maintenance(self) -> None:
        enter, leave = EnterMaintenanceRequest(), LeaveMaintenanceRequest()
        self.driver.enter_maintenance(enter)
        self.addCleanup(self.driver.leave_maintenance, leave)
        self.costs(1, lambda: self.driver.enter_maintenance(enter))
        # Of each of the two hosts.
        self.costs(6, lambda: self.driver.leave_maintenance(leave))
        self.costs(7, lambda: self.driver.enter_maintenance(enter))

    def test_the_life_of_a_vm(self) -> None:
        vm_uuid, driver = self.new_uuid(), self.driver
        driver.cache_image(self.image())
        whole = spec(self.root(), BLANK, MEDIUM, nics=(nic(),))
        self._settle()
        # The collector that tasks are waited for with is there from the first one on.
        self.costs(14, lambda: driver.create_vm(vm_uuid, whole))
        self.costs(2, lambda: driver.start_vm(vm_uuid, StartRequest()))
        self.costs(1, lambda: driver.start_vm(vm_uuid, StartRequest()))
        self.costs(2, lambda: driver.stop_vm(vm_uuid, StopRequest()))
        self.costs(6, lambda: driver.delete_vm(vm_uuid, DeleteVmRequest()))
        self.costs(3, lambda: driver.delete_vm(vm_uuid, DeleteVmRequest()))

    def test_hot_plug(self) -> None:
        vm_uuid, driver = self.made(), self.driver
        extra = AttachDiskRequest(disk=replace(BLANK, key="extra"))
        self.costs(4, lambda: driver.attach_disk(vm_uuid, extra))
        self.costs(1, lambda: driver.attach_disk(vm_uuid, extra))
        self.costs(3, lambda: driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra")))
        self.costs(4, lambda: driver.attach_nic(vm_uuid, AttachNicRequest(nic=nic())))
        self.costs(3, lambda: driver.detach_nic(vm_uuid, DetachNicRequest(key="nic-1")))

    def test_images(self) -> None:
        request = self.image()
        # One of them makes the collector, one looks for tasks of an earlier connection.
        self.costs(15, lambda: self.driver.cache_image(request))
        self.costs(2, lambda: self.driver.cache_image(request))
        self.costs(2, self.driver.list_cached_images)

    def test_sizes_and_exports(self) -> None:
        vm_uuid, driver = self.made(), self.driver
        larger = replace(BLANK, size_bytes=2 * (BLANK.size_bytes or 0))
        resize = ResizeVmRequest(spec=replace(spec(larger), vcpus=2))
        # The first of them make the collector, and look for tasks of an earlier connection.
        self.costs(9, lambda: driver.resize_vm(vm_uuid, resize))
        self.costs(1, lambda: driver.resize_vm(vm_uuid, resize))
        self.costs(4, lambda: driver.revert_resize(vm_uuid, RevertResizeRequest()))
        driver.resize_vm(vm_uuid, resize)
        self.costs(7, lambda: driver.confirm_resize(vm_uuid, ConfirmResizeRequest()))
        size = 3 * (BLANK.size_bytes or 0)
        grow = ResizeDiskRequest(key=BLANK.key, size_bytes=size)
        self.costs(4, lambda: driver.resize_disk(vm_uuid, grow))
        self.costs(1, lambda: driver.resize_disk(vm_uuid, grow))
        export = ExportDiskRequest(disk_key=BLANK.key, sink_key="out", format=DiskFormat.RAW)
        self.costs(9, lambda: driver.export_disk(vm_uuid, export))
        self.assertEqual(size, len(self.services.image_sink.committed["out"][-1]))
        driver.start_vm(vm_uuid, StartRequest())
        self.costs(14, lambda: driver.export_disk(vm_uuid, export))


class VolumeCosts(CountingTestCase):
    """What a volume costs as a disk."""

    def _of(self, protocol: VolumeProtocol) -> list[int]:
        """Of an attachment, a start, and a detachment; each again."""
        driver = self.driver
        driver.delete_vm(uuid4(), DeleteVmRequest())
        vm_uuid = self.made()
        with self.harness.volume(VolumeWish(protocol=protocol, size_bytes=4 * MIB)) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            attach, detach = AttachDiskRequest(disk=disk), DetachDiskRequest(key="volume")
            return [
                self.cost(operation)
                for operation in (
                    lambda: driver.attach_disk(vm_uuid, attach),
                    lambda: driver.attach_disk(vm_uuid, attach),
                    lambda: driver.start_vm(vm_uuid, StartRequest()),
                    lambda: driver.detach_disk(vm_uuid, detach),
                    lambda: driver.detach_disk(vm_uuid, detach),
                )
            ]

    def assert_costs(self, protocol: VolumeProtocol, *expected: int) -> None:
        self.assertEqual(list(expected), self._of(protocol))


class TestVolumes(VolumeCosts):
    """On a cluster of two hosts."""

    def test_volumes(self) -> None:
        self.costs(2, self.driver.volume_connector)
        self.assert_costs(VolumeProtocol.FILE, 6, 1, 6, 3, 1)

    def test_first_class_disks(self) -> None:
        self.assert_costs(VolumeProtocol.HYPERVISOR, 4, 1, 4, 3, 1)

    def test_nfs(self) -> None:
        self.assert_costs(VolumeProtocol.NFS, 10, 1, 7, 10, 1)

    def test_iscsi(self) -> None:
        self.assert_costs(VolumeProtocol.ISCSI, 13, 1, 7, 19, 1)


class TestEsxVolumes(VolumeCosts):
    """On one host."""

    harness_class = EsxHarness

    def test_iscsi(self) -> None:
        self.assert_costs(VolumeProtocol.ISCSI, 9, 1, 6, 13, 1)


class TestEsxRoundTrips(CountingTestCase):
    """What a host alone provides."""

    harness_class = EsxHarness

    def test_the_host(self) -> None:
        reboot = HostPowerRequest(action=HostPowerAction.REBOOT)
        self.costs(1, self.driver.topology)
        self.costs(5, partial(self.driver.host_power, reboot))
