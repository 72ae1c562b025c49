"""What only QEMU behind a real libvirtd can show of suspending, consoles and agents."""

from __future__ import annotations

import socket

import libvirt
from libvirt_case import QemuTestCase
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.console import ConsoleKind, OpenConsoleRequest
from nova_virt_interface.values.guest import GuestPasswordRequest
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest

from nova_virt_libvirt.consoles_xml import read_screen, screen_xml

VNC = OpenConsoleRequest(kind=ConsoleKind.VNC)
SERIAL = OpenConsoleRequest(kind=ConsoleKind.SERIAL)


class TestSuspend(QemuTestCase):
    def test_what_an_operator_saved_while_it_was_paused_runs_when_started(self) -> None:
        vm_uuid = self.running()
        self.domain(vm_uuid, lambda domain: domain.suspend())
        self.domain(vm_uuid, lambda domain: domain.managedSave())
        self.assert_state(vm_uuid, PowerState.SUSPENDED)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)


class TestConsoles(QemuTestCase):
    def test_a_password_whose_time_is_over_is_replaced(self) -> None:
        vm_uuid = self.running()
        first = self.hypervisor.open_console(vm_uuid, VNC)
        self.domain(vm_uuid, _end_the_passwords_time)
        self.assertFalse(self.harness.console_lets_in(vm_uuid, first))
        second = self.hypervisor.open_console(vm_uuid, VNC)
        self.assertNotEqual(first.secret, second.secret)
        self.assertTrue(self.harness.console_lets_in(vm_uuid, second))

    def test_no_password_of_a_screen_is_good_before_it_is_given_out(self) -> None:
        vm_uuid = self.running()
        given = self.hypervisor.open_console(vm_uuid, VNC)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        text = self.domain(vm_uuid, lambda domain: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
        screen = read_screen(text, ConsoleKind.VNC)
        assert screen is not None
        self.assertNotEqual(given.secret, Secret(screen.password))
        self.assertLess(screen.valid_to, "2000")

    def test_the_guest_reads_its_serial_console_and_the_log_has_what_it_says(self) -> None:
        vm_uuid = self.booted()
        console = self.hypervisor.open_console(vm_uuid, SERIAL)
        with socket.create_connection((console.host, console.port)) as person:
            person.sendall(b"report 4711\n")
            said = b""
            while b"NVG obeyed=4711" not in said:
                said += person.recv(4096)
        self.assertIn(b"NVG clock=", said)
        self.wait_until(lambda: b"NVG obeyed=4711" in self.console(vm_uuid), "the log to have it")


class TestAgent(QemuTestCase):
    def test_a_password_that_libvirt_cannot_carry_is_refused(self) -> None:
        vm_uuid = self.running()
        request = GuestPasswordRequest(user="root", password=Secret(b"\xff\xfe"))
        with self.refused(InvalidRequest) as caught:
            self.hypervisor.set_guest_password(vm_uuid, request)
        self.assertEqual("password", caught.error.field)
        self.assertNotIn("xff", str(caught.error))
        self.assertIsNone(caught.error.__cause__)


def _end_the_passwords_time(domain: libvirt.virDomain) -> None:
    screen = read_screen(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE), ConsoleKind.VNC)
    assert screen is not None
    text = screen_xml(screen, screen.password, "2001-01-01T00:00:00")
    domain.updateDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
