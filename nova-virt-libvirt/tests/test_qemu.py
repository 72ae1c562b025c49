"""What only QEMU behind a real libvirtd can show of the driver."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import libvirt
from libvirt_case import QemuTestCase
from nova_virt_interface.call import Call
from nova_virt_interface.errors import Cancelled, HostUnreachable, InvalidRequest, Unsupported
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk, medium, nic
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskBus,
    DiskSpec,
    FromImage,
    MediaFormat,
)
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest


class TestStates(QemuTestCase):
    def test_a_paused_vm_goes_on(self) -> None:
        vm_uuid = self.running()
        self.domain(vm_uuid, lambda domain: domain.suspend())
        self.assert_state(vm_uuid, PowerState.PAUSED)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        sink, patience = self.services.events, self.harness.patience_seconds
        self.assertTrue(sink.wait_for(EventKind.DELETED, vm_uuid, patience))
        self.assertEqual(
            [
                EventKind.STARTED,
                EventKind.PAUSED,
                EventKind.RESUMED,
                EventKind.STOPPED,
                EventKind.DELETED,
            ],
            sink.kinds(vm_uuid),
        )

    def test_a_saved_vm_is_suspended_also_after_libvirtd_forgot_why(self) -> None:
        vm_uuid = self.running()
        self.domain(vm_uuid, lambda domain: domain.managedSave())
        self.assert_state(vm_uuid, PowerState.SUSPENDED)
        with self.harness.outage():
            self.assertRaises(HostUnreachable, self.hypervisor.list_vms)
        self.assert_state(vm_uuid, PowerState.SUSPENDED)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        sink, patience = self.services.events, self.harness.patience_seconds
        self.assertTrue(sink.wait_for(EventKind.SUSPENDED, vm_uuid, patience))

    def test_a_saved_vm_that_is_stopped_loses_its_memory(self) -> None:
        vm_uuid = self.running()
        self.domain(vm_uuid, lambda domain: domain.managedSave())
        self.hypervisor.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=60.0))
        self.assert_state(vm_uuid, PowerState.STOPPED)
        self.assertFalse(self.domain(vm_uuid, lambda domain: domain.hasManagedSaveImage()))

    def test_a_guest_that_died_has_crashed_and_can_start_again(self) -> None:
        vm_uuid = self.running()
        name = self.domain(vm_uuid, lambda domain: domain.name())
        # libvirt's own record of the guest's process.
        kill = f"kill -KILL $(cat /run/libvirt/qemu/{name}.pid)"
        self.harness.libvirtd.run("sh", "-c", kill)
        sink, patience = self.services.events, self.harness.patience_seconds
        self.assertTrue(sink.wait_for(EventKind.CRASHED, vm_uuid, patience))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    def test_a_domain_renamed_by_hand_is_still_ours(self) -> None:
        vm_uuid = self.made(name="label")
        self.domain(vm_uuid, lambda domain: domain.rename("somebody-elses-name"))
        self.assertEqual("label", self.hypervisor.get_vm(vm_uuid).name)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assert_gone(vm_uuid)

    def test_a_cancelled_graceful_stop_says_that_the_guest_was_asked(self) -> None:
        vm_uuid = self.running()
        with Call("req-stop") as call:
            threading.Timer(0.3, call.cancel).start()
            stop = StopRequest(graceful_timeout_seconds=60.0)
            error = self.assertRaises(Cancelled, self.hypervisor.stop_vm, vm_uuid, stop)
        self.assertTrue(error.may_have_been_done)


class TestConnection(QemuTestCase):
    def test_vms_run_on_while_libvirtd_is_away(self) -> None:
        vm_uuid = self.booted()
        before = self.domain(vm_uuid, lambda domain: domain.ID())
        with self.harness.outage():
            error = self.assertRaises(HostUnreachable, self.hypervisor.list_vms)
            self.assertTrue(error.transient)
            self.assertFalse(error.may_have_been_done)
            self.assertTrue(error.remedy)
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.assertEqual(before, self.domain(vm_uuid, lambda domain: domain.ID()))
        self.assertEqual([str(vm_uuid)], GuestReport(self.console(vm_uuid)).all("dmi_uuid"))

    def test_it_connects_again_although_nobody_calls(self) -> None:
        sink, patience = self.services.events, self.harness.patience_seconds
        with self.harness.outage():
            self.assertTrue(sink.wait_for(EventKind.HOST_UNREACHABLE, None, patience))
        self.assertTrue(sink.wait_for(EventKind.EVENTS_LOST, None, patience))
        self.assertEqual([EventKind.HOST_UNREACHABLE, EventKind.EVENTS_LOST], sink.kinds(None))

    def test_a_connection_closed_while_libvirtd_is_away_ends(self) -> None:
        services = SuiteServices()
        other = self.connect(services)
        with self.harness.outage():
            other.close()
        self.assertRaises(HostUnreachable, other.list_vms)
        self.assertNotIn(EventKind.EVENTS_LOST, services.events.kinds(None))

    @contextmanager
    def silence(self) -> Iterator[None]:
        """libvirtd holds still inside: it neither answers nor closes its connections."""
        self.harness.libvirtd.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.harness.libvirtd.signal(signal.SIGCONT)

    def test_a_libvirtd_that_falls_silent_is_given_up(self) -> None:
        connection = self.connected(keepalive_interval_seconds=1, keepalive_count=1)
        with self.silence():
            error = self.assertRaises(HostUnreachable, connection.list_vms)
        self.assertFalse(error.may_have_been_done)
        self.wait_until(lambda: connection.list_vms() == (), "the connection to heal")

    def test_a_change_whose_answer_is_lost_may_have_been_done(self) -> None:
        vm_uuid = self.made()
        with ThreadPoolExecutor(1) as pool, self.silence():
            started = pool.submit(self.hypervisor.start_vm, vm_uuid, StartRequest())
            self.assertRaises(TimeoutError, started.result, 0.5)
            self.harness.libvirtd.kill()
            error = self.assertRaises(HostUnreachable, started.result)
            self.harness.libvirtd.restart()
        self.assertTrue(error.may_have_been_done)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)

    def test_all_threads_end_with_the_last_connection(self) -> None:
        def ours() -> list[str]:
            names = (thread.name for thread in threading.enumerate())
            return sorted(name for name in names if "libvirt" in name)

        with_one = ours()
        other = self.connect(SuiteServices())
        self.assertEqual(len(with_one) + 1, len(ours()))
        other.close()
        self.assertEqual(with_one, ours())
        self.tracker.connection.close()
        self.assertEqual([], ours())


class TestCosts(QemuTestCase):
    def test_a_hosts_report_takes_five_questions(self) -> None:
        for _ in range(3):
            self.made()
        before = self.harness.round_trips()
        self.hypervisor.inventory()
        self.hypervisor.statistics()
        self.assertLessEqual(self.harness.round_trips() - before, 5)


class TestDisksOfQemu(QemuTestCase):
    def test_a_guest_boots_from_a_raw_copy_of_an_image(self) -> None:
        key = self.cached_image_key()
        size = 2 * self.harness.image().virtual_size_bytes
        source = FromImage(image_key=key)
        disk = DiskSpec(
            key="root", source=source, size_bytes=size, format=DiskFormat.RAW, boot_index=0
        )
        vm_uuid = self.running(disks=(disk,))
        self.wait_until(lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot")
        self.assertIn(str(size), GuestReport(self.console(vm_uuid)).all("disk")[0])

    def test_statistics_name_the_disks_and_leave_out_what_is_not_measured(self) -> None:
        vm_uuid = self.booted(nics=(nic(self.harness),))
        (found,) = self.hypervisor.statistics()
        self.assertEqual(["root"], [disk.key for disk in found.disks])
        self.assertGreater(found.disks[0].read_bytes, 0)
        # QEMU's user network has no device on the host that libvirt could ask.
        self.assertEqual((), found.nics)
        self.assertEqual((1, self.harness.memory_bytes), (found.vcpus, found.memory_bytes))
        self.assertGreater(found.cpu_time_ns, 0)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        (found,) = self.hypervisor.statistics()
        self.assertEqual(((), None, None), (found.disks, found.cpu_time_ns, found.memory_bytes))

    def test_every_bus_that_the_host_offers(self) -> None:
        for bus in self.hypervisor.describe().disk_buses:
            size = self.harness.disk_bytes
            disk = DiskSpec(
                key="data", source=blank_disk(self.harness).source, size_bytes=size, bus=bus
            )
            vm_uuid = self.running(disks=(disk,))
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def test_disks_of_all_kinds_come_to_a_running_guest(self) -> None:
        vm_uuid = self.booted()
        scsi = DiskSpec(
            key="scsi", source=blank_disk(self.harness).source, size_bytes=4096, bus=DiskBus.SCSI
        )
        for disk in (scsi, medium(MediaFormat.ISO9660)):
            self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
            self.hypervisor.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
            self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key=disk.key))

    def test_a_bus_that_takes_no_disk_while_running_is_refused(self) -> None:
        vm_uuid = self.running()
        before = self.harness.leftovers()
        disk = DiskSpec(
            key="ide", source=blank_disk(self.harness).source, size_bytes=4096, bus=DiskBus.IDE
        )
        request = AttachDiskRequest(disk=disk)
        error = self.assertRaises(Unsupported, self.hypervisor.attach_disk, vm_uuid, request)
        self.assertEqual("disks[ide].bus", error.field)
        self.assertEqual(before, self.harness.leftovers())

    def test_a_boot_index_that_is_taken_is_refused(self) -> None:
        vm_uuid = self.made(disks=(image_disk(self.harness, self.cached_image_key()),))
        size = self.harness.disk_bytes
        disk = DiskSpec(
            key="b", source=blank_disk(self.harness).source, size_bytes=size, boot_index=0
        )
        request = AttachDiskRequest(disk=disk)
        self.assertRaises(InvalidRequest, self.hypervisor.attach_disk, vm_uuid, request)

    def test_delete_finds_what_others_left_beside_the_disks(self) -> None:
        vm_uuid = self.running()
        settings = self.harness.settings()
        for path in (
            f"{settings.storage_path}/{vm_uuid}-data.snapshot",
            f"{settings.storage_path}-console/{vm_uuid}-console.log.7",
        ):
            self.harness.libvirtd.run("touch", path)
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual([], [name for name in self.harness.leftovers() if str(vm_uuid) in name])

    def test_disks_are_made_and_deleted_while_others_are_copied(self) -> None:
        key = self.cached_image_key()
        size = self.harness.image().virtual_size_bytes
        raw = DiskSpec(
            key="root", source=FromImage(image_key=key), size_bytes=size, format=DiskFormat.RAW
        )

        def whole_life(_: int) -> None:
            vm_uuid = self.made(disks=(raw, blank_disk(self.harness)))
            self.hypervisor.inventory()
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(whole_life, range(12)))


class TestConsoleOfQemu(QemuTestCase):
    def test_rotated_logs_are_read_too(self) -> None:
        vm_uuid = self.made()
        folder = f"{self.harness.settings().storage_path}-console"
        for suffix, content in (("", "new"), (".0", "old"), (".1", "ancient"), (".gz", "x")):
            file = f"{folder}/{vm_uuid}-console.log{suffix}"
            self.harness.libvirtd.run("sh", "-c", f"printf {content} > {file}")
        for limit, expected in ((100, b"ancientoldnew"), (5, b"ldnew"), (3, b"new"), (0, b"")):
            self.assertEqual(expected, self.hypervisor.console_log(vm_uuid, limit))

    def test_a_domain_keeps_its_log_where_the_driver_finds_it(self) -> None:
        vm_uuid = self.made()
        text = self.domain(vm_uuid, lambda domain: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        self.assertIn(f"{vm_uuid}-console.log", text)
