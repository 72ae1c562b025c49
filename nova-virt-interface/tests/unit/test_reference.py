"""The reference driver, in what the suite cannot bring about on every backend."""

from __future__ import annotations

from uuid import UUID, uuid4

import testtools
from zope.interface import providedBy

from nova_virt_interface.call import Call
from nova_virt_interface.errors import BackendError, VirtError
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.errors import translated
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.reference.host import Host, HostError, Image, host_named
from nova_virt_interface.reference.hypervisor import ReferenceFactory, ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import (
    Checksum,
    Flavor,
    GuestMetadata,
    SpawnRequest,
)
from nova_virt_interface.values.instances import Image as ImageRequest
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.vm import VmSpec

SPEC = VmSpec(name="vm", vcpus=1, memory_bytes=1)


class TestReference(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host: Host = host_named(self.id())
        self.driver = self.connected()

    def connected(self) -> ReferenceHypervisor:
        driver = ReferenceHypervisor(Settings(host=self.id()), SuiteServices())
        self.addCleanup(driver.close)
        return driver

    def made(self) -> UUID:
        vm_uuid = uuid4()
        self.driver.create_vm(vm_uuid, SPEC)
        return vm_uuid

    @rules("PWR-2")
    def test_a_state_that_the_contract_has_no_word_for_is_unknown(self) -> None:
        vm_uuid = self.made()
        self.host._vms[vm_uuid].state = "dreaming"
        self.assertEqual(PowerState.UNKNOWN, self.driver.get_vm(vm_uuid).power_state)
        self.assertEqual([PowerState.UNKNOWN], [vm.power_state for vm in self.driver.list_vms()])
        self.assertEqual([PowerState.UNKNOWN], [vm.power_state for vm in self.driver.statistics()])

    @rules("PWR-9")
    def test_every_reboot_restarts_the_guest(self) -> None:
        vm_uuid = self.made()
        for times in (1, 2, 3):
            self.driver.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
            self.assertEqual(times, self.host.vm(vm_uuid).starts)

    @rules("PWR-5")
    def test_a_guest_that_goes_down_within_the_graceful_time_is_not_forced(self) -> None:
        vm_uuid = self.made()
        self.driver.start_vm(vm_uuid, StartRequest())
        host = self.host

        class Waiting(Call):
            def wait(self, seconds: float) -> None:
                host.power_off(vm_uuid)

        with Waiting("req-1"):
            self.driver.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=60))
        self.assertEqual(PowerState.STOPPED, self.driver.get_vm(vm_uuid).power_state)

    @rules("CALL-6")
    def test_whoever_asks_again_after_a_crash_gets_the_same_vm(self) -> None:
        vm_uuid = self.made()
        again = self.connected()
        again.create_vm(vm_uuid, SPEC)
        again.start_vm(vm_uuid, StartRequest())
        self.connected().start_vm(vm_uuid, StartRequest())
        self.assertEqual(1, self.host.vm(vm_uuid).starts)

    @rules("CONN-1")
    def test_making_the_factory_asks_nobody(self) -> None:
        before = self.host.round_trips
        settings = ReferenceFactory().settings_from(None, self.id())
        self.assertEqual((before, 1), (self.host.round_trips, self.host.connections))
        connection = ReferenceFactory().connect(settings, SuiteServices())
        self.addCleanup(connection.close)
        self.assertEqual(2, self.host.connections)

    @rules("CONN-3")
    def test_what_is_provided_stays_as_it_is(self) -> None:
        before = list(providedBy(self.driver))
        vm_uuid = self.made()
        self.host.set_away(True)
        self.assertRaises(VirtError, self.driver.get_vm, vm_uuid)
        self.host.set_away(False)
        self.assertEqual(before, list(providedBy(self.driver)))

    @rules("SEC-2")
    def test_the_host_stores_no_password(self) -> None:
        driver = ReferenceVirtDriver(Settings(host=self.id()), SuiteServices())
        self.addCleanup(driver.close)
        image = ImageRequest(
            image_id="guest",
            format=DiskFormat.RAW,
            size_bytes=len(GUEST_IMAGE),
            checksum=Checksum(algorithm="sha256", hex_digest="0" * 64),
        )
        self.host.put_image(image.cache_key, Image(format="raw", content=GUEST_IMAGE))
        password = "correct-horse-battery"
        request = SpawnRequest(
            name="vm",
            flavor=Flavor(vcpus=1, memory_bytes=1, root_bytes=len(GUEST_IMAGE)),
            image=image,
            metadata=GuestMetadata(hostname="host", admin_password=Secret(password)),
        )
        vm_uuid = uuid4()
        driver.spawn(vm_uuid, request)
        stored = repr(self.host.vm(vm_uuid))
        self.assertIn("hostname", stored)
        self.assertNotIn(password, stored)
        self.assertNotIn(password, repr(vars(driver)))


class TestErrorTable(testtools.TestCase):
    def refusal(self, code: str) -> VirtError:
        def ask() -> None:
            with translated():
                raise HostError(code, "it is so")

        error = self.assertRaises(VirtError, ask)
        assert isinstance(error, VirtError)
        return error

    @rules("ERR-1", "ERR-2")
    def test_every_error_of_the_host_becomes_one_of_the_contract(self) -> None:
        codes = (
            "AWAY",
            "NO_SUCH_VM",
            "EXISTS",
            "IN_USE",
            "BAD_STATE",
            "NO_MEMORY",
            "NO_STORAGE",
            "NO_DISK",
            "ABORTED",
            "NO_TICKET",
            "PEER_AWAY",
        )
        for code in codes:
            error = self.refusal(code)
            self.assertIsNot(BackendError, type(error))
            self.assertFalse(error.may_have_been_done)
            self.assertIsInstance(error.__cause__, HostError)
            self.assertIn("it is so", str(error))

    @rules("ERR-1", "ERR-2")
    def test_an_unknown_error_is_wrapped_with_its_own_words(self) -> None:
        error = self.refusal("MELTDOWN")
        self.assertIs(BackendError, type(error))
        self.assertEqual("MELTDOWN: it is so", error.detail)
        self.assertTrue(error.may_have_been_done)
        self.assertIsInstance(error.__cause__, HostError)
