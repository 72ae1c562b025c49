"""The table of errors, and what is read from faults."""

from __future__ import annotations

import ssl

import requests
import testtools
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    HostUnreachable,
    ImageCorrupt,
    InsufficientResources,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
    VirtError,
)
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from smbprotocol.exceptions import SMBOSError

from nova_virt_hyperv.errors import TABLE, About, contract_error
from nova_virt_hyperv.faults import Refusal, WmiFault, read_fault
from nova_virt_hyperv.testing.simulator import soap
from nova_virt_hyperv.testing.simulator.model import WsFault

_REFUSED = ssl.SSLCertVerificationError(1, "self-signed certificate")


def told(error: Exception, *, changing: bool = True) -> VirtError:
    return contract_error(error, about=About("x", Resource.DISK), changing=changing)


class TestTable(testtools.TestCase):
    def test_return_values(self) -> None:
        for code, expected in (
            (32769, AccessDenied),
            (32770, Unsupported),
            (32774, Busy),
            (32775, InvalidState),
            (32778, InsufficientResources),
            (32779, NotFound),
            (32768, BackendError),
            (32773, BackendError),
        ):
            error = told(Refusal("Method", code))
            self.assertEqual((expected, False), (type(error), error.may_have_been_done), str(code))
            self.assertIn(str(code), error.detail)

    def test_the_result_of_a_job_is_known_by_its_hresult(self) -> None:
        for text, expected in (
            ("There is not enough space on the disk. (0x80070070).", InsufficientResources),
            ("Nicht genug Speicher. (0x8007000E)", InsufficientResources),
            ("'x' ist beschaedigt (0x80070570)", ImageCorrupt),
            ("in use (0x80070020)", Busy),
        ):
            error = told(Refusal("Method", 32768, text, was_job=True))
            self.assertIsInstance(error, expected, text)
            self.assertTrue(error.may_have_been_done)
            self.assertIn(text, error.detail)

    def test_a_lost_answer_may_have_been_done_a_refused_connection_was_not(self) -> None:
        lost = requests.ConnectionError("Connection aborted.")
        self.assertTrue(told(lost).may_have_been_done)
        self.assertFalse(told(lost, changing=False).may_have_been_done)
        with self.subTest("nothing listens"):
            refused = self.assertRaises(
                requests.ConnectionError, requests.post, "http://127.0.0.1:9/", timeout=5
            )
            self.assertFalse(told(refused).may_have_been_done)
            self.assertIsInstance(told(refused), HostUnreachable)

    def test_the_way_to_the_host(self) -> None:
        for cause, expected in (
            (AuthenticationError("no"), AccessDenied),
            (requests.exceptions.SSLError(_REFUSED), AccessDenied),
            (requests.exceptions.SSLError(ssl.SSLEOFError(8, "cut")), HostUnreachable),
            (WinRMTransportError("http", 404, "<html>"), BackendError),
            (ValueError("Failed to connect to 'host:445'"), HostUnreachable),
            (SMBOSError(0xC000007F, "x"), InsufficientResources),
            (SMBOSError(0xC0000022, "x"), AccessDenied),
        ):
            self.assertIsInstance(told(cause), expected, repr(cause))

    def test_certificates_and_accounts_have_their_own_remedies(self) -> None:
        self.assertIn("ca_file", told(requests.exceptions.SSLError(_REFUSED)).remedy)
        self.assertIn("password", told(AuthenticationError("x")).remedy)

    def test_what_nobody_knows_is_a_backend_error(self) -> None:
        error = told(WmiFault("SomethingNew", frozenset({1234567}), "words"))
        self.assertEqual((BackendError, True), (type(error), error.may_have_been_done))
        self.assertIn("words", error.detail)

    def test_every_row_can_be_reached(self) -> None:
        for position, row in enumerate(TABLE):
            for other in TABLE[:position]:
                shadows = other.kind == row.kind and other.code in (None, row.code)
                self.assertFalse(shadows, f"{row} is never reached because of {other}")


class TestFaults(testtools.TestCase):
    def test_both_forms_of_detail(self) -> None:
        for is_wmi in (False, True):
            error = WsFault("a:DestinationUnreachable", 0x80041002, "no such VM", is_wmi=is_wmi)
            found = read_fault(soap.fault(error, "uuid:1", "HOST").decode())
            assert found is not None
            self.assertEqual("DestinationUnreachable", found.subcode)
            self.assertIn(0x80041002, found.codes)
            self.assertIn("no such VM", str(found))

    def test_what_is_no_fault(self) -> None:
        for text in ("", "<html/>", "<a><b></a>", "plain"):
            self.assertIsNone(read_fault(text))
