"""How many round trips operations cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.images import DeleteImageRequest, DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    PauseRequest,
    RebootKind,
    RebootRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import Volume, VolumeProtocol

from nova_virt_xenapi.hypervisor import XenApiFactory

from .pools import MIB, OperationTestCase

_CONSOLE = OpenConsoleRequest(kind=ConsoleKind.VNC)
_EXPORT = ExportDiskRequest(disk_key="root", sink_key="exported", format=DiskFormat.RAW)
_GROWN = ResizeDiskRequest(key="blank", size_bytes=6 * MIB)
_EXTRA = DiskSpec(key="extra", source=Blank(), size_bytes=2 * MIB)
_HARD = RebootRequest(kind=RebootKind.HARD)


class RoundTripTestCase(OperationTestCase):
    """A test that counts."""

    def calls(self, operation: Callable[..., object], *arguments: object) -> Counter[str]:
        """What an operation sends, by method."""
        before = Counter(self.simulator.ask("calls"))
        operation(*arguments)
        sent = Counter(self.simulator.ask("calls")) - before
        del sent["event.from"]
        return sent


class TestTargets(RoundTripTestCase):
    """What the design promises."""

    def other_vms(self, number: int) -> None:
        for _ in range(number):
            vm_uuid = uuid4()
            self.driver.create_vm(vm_uuid, VmSpec(name="x", vcpus=1, memory_bytes=64 * MIB))
            self.addCleanup(self.driver.delete_vm, vm_uuid, DeleteVmRequest())

    def test_connecting_loads_all_records_by_one_question(self) -> None:
        self.other_vms(3)
        before = Counter(self.simulator.ask("calls"))
        connection: Any = XenApiFactory().connect(self.harness.settings(), self.services)
        self.assertEqual(3, len(connection.list_vms()))
        sent = Counter(self.simulator.ask("calls")) - before
        connection.close()
        self.assertEqual(1, sent.pop("session.login_with_password"))
        # The one that loads; the one that waits; the one that the other connection waits with.
        self.assertLessEqual(sent.pop("event.from"), 3)
        self.assertEqual({}, sent)

    def test_states_are_read_without_asking(self) -> None:
        self.make()
        self.start()
        self.other_vms(3)
        driver, vm_uuid = self.driver, self.vm_uuid
        for question in (
            lambda: driver.get_vm(vm_uuid),
            driver.list_vms,
            lambda: driver.device_metadata(vm_uuid),
            driver.maintenance,
            driver.volume_connector,
            driver.list_cached_images,
        ):
            self.assertEqual({}, self.calls(question))

    def test_statistics_are_one_http_request_however_many_vms(self) -> None:
        self.driver.statistics()
        self.make()
        self.start()
        self.other_vms(3)
        for question in (
            self.driver.statistics,
            lambda: self.driver.vm_statistics(self.vm_uuid),
            self.driver.host_status,
        ):
            self.assertEqual({"GET /rrd_updates": 1}, self.calls(question))

    def test_power_operations_are_one_task(self) -> None:
        self.make()
        driver, vm_uuid = self.driver, self.vm_uuid
        for method, operation in (
            ("start_on", self.start),
            ("pause", lambda: driver.pause_vm(vm_uuid, PauseRequest())),
            ("unpause", self.start),
            ("suspend", lambda: driver.suspend_vm(vm_uuid, SuspendRequest())),
            ("resume_on", self.start),
            ("hard_reboot", lambda: driver.reboot_vm(vm_uuid, _HARD)),
            ("hard_shutdown", lambda: driver.stop_vm(vm_uuid, StopRequest())),
        ):
            self.assertEqual({f"Async.VM.{method}": 1, "task.destroy": 1}, self.calls(operation))

    def test_spawn_costs_a_fixed_number_and_so_many_for_each_device(self) -> None:
        self.driver.cache_image(self.image_request())
        blanks = tuple(
            DiskSpec(key=f"d{number}", source=Blank(), size_bytes=2 * MIB) for number in range(3)
        )
        spec = self.spec(disks=blanks, nics=tuple(self.nic(f"n{n}", n) for n in range(2)))
        self.assertEqual(4 + 2 * len(blanks) + len(spec.nics), self.spawned(spec))
        # An upload is a task, the content, and the task's end. A disk of an image is marked before
        # it exists, and made larger when it does.
        self.assertEqual(4 + 2 * 3 + 1 + 3 + 2, self.spawned(self.spec()))

    def spawned(self, spec: VmSpec) -> int:
        def spawn() -> None:
            self.driver.create_vm(self.vm_uuid, spec)
            self.start()

        sent = self.calls(spawn)
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        return sum(sent.values())

    def test_a_volume_is_attached_by_six_calls(self) -> None:
        expected = ("SR.introduce", "PBD.create", "PBD.plug", "SR.scan", "VBD.create", "VBD.plug")
        self.make()
        self.start()
        for protocol in (VolumeProtocol.ISCSI, VolumeProtocol.NFS):
            wish = VolumeWish(protocol=protocol, size_bytes=4 * MIB)
            with self.harness.volume(wish) as volume:
                source = Volume(volume_id=UUID(int=1), connection=volume.connection)
                disk = DiskSpec(key="volume", source=source, size_bytes=4 * MIB)
                request = AttachDiskRequest(disk=disk)
                sent = self.calls(self.driver.attach_disk, self.vm_uuid, request)
                self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="volume"))
            self.assertEqual(dict.fromkeys(expected, 1), sent)


class TestTable(RoundTripTestCase):
    """The numbers of the README, without the loop's long poll, which waits beside every call."""

    def cost(self, operation: Callable[..., object], *arguments: object) -> int:
        return sum(self.calls(operation, *arguments).values())

    def test_every_operation(self) -> None:
        driver, vm_uuid = self.driver, self.vm_uuid
        nic = AttachNicRequest(nic=self.nic("nic-2", 2))
        # The host's clock is asked for once.
        driver.statistics()
        costs = {
            "cache_image": self.cost(driver.cache_image, self.image_request()),
            "cache_image again": self.cost(driver.cache_image, self.image_request()),
            "create_vm": self.cost(driver.create_vm, vm_uuid, self.spec()),
            "create_vm again": self.cost(driver.create_vm, vm_uuid, self.spec()),
            "get_vm": self.cost(driver.get_vm, vm_uuid),
            "list_vms": self.cost(driver.list_vms),
            "statistics": self.cost(driver.statistics),
            "inventory": self.cost(driver.inventory),
            "start_vm": self.cost(self.start),
            "attach_disk": self.cost(driver.attach_disk, vm_uuid, AttachDiskRequest(disk=_EXTRA)),
            "detach_disk": self.cost(driver.detach_disk, vm_uuid, DetachDiskRequest(key="extra")),
            "attach_nic": self.cost(driver.attach_nic, vm_uuid, nic),
            "detach_nic": self.cost(driver.detach_nic, vm_uuid, DetachNicRequest(key="nic-2")),
            "vm_statistics": self.cost(driver.vm_statistics, vm_uuid),
            "device_metadata": self.cost(driver.device_metadata, vm_uuid),
            "open_console": self.cost(driver.open_console, vm_uuid, _CONSOLE),
            "open_console again": self.cost(driver.open_console, vm_uuid, _CONSOLE),
            "host_status": self.cost(driver.host_status),
            "maintenance": self.cost(driver.maintenance),
            "topology": self.cost(driver.topology),
            "volume_connector": self.cost(driver.volume_connector),
            "export_disk": self.cost(driver.export_disk, vm_uuid, _EXPORT),
            "pause_vm": self.cost(driver.pause_vm, vm_uuid, PauseRequest()),
            "start_vm paused": self.cost(self.start),
            "suspend_vm": self.cost(driver.suspend_vm, vm_uuid, SuspendRequest()),
            "start_vm suspended": self.cost(self.start),
            "reboot_vm hard": self.cost(driver.reboot_vm, vm_uuid, _HARD),
            "stop_vm": self.cost(driver.stop_vm, vm_uuid, StopRequest()),
            "resize_vm": self.cost(
                driver.resize_vm, vm_uuid, ResizeVmRequest(spec=self.spec(vcpus=2))
            ),
            "revert_resize": self.cost(driver.revert_resize, vm_uuid, RevertResizeRequest()),
            "confirm_resize": self.cost(driver.confirm_resize, vm_uuid, ConfirmResizeRequest()),
            "resize_disk": self.cost(driver.resize_disk, vm_uuid, _GROWN),
            "delete_vm": self.cost(driver.delete_vm, vm_uuid, DeleteVmRequest()),
            "delete_cached_image": self.cost(
                driver.delete_cached_image, DeleteImageRequest(key="image-1")
            ),
        }
        self.assertEqual(_readme(), costs)


def _readme() -> dict[str, int]:
    text = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    rows = text.partition("| measured | round trips |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = (row.strip("| ").split("|") for row in rows)
    return {row[0].strip(" `"): int(row[1]) for row in cells}
