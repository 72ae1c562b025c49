"""What the suite reads from a guest's console."""

from __future__ import annotations

import testtools

from nova_virt_interface.testing.guest import GuestReport

BOOT = b"BIOS\r\nNVG uuid=1\r\n[0.1] NVG mac=no\r\nNVG mac=a\r\nNVG mac=b\r\nNVG ready\r\n"
OFF = b"NVG poweroff\r\n"


class TestGuestReport(testtools.TestCase):
    def test_facts_are_told_in_order(self) -> None:
        report = GuestReport(BOOT)
        self.assertTrue(report.is_ready)
        self.assertEqual(["a", "b"], report.all("mac"))
        self.assertEqual(["1"], report.all("uuid"))
        self.assertEqual([], report.all("ma"))

    def test_only_what_came_after_the_last_shutdown_counts(self) -> None:
        self.assertFalse(GuestReport(BOOT + OFF).is_ready)
        again = GuestReport(BOOT + OFF + b"NVG mac=c\n")
        self.assertFalse(again.is_ready)
        self.assertEqual(["c"], again.all("mac"))

    def test_rubbish_is_no_fact(self) -> None:
        for log in (b"", b"\xff\xfe\0NVG", b"NVG", b"NVGready\n", b" NVG ready\n", b"NVG readyish"):
            self.assertFalse(GuestReport(log).is_ready, log)

    def test_a_line_that_is_still_being_written_is_no_other_fact(self) -> None:
        self.assertEqual([], GuestReport(b"NVG ma").all("mac"))
