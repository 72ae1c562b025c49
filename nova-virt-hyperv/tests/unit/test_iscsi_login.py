"""Targets that ask for a password: who gets it, for how long, and who must not see it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import fixtures
from nova_virt_interface.errors import HostUnreachable, InvalidRequest, Unsupported
from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import (
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.resize import ResizeVmRequest, RevertResizeRequest
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import SmbVolume, Volume, VolumeProtocol

from .backend import MIB, BackendTestCase, blank, login_of

_PASSWORD = "staple-horse-12"


def secret(content: str = _PASSWORD) -> DeviceSecret:
    return login_of("volume", content)


class TestLogin(BackendTestCase):
    def setUp(self) -> None:
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        wish = VolumeWish(protocol=VolumeProtocol.ISCSI, size_bytes=4 * MIB, password=_PASSWORD)
        self.target: TestVolume = stack.enter_context(self.harness.volume(wish))

    def disk(self, key: str = "volume") -> DiskSpec:
        source = Volume(volume_id=uuid4(), connection=self.target.connection)
        return DiskSpec(key=key, source=source, size_bytes=self.target.size_bytes)

    def is_logged_in(self) -> bool:
        return self.harness.volume_is_used(self.target)

    def test_the_password_is_in_no_log(self) -> None:
        logger = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        vm_uuid, disk = self.made(), self.disk()
        for given in ((secret("wrong-horse-12"),), (secret(),)):
            request = AttachDiskRequest(disk=disk, secrets=given)
            try:
                self.hypervisor.attach_disk(vm_uuid, request)
            except InvalidRequest as error:
                self.assertNotIn("wrong-horse-12", f"{error!r} {error} {error.detail}")
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
        self.assertTrue(logger.output)
        for password in (_PASSWORD, "wrong-horse-12"):
            self.assertNotIn(password, logger.output)

    def test_the_host_is_logged_in_while_the_vm_is_on(self) -> None:
        vm_uuid = self.made(disks=(self.disk(),), secrets=(secret(),))
        self.assertFalse(self.is_logged_in())
        for stop in (StopRequest(), StopRequest(graceful_timeout_seconds=0.1)):
            self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
            self.assertTrue(self.is_logged_in())
            # What runs needs no password any more.
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.hypervisor.stop_vm(vm_uuid, stop)
            self.assertFalse(self.is_logged_in())

    def test_a_guest_that_shuts_itself_down_lets_nobody_in(self) -> None:
        vm_uuid = self.made(disks=(self.disk(),), secrets=(secret(),))
        for _ in range(2):
            self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
            self.harness.power_off_vm(vm_uuid)
            wrong = StartRequest(secrets=(secret("wrong-horse-12"),))
            self.assertRaises(InvalidRequest, self.hypervisor.start_vm, vm_uuid, wrong)
            self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(vm_uuid).power_state)
            self.assertFalse(self.is_logged_in())
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
        self.harness.power_off_vm(vm_uuid)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertFalse(self.is_logged_in())

    def test_a_session_stays_for_another_vm(self) -> None:
        connection: Any = self.target.connection
        second = self.harness.root / "volumes" / "second-unit"
        second.write_bytes(bytes(4 * MIB))
        self.addCleanup(second.unlink)
        portal, iqn = connection.portals[-1], connection.target_iqn
        self.harness.control("add_target", iqn=iqn, portal=portal, lun=100, file=str(second))
        first = self.made(disks=(self.disk(),), secrets=(secret(),))
        self.target = replace(self.target, connection=replace(connection, lun=100))
        other = self.made(disks=(self.disk(),), secrets=(secret(),))
        for vm_uuid in (first, other):
            self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
        self.hypervisor.stop_vm(first, StopRequest())
        self.assertTrue(self.is_logged_in())
        self.hypervisor.stop_vm(other, StopRequest())
        self.assertFalse(self.is_logged_in())

    def test_a_start_that_fails_leaves_no_session(self) -> None:
        vm_uuid = self.made(disks=(self.disk(),), secrets=(secret(),))
        before, start = self.harness.leftovers(), StartRequest(secrets=(secret(),))
        # The first portal is away.
        faults = {"New": 1, "Connect": 0, "Offline": 0, "ModifyResourceSettings": 0}
        for method, skip in faults.items():
            for kind in ("drop-before", "drop-after"):
                self.fault(method, kind, skip=skip)
                self.assertRaises(HostUnreachable, self.hypervisor.start_vm, vm_uuid, start)
                self.assertEqual(before, self.harness.leftovers(), f"{method} {kind}")
        self.fault("RequestStateChange", "drop-before")
        self.assertRaises(HostUnreachable, self.hypervisor.start_vm, vm_uuid, start)
        self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.start_vm(vm_uuid, start)
        for kind in ("drop-before", "drop-after"):
            self.fault("Disconnect", kind)
            self.assertRaises(HostUnreachable, self.hypervisor.stop_vm, vm_uuid, StopRequest())
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.assertEqual(before, self.harness.leftovers())
            self.hypervisor.start_vm(vm_uuid, start)

    def test_a_start_whose_answer_is_lost_keeps_its_disk(self) -> None:
        vm_uuid = self.made(disks=(self.disk(),), secrets=(secret(),))
        start = StartRequest(secrets=(secret(),))
        self.fault("RequestStateChange", "drop-after")
        self.assertRaises(HostUnreachable, self.hypervisor.start_vm, vm_uuid, start)
        self.hypervisor.start_vm(vm_uuid, start)
        self.assertTrue(self.is_logged_in())
        self.harness.write_as_guest(vm_uuid, "volume", 0, b"here")

    def test_a_resize_brings_one(self) -> None:
        vm_uuid = self.made(disks=(blank(),))
        spec = self.spec(disks=(blank(), self.disk()), secrets=(secret(),))
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=spec))
        self.assertFalse(self.is_logged_in())
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
        self.assertTrue(self.is_logged_in())
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="volume"))

    def test_a_vm_is_copied_to_another_host(self) -> None:
        second = self.harness.second_settings()
        other: Any = self.harness.factory().connect(
            replace(second, poll_interval_seconds=3600.0), self.services
        )
        self.addCleanup(other.close)
        cold, more = MigrationMode.COLD, {"disks": (self.disk(),), "secrets": (secret(),)}
        vm_uuid = self.made(**more)
        vm, spec = self.hypervisor.describe_outgoing(vm_uuid), self.spec(**more)
        offer = other.check_incoming(vm_uuid, CheckIncomingRequest(vm=vm, spec=spec, mode=cold))
        outgoing = CheckOutgoingRequest(offer=offer, mode=cold)
        plan = self.hypervisor.check_outgoing(vm_uuid, outgoing)
        ticket = other.prepare_incoming(vm_uuid, PrepareIncomingRequest(plan=plan, spec=spec))
        self.hypervisor.migrate_vm(vm_uuid, MigrateVmRequest(ticket=ticket))
        other.finish_incoming(vm_uuid, FinishIncomingRequest(spec=spec))
        self.hypervisor.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.addCleanup(other.delete_vm, vm_uuid, DeleteVmRequest())
        self.assertFalse(self.is_logged_in())
        other.start_vm(vm_uuid, StartRequest(secrets=(secret(),)))
        self.assertEqual([], self.harness.control("iscsi", host=0))
        self.assertTrue(self.harness.control("iscsi", host=1))
        other.stop_vm(vm_uuid, StopRequest())
        self.assertFalse(self.is_logged_in())

    def test_a_share_takes_no_user(self) -> None:
        connection = SmbVolume(
            share=r"\\server\share", path="one.vhdx", format=DiskFormat.VHDX, user="me"
        )
        source = Volume(volume_id=uuid4(), connection=connection)
        disk = DiskSpec(key="volume", source=source, size_bytes=4 * MIB)
        spec = self.spec(disks=(disk,), secrets=(secret(),))
        error = self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
        self.assertEqual("disks[volume].source.connection.user", error.field)
