"""What is left when something goes wrong in the middle: nothing that a repeat cannot use or remove.

Every request of an operation is lost once before it took effect and once after.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from uuid import UUID, uuid4

from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    HostUnreachable,
    InsufficientResources,
    InvalidState,
    NotFound,
    VirtError,
)
from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskSpec,
    ResizeDiskRequest,
)
from nova_virt_interface.values.export import ExportDiskRequest
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    PauseRequest,
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

from nova_virt_hyperv.mark import Mark

from .backend import MIB, BackendTestCase, blank, from_image, login_of, medium, nic
from .test_nics import tagged

_LONGEST = 120


class TestLostRequests(BackendTestCase):
    def sweep(
        self, prepare: Callable[[], UUID], act: Callable[[UUID], object], stride: int = 2
    ) -> None:
        """Lose each request in turn; afterwards a repeat succeeds and deletion leaves nothing.

        Only every so many requests are lost, fewer where preparation takes long, unless long tests
        are asked for.
        """
        step = 1 if os.environ.get("NOVA_VIRT_TEST_LONG") else stride
        for number, kind in enumerate(("drop-before", "drop-after")):
            for skip in range(number % step, _LONGEST, step):
                vm_uuid = prepare()
                before = self.harness.leftovers()
                self.harness.control("no_faults")
                self.fault("*", kind, skip=skip)
                try:
                    act(vm_uuid)
                except HostUnreachable as error:
                    told = f"{kind} {skip}: {error}"
                    if not error.may_have_been_done:
                        self.assertEqual(before, self.harness.leftovers(), told)
                    self.harness.control("no_faults")
                    # What was under way when its answer was lost comes to its end.
                    while self.harness.control("jobs"):
                        time.sleep(0.01)
                    act(vm_uuid)
                else:
                    self.harness.control("no_faults")
                    self.assertGreaterEqual(skip, min(step, 1))
                    self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
                    break
                self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
            else:
                self.fail("the operation never ended")

    def test_creation(self) -> None:
        self.cached()
        spec = self.spec(disks=(from_image(), medium()), nics=(nic(),))
        self.sweep(self.new_uuid, lambda vm_uuid: self.hypervisor.create_vm(vm_uuid, spec), 5)

    def test_creation_with_a_tpm(self) -> None:
        spec = self.spec(settings=GuestSettings(tpm=Tpm()))
        self.sweep(self.new_uuid, lambda vm_uuid: self.hypervisor.create_vm(vm_uuid, spec), 3)

    def test_a_disk_that_boots_comes(self) -> None:
        request = AttachDiskRequest(disk=blank("rescue", boot_index=0))
        self.sweep(
            lambda: self.made(disks=(blank("root", boot_index=1),)),
            lambda vm_uuid: self.hypervisor.attach_disk(vm_uuid, request),
            2,
        )

    def test_deletion(self) -> None:
        self.sweep(
            lambda: self.made(disks=(blank(),)),
            lambda vm_uuid: self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest()),
        )

    def test_deletion_while_it_runs(self) -> None:
        def running() -> UUID:
            vm_uuid = self.made()
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            return vm_uuid

        gone = DeleteVmRequest()
        self.sweep(running, lambda vm_uuid: self.hypervisor.delete_vm(vm_uuid, gone))

    def test_power(self) -> None:
        def on_and_off(vm_uuid: UUID) -> None:
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.hypervisor.stop_vm(vm_uuid, StopRequest())

        self.sweep(self.made, on_and_off)

    def test_a_disk_comes(self) -> None:
        request = AttachDiskRequest(disk=blank())
        self.sweep(self.made, lambda vm_uuid: self.hypervisor.attach_disk(vm_uuid, request))

    def test_a_logical_unit_comes_and_goes(self) -> None:
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB)
        with self.harness.volume(wish) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            come, go = AttachDiskRequest(disk=disk), DetachDiskRequest(key="volume")
            self.sweep(self.made, lambda vm_uuid: self.hypervisor.attach_disk(vm_uuid, come), 3)

            def with_it() -> UUID:
                return self.made(disks=(disk,))

            self.sweep(with_it, lambda vm_uuid: self.hypervisor.detach_disk(vm_uuid, go), 3)
            gone = DeleteVmRequest()
            self.sweep(with_it, lambda vm_uuid: self.hypervisor.delete_vm(vm_uuid, gone), 3)

    def test_a_vm_whose_logical_unit_asks_for_a_password(self) -> None:
        password = "staple-horse-12"
        given = (login_of("volume", password),)
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB, password=password)

        def on_and_off(vm_uuid: UUID) -> None:
            self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=given))
            self.hypervisor.stop_vm(vm_uuid, StopRequest())

        with self.harness.volume(wish) as made:
            source = Volume(volume_id=uuid4(), connection=made.connection)
            disk = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            come = AttachDiskRequest(disk=disk, secrets=given)
            self.sweep(self.made, lambda vm_uuid: self.hypervisor.attach_disk(vm_uuid, come), 7)
            self.sweep(lambda: self.made(disks=(disk,), secrets=given), on_and_off, 5)

    def test_a_disk_goes(self) -> None:
        request = DetachDiskRequest(key="data")
        self.sweep(
            lambda: self.made(disks=(blank(),)),
            lambda vm_uuid: self.hypervisor.detach_disk(vm_uuid, request),
        )

    def test_a_nic_in_a_vlan_comes(self) -> None:
        request = AttachNicRequest(nic=tagged())
        self.sweep(self.made, lambda vm_uuid: self.hypervisor.attach_nic(vm_uuid, request), 2)

    def test_a_nic_comes(self) -> None:
        request = AttachNicRequest(nic=nic())
        self.sweep(self.made, lambda vm_uuid: self.hypervisor.attach_nic(vm_uuid, request))

    def test_a_nic_goes(self) -> None:
        request = DetachNicRequest(key="nic-1")
        self.sweep(
            lambda: self.made(nics=(nic(),)),
            lambda vm_uuid: self.hypervisor.detach_nic(vm_uuid, request),
        )

    def test_a_vm_is_held_and_goes_on(self) -> None:
        def held(vm_uuid: UUID) -> None:
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.hypervisor.pause_vm(vm_uuid, PauseRequest())
            self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())

        self.sweep(self.made, held)

    def test_a_disk_grows(self) -> None:
        request = ResizeDiskRequest(key="data", size_bytes=16 * MIB)
        self.sweep(
            lambda: self.made(disks=(blank(),)),
            lambda vm_uuid: self.hypervisor.resize_disk(vm_uuid, request),
        )

    def test_a_disk_is_exported(self) -> None:
        def running() -> UUID:
            vm_uuid = self.made(disks=(blank(),))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            return vm_uuid

        request = ExportDiskRequest(disk_key="data", sink_key="out", format=DiskFormat.VHDX)
        self.sweep(running, lambda vm_uuid: self.hypervisor.export_disk(vm_uuid, request), 3)

    def test_a_vm_is_resized(self) -> None:
        spec = self.spec(vcpus=2, disks=(blank("other"),), nics=(nic(),))
        request = ResizeVmRequest(spec=spec)
        self.sweep(
            lambda: self.made(disks=(blank(),)),
            lambda vm_uuid: self.hypervisor.resize_vm(vm_uuid, request),
            5,
        )

    def test_a_resize_ends(self) -> None:
        def resized() -> UUID:
            vm_uuid = self.made(disks=(blank(),))
            spec = self.spec(vcpus=2, disks=(blank("other"),))
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=spec))
            return vm_uuid

        confirm, revert = ConfirmResizeRequest(), RevertResizeRequest()
        self.sweep(resized, lambda vm_uuid: self.hypervisor.confirm_resize(vm_uuid, confirm), 4)
        self.sweep(resized, lambda vm_uuid: self.hypervisor.revert_resize(vm_uuid, revert), 6)


class TestBrokenAnswers(BackendTestCase):
    def refused(self, expected: type[VirtError]) -> VirtError:
        found: VirtError = self.assertRaises(expected, self.hypervisor.list_vms)
        # The next question is answered.
        self.assertEqual((), self.hypervisor.list_vms())
        return found

    def test_a_host_that_answers_html(self) -> None:
        self.fault("GetSummaryInformation", "answer", text="<html><body>Welcome</body></html>")
        self.refused(BackendError)
        self.fault("GetSummaryInformation", "http", code=503, text="<html>busy</html>")
        self.refused(BackendError)

    def test_a_truncated_answer(self) -> None:
        self.fault("GetSummaryInformation", "answer", text="<s:Envelope xmlns:s='http://www.w3.o")
        self.refused(BackendError)

    def test_a_bomb_and_an_external_entity_are_refused(self) -> None:
        rows = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))
        bomb = f'<!DOCTYPE b [<!ENTITY x0 "x">{rows}]><b>&x11;</b>'
        outside = '<!DOCTYPE b [<!ENTITY e SYSTEM "file:///etc/passwd">]><b>&e;</b>'
        for text in (bomb, outside):
            self.fault("GetSummaryInformation", "answer", text=text)
            error = self.refused(BackendError)
            self.assertNotIn("root:", str(error))

    def test_faults_in_both_forms(self) -> None:
        vm_uuid = self.made()
        for kind, code in (("fault", 5), ("fault-wmi", 0x80041003)):
            self.fault("RequestStateChange", kind, code=code, text="w:AccessDenied")
            self.assertRaises(AccessDenied, self.hypervisor.start_vm, vm_uuid, StartRequest())
        self.fault("RequestStateChange", "fault", code=2150859174, text="w:QuotaLimit")
        self.assertRaises(Busy, self.hypervisor.start_vm, vm_uuid, StartRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())

    def test_a_return_value_that_is_unknown(self) -> None:
        vm_uuid = self.made()
        self.fault("RequestStateChange", "return", code=32799)
        error = self.assertRaises(BackendError, self.hypervisor.start_vm, vm_uuid, StartRequest())
        self.assertIn("32799", error.detail)
        self.assertFalse(error.may_have_been_done)

    def test_jobs_that_fail_half_way(self) -> None:
        spec = self.spec(disks=(blank(),))
        before = self.harness.leftovers()
        for method in ("CreateVirtualHardDisk", "DefineSystem", "AddResourceSettings"):
            for kind in ("job", "job-after"):
                vm_uuid = self.new_uuid()
                text = "Not enough space. (0x80070070)"
                self.fault(method, kind, code=32768, text=text)
                error = self.assertRaises(
                    InsufficientResources, self.hypervisor.create_vm, vm_uuid, spec
                )
                self.assertIn(text, error.detail)
                self.assertEqual(before, self.harness.leftovers(), f"{method} {kind}")
                self.hypervisor.create_vm(vm_uuid, spec)
                self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def test_a_state_that_does_not_change(self) -> None:
        vm_uuid = self.made()
        error = self.assertRaises(InvalidState, self.hypervisor.pause_vm, vm_uuid, PauseRequest())
        self.assertEqual("stopped", error.state)

    def test_a_job_that_vanishes(self) -> None:
        vm_uuid = self.made()
        self.fault("Get", "fault-wmi", code=0x80041002, text="a:DestinationUnreachable")
        self.assertRaises(NotFound, self.hypervisor.start_vm, vm_uuid, StartRequest())

    def test_too_many_vms_for_one_answer_are_asked_for_in_parts(self) -> None:
        vms = {self.made() for _ in range(3)}
        self.fault("GetSummaryInformation", "fault", code=2150858790, text="w:EncodingLimit")
        self.assertEqual(vms, {vm.vm_uuid for vm in self.hypervisor.list_vms()})


class TestWhatOthersDid(BackendTestCase):
    def test_a_copy_of_one_of_our_vms_is_not_ours(self) -> None:
        vm_uuid = self.made()
        original = self.harness.vm(vm_uuid)
        guid = self.harness.control(
            "define", name="copy", bios_guid=original["bios_guid"], notes=original["notes"]
        )
        self.addCleanup(self.harness.control, "destroy", guid=guid)
        self.assertEqual([vm_uuid], [vm.vm_uuid for vm in self.hypervisor.list_vms()])
        self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(["copy"], [vm["name"] for vm in self.harness.control("vms")])

    def test_a_vm_that_was_not_completed_does_not_exist_and_is_replaced(self) -> None:
        vm_uuid = self.new_uuid()
        self.harness.control(
            "define",
            name="crashed",
            bios_guid=f"{{{str(vm_uuid).upper()}}}",
            notes=str(Mark("nova", vm_uuid, str(uuid4()).upper())),
        )
        self.assertEqual((), self.hypervisor.list_vms())
        self.assertRaises(NotFound, self.hypervisor.get_vm, vm_uuid)
        self.hypervisor.create_vm(vm_uuid, self.spec(name="anew"))
        self.assertEqual(["anew"], [vm["name"] for vm in self.harness.control("vms")])

    def test_another_deployment_on_the_same_host(self) -> None:
        vm_uuid = self.made()
        other = self.connected(owner="others")
        self.assertEqual((), other.list_vms())
        other.delete_vm(vm_uuid, DeleteVmRequest())
        self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(vm_uuid).power_state)

    def test_a_vm_that_was_deleted_since_it_was_seen(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.list_vms()
        self.harness.control("destroy", guid=self.harness.vm(vm_uuid)["guid"])
        self.assertRaises(NotFound, self.hypervisor.get_vm, vm_uuid)
        self.hypervisor.list_vms()
        self.assertRaises(NotFound, self.hypervisor.start_vm, vm_uuid, StartRequest())
