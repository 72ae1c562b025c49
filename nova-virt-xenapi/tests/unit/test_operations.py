"""What the suite cannot see: content on the disks, round trips, guests."""

from __future__ import annotations

import hashlib
import struct
import time
from pathlib import Path

from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Busy,
    Conflict,
    DeadlineExceeded,
    ImageCorrupt,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    Blank,
    DetachDiskRequest,
    DiskSpec,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.nics import (
    AttachNicRequest,
    DetachNicRequest,
    NicBacking,
    NicBackingKind,
    NicSpec,
)
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import VmSpec

from .pools import HEARD_SECONDS, MIB, OperationTestCase

_EXTRA = DiskSpec(key="extra", source=Blank(), size_bytes=2 * MIB)


def _dynamic_vhd(size: int, data: bytes) -> bytes:
    """A dynamic VHD of one block."""
    footer = struct.pack(
        ">8sIIQI4sIIQQ", b"conectix", 2, 0x10000, 512, 0, b"test", 0, 0, size, size
    )
    footer = footer.ljust(512, b"\0")
    entries = -(-size // (2 * MIB))
    header = struct.pack(">8sQQIII", b"cxsparse", 2**64 - 1, 1536, 0x10000, entries, 2 * MIB)
    table = struct.pack(">I", 4).ljust(512, b"\xff")
    block = b"\xff" * 512 + data.ljust(2 * MIB, b"\0")
    return footer + header.ljust(1024, b"\0") + table + block + footer


class TestContent(OperationTestCase):
    """Bytes."""

    def content(self, device: str, length: int) -> tuple[str, bool]:
        vm, _ = self.record()
        for record in self.simulator.ask("records", class_name="VBD").values():
            if (record["VM"], record["userdevice"]) == (vm, device):
                found = self.simulator.ask("content", vdi=record["VDI"], length=length)
                return found["sha256"], found["rest_is_zero"]
        raise AssertionError("no such device")

    def test_disks_hold_what_they_are_made_of_in_boot_order(self) -> None:
        spec = self.spec()
        self.make(disks=spec.disks)
        image = Path(self.harness.image().path).read_bytes()
        source = spec.disks[2].source
        assert isinstance(source, Media)
        for device, content in (("0", image), ("1", b""), ("2", source.content)):
            expected = (hashlib.sha256(content).hexdigest(), True)
            self.assertEqual(expected, self.content(device, len(content)))

    def test_a_vhd_is_unpacked(self) -> None:
        path = Path(self.harness.image().path).with_name("image.vhd")
        path.write_bytes(_dynamic_vhd(4 * MIB, b"inside a VHD"))
        self.services.images.add("vhd", path)
        request = CacheImageRequest(
            key="vhd", format=DiskFormat.VHD, size_bytes=path.stat().st_size
        )
        before = set(self.simulator.ask("records", class_name="VDI"))
        self.addCleanup(self.driver.delete_cached_image, DeleteImageRequest(key="vhd"))
        self.assertEqual(4 * MIB, self.driver.cache_image(request).virtual_size_bytes)
        (vdi,) = set(self.simulator.ask("records", class_name="VDI")) - before
        found = self.simulator.ask("content", vdi=vdi, length=12)
        self.assertEqual(hashlib.sha256(b"inside a VHD").hexdigest(), found["sha256"])

    def test_what_is_no_vhd_is_corrupt(self) -> None:
        request = CacheImageRequest(
            key="image-1", format=DiskFormat.VHD, size_bytes=self.image_request().size_bytes
        )
        self.assertRaises(ImageCorrupt, self.driver.cache_image, request)
        self.assertEqual(self.before, self.objects())


class TestPower(OperationTestCase):
    """Guests that listen, and states that only an operator brings about."""

    def test_a_guest_that_listens_stops_and_restarts_by_itself(self) -> None:
        self.make()
        self.start()
        vm, _ = self.record()
        self.simulator.ask("guests", listening=[vm])
        before = self.simulator.ask("calls")
        soft = RebootRequest(kind=RebootKind.SOFT, graceful_timeout_seconds=30.0)
        self.driver.reboot_vm(self.vm_uuid, soft)
        self.assertEqual(PowerState.RUNNING, self.state())
        self.driver.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=30.0))
        self.assertEqual(PowerState.STOPPED, self.state())
        calls = self.simulator.ask("calls")
        for forced in ("Async.VM.hard_reboot", "Async.VM.hard_shutdown"):
            self.assertEqual(before.get(forced), calls.get(forced))

    def test_paused_and_suspended_vms_go_on_stop_and_restart(self) -> None:
        self.make()
        for operation, state in (
            ("VM.pause", PowerState.PAUSED),
            ("VM.suspend", PowerState.SUSPENDED),
        ):
            for change, after in (
                (self.start, PowerState.RUNNING),
                (lambda: self.driver.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=9)),
                 PowerState.STOPPED),
                (lambda: self.driver.reboot_vm(self.vm_uuid, RebootRequest(kind=RebootKind.SOFT)),
                 PowerState.RUNNING),
            ):  # fmt: skip
                self.start()
                vm, _ = self.record()
                self.operator(operation, vm)
                self.assertEqual(state, self.state())
                change()
                self.assertEqual(after, self.state(), operation)

    def test_devices_of_a_paused_vm_stay(self) -> None:
        self.make()
        self.start()
        vm, _ = self.record()
        self.operator("VM.pause", vm)
        for attempt in (
            lambda: self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=_EXTRA)),
            lambda: self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="blank")),
            lambda: self.driver.attach_nic(self.vm_uuid, AttachNicRequest(nic=self.nic("n", 9))),
        ):
            before = self.objects()
            error = self.assertRaises(InvalidState, attempt)
            self.assertEqual("paused", error.state)
            self.assertEqual(before, self.objects())

    def test_a_vm_that_somebody_works_on_is_busy(self) -> None:
        self.make()
        self.start()
        vm, _ = self.record()
        task = self.simulator.ask("call", method="VM.get_uuid", parameters=[vm])
        self.simulator.ask(
            "write", class_name="VM", ref=vm, field="current_operations", value={task: "suspend"}
        )
        self.assertRaises(Busy, self.driver.stop_vm, self.vm_uuid, StopRequest())
        self.simulator.ask("write", class_name="VM", ref=vm, field="current_operations", value={})

    def test_a_crash_is_told(self) -> None:
        self.make()
        self.start()
        vm, _ = self.record()
        self.simulator.ask("crash", vm=vm)
        for kind in (EventKind.CRASHED, EventKind.STOPPED):
            self.assertTrue(self.services.events.wait_for(kind, self.vm_uuid, 10.0), kind)
        self.assertEqual(PowerState.STOPPED, self.state())

    def test_a_deadline_ends_a_start_s_wait(self) -> None:
        self.make()
        self.start()
        with Call("late", timeout_seconds=0.3):
            stop = StopRequest(graceful_timeout_seconds=60)
            error = self.assertRaises(DeadlineExceeded, self.driver.stop_vm, self.vm_uuid, stop)
        self.assertTrue(error.may_have_been_done)
        self.assertEqual(PowerState.RUNNING, self.state())


class TestDevices(OperationTestCase):
    """Guests that cling to their devices, and networks."""

    def test_a_guest_that_clings_keeps_its_devices(self) -> None:
        self.make()
        self.start()
        vm, _ = self.record()
        self.simulator.ask("guests", clinging=[vm])
        self.addCleanup(self.simulator.ask, "guests", clinging=[])
        before = self.objects()
        disk = DetachDiskRequest(key="blank", guest_timeout_seconds=0.3)
        nic = DetachNicRequest(key="nic-1", guest_timeout_seconds=0.3)
        self.assertRaises(Busy, self.driver.detach_disk, self.vm_uuid, disk)
        self.assertRaises(Busy, self.driver.detach_nic, self.vm_uuid, nic)
        self.assertEqual(before, self.objects())
        self.simulator.ask("guests", clinging=[])
        self.driver.detach_disk(self.vm_uuid, disk)
        self.driver.detach_nic(self.vm_uuid, nic)
        self.assertEqual(3, len(before - self.objects()))

    def test_networks_are_found_by_uuid_and_must_be_one(self) -> None:
        networks = self.simulator.ask("records", class_name="network")
        ref, record = next(iter(networks.items()))
        self.make()
        self.driver.attach_nic(self.vm_uuid, AttachNicRequest(nic=self.named("a", record["uuid"])))
        error = self.attempt("b", "no such network", NotFound)
        self.assertEqual(Resource.NETWORK, error.resource)  # type: ignore[attr-defined]
        change = {"class_name": "network", "ref": ref, "field": "name_label"}
        self.simulator.ask("write", **change, value="second network")
        time.sleep(HEARD_SECONDS)
        self.addCleanup(self.simulator.ask, "write", **change, value=record["name_label"])
        self.attempt("b", "second network", Conflict)

    def named(self, key: str, network: str) -> NicSpec:
        backing = NicBacking(kind=NicBackingKind.NETWORK, name=network)
        return NicSpec(key=key, mac=f"52:54:00:00:01:0{key}", backing=backing)

    def attempt(self, key: str, network: str, expected: type[VirtError]) -> VirtError:
        request = AttachNicRequest(nic=self.named(key, network))
        error: VirtError = self.assertRaises(
            expected, self.driver.attach_nic, self.vm_uuid, request
        )
        return error

    def test_more_devices_than_a_vm_has_room_for_are_unsupported(self) -> None:
        disks = tuple(DiskSpec(key=f"d{n}", source=Blank(), size_bytes=1) for n in range(17))
        nics = tuple(self.nic(f"n{n}", n) for n in range(8))
        for changes in ({"disks": disks}, {"nics": nics}):
            spec = VmSpec(name="x", vcpus=1, memory_bytes=MIB, **changes)
            self.assertRaises(Unsupported, self.driver.create_vm, self.vm_uuid, spec)

    def devices(self) -> dict[str, str]:
        """Key → number of the VM's disks."""
        return {
            row["other_config"]["nova-virt-key"]: row["userdevice"]
            for row in self.simulator.ask("records", class_name="VBD").values()
        }

    def test_the_disk_of_the_lowest_boot_index_comes_first_whenever_it_comes(self) -> None:
        root = DiskSpec(key="root", source=Blank(), size_bytes=2 * MIB, boot_index=1)
        rescue = DiskSpec(key="rescue", source=Blank(), size_bytes=2 * MIB, boot_index=0)
        self.make(disks=(root, _EXTRA))
        self.assertEqual({"root": "0", "extra": "1"}, self.devices())
        for _ in range(2):
            self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=rescue))
            self.assertEqual("0", self.devices()["rescue"])
        self.assertEqual({"root", "extra", "rescue"}, self.devices().keys())
        for _ in range(2):
            self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="rescue"))
            self.assertEqual("0", self.devices()["root"])
        self.assertEqual({"root", "extra"}, self.devices().keys())

    def test_a_medium_can_be_attached(self) -> None:
        self.make()
        self.start()
        medium = Media(format=MediaFormat.VFAT, content=b"late")
        request = AttachDiskRequest(disk=DiskSpec(key="late", source=medium))
        self.driver.attach_disk(self.vm_uuid, request)
        self.driver.attach_disk(self.vm_uuid, request)
        self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="late"))
