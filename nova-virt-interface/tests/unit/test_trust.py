"""Certificates that are refused."""

from __future__ import annotations

import ssl

import testtools

from nova_virt_interface.trust import certificate_refused


class Wrapped(Exception):
    """As HTTP libraries wrap errors: with a reason."""

    def __init__(self, reason: Exception) -> None:
        super().__init__("words")
        self.reason = reason


class TestTrust(testtools.TestCase):
    def test_a_refused_certificate_is_found_however_it_is_wrapped(self) -> None:
        refused = ssl.SSLCertVerificationError(1, "self-signed certificate")
        for error in (refused, OSError(refused), Wrapped(refused), OSError(Wrapped(refused))):
            self.assertTrue(certificate_refused(error), repr(error))

    def test_a_connection_that_was_cut_is_no_refusal(self) -> None:
        cut = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
        for error in (cut, OSError(cut), Wrapped(cut), OSError(), ValueError("x")):
            self.assertFalse(certificate_refused(error), repr(error))
