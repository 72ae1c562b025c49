"""Consoles are written so that nobody gets in who was not given a password."""

from __future__ import annotations

from datetime import UTC, datetime

import testtools
from lxml import etree
from nova_virt_interface.values.console import ConsoleKind

from nova_virt_libvirt.consoles_xml import (
    VNC_PASSWORD_LENGTH,
    new_password,
    read_screen,
    screen_xml,
    screens_xml,
    serial_xml,
)

SCREENS = (ConsoleKind.VNC, ConsoleKind.SPICE)
RUNNING = """\
<domain><devices>
  <graphics type='spice' port='5901' autoport='yes' listen='127.0.0.1'>
    <listen type='address' address='127.0.0.1'/></graphics>
  <graphics type='vnc' port='5900' autoport='yes'
    passwd='a&lt;b' passwdValidTo='2026-01-01T00:00:00'>
    <listen type='address' address='::1'/></graphics>
</devices></domain>"""


class TestScreens(testtools.TestCase):
    def test_a_new_screen_lets_nobody_in(self) -> None:
        *screens, video = screens_xml(SCREENS, "127.0.0.1", "vga")
        self.assertEqual(["vnc", "spice"], [screen.get("type") for screen in screens])
        for screen in screens:
            self.assertEqual("127.0.0.1", screen.get("listen"))
            self.assertEqual(VNC_PASSWORD_LENGTH, len(screen.get("passwd")))
            self.assertLess(screen.get("passwdValidTo"), datetime.now(UTC).isoformat())
        self.assertEqual("vga", video.find("model").get("type"))

    def test_a_host_without_screens_has_no_card(self) -> None:
        self.assertEqual([], screens_xml((ConsoleKind.SERIAL,), "127.0.0.1", "vga"))

    def test_passwords_are_not_the_same_and_fit_vnc(self) -> None:
        made = {new_password() for _ in range(100)}
        self.assertEqual(100, len(made))
        self.assertEqual({VNC_PASSWORD_LENGTH}, {len(password) for password in made})

    def test_a_running_screen_is_read_and_gets_a_password(self) -> None:
        screen = read_screen(RUNNING, ConsoleKind.VNC)
        assert screen is not None
        self.assertEqual(("::1", 5900, "a<b"), (screen.host, screen.port, screen.password))
        text = screen_xml(screen, 'x"<', "2027-01-01T00:00:00")
        element = etree.fromstring(text)
        self.assertEqual('x"<', element.get("passwd"))
        self.assertEqual("2027-01-01T00:00:00", element.get("passwdValidTo"))
        self.assertEqual("5900", element.get("port"))
        spice = read_screen(RUNNING, ConsoleKind.SPICE)
        assert spice is not None
        self.assertEqual(("127.0.0.1", ""), (spice.host, spice.password))

    def test_a_screen_that_does_not_listen_is_none(self) -> None:
        for devices in ("", "<graphics type='vnc' port='-1'/>", "<graphics type='vnc'/>"):
            text = f"<domain><devices>{devices}</devices></domain>"
            self.assertIsNone(read_screen(text, ConsoleKind.VNC))


class TestSerial(testtools.TestCase):
    def test_the_port_is_the_kernels_choice_and_the_log_stays(self) -> None:
        element = serial_xml("/log", "127.0.0.1")
        self.assertEqual("tcp", element.get("type"))
        source = {"mode": "bind", "host": "127.0.0.1", "service": "0"}
        self.assertEqual(source, dict(element.find("source").attrib))
        self.assertEqual({"file": "/log", "append": "off"}, dict(element.find("log").attrib))

    def test_without_an_address_there_is_the_log_alone(self) -> None:
        element = serial_xml("/log", None)
        self.assertEqual("file", element.get("type"))
        self.assertEqual("/log", element.find("source").get("path"))
