"""The one table."""

from __future__ import annotations

import ssl
from typing import Any

import requests
import testtools
import urllib3
import XenAPI
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    HostUnreachable,
    InsufficientResources,
    NotFound,
    Resource,
    VirtError,
)

from nova_virt_xenapi.error_table import TABLE
from nova_virt_xenapi.errors import contract_error
from nova_virt_xenapi.testing.simulator.datamodel import datamodel

# The storage managers' own codes are numbers, which the data model does not list.
_NOT_IN_THE_MODEL = {
    "SR_BACKEND_FAILURE_44",
    "SR_BACKEND_FAILURE_46",
    "SR_BACKEND_FAILURE_68",
    "SR_BACKEND_FAILURE_141",
}


def _made(*details: str, changing: bool = True) -> Any:
    return contract_error(XenAPI.Failure(list(details)), about="VM 7", changing=changing)


class TestTable(testtools.TestCase):
    """xapi's codes."""

    def test_every_code_is_one_of_the_vendor_s(self) -> None:
        self.assertEqual(_NOT_IN_THE_MODEL, TABLE.keys() - datamodel().errors)

    def test_every_row_makes_an_error_that_says_something(self) -> None:
        for code in TABLE:
            for parameters in ((), ("1", "2", "3")):
                error = _made(code, *parameters)
                self.assertIsInstance(error, VirtError)
                self.assertIn(code, error.detail)
                self.assertTrue(error.message)

    def test_refusals_changed_nothing(self) -> None:
        for code, row in TABLE.items():
            self.assertEqual(not row.changed_nothing, _made(code).may_have_been_done, code)
            self.assertFalse(_made(code, changing=False).may_have_been_done)

    def test_an_unknown_code_keeps_its_words_and_may_have_been_done(self) -> None:
        error = _made("VM_ATE_HOMEWORK", "maths")
        self.assertIsInstance(error, BackendError)
        self.assertEqual("VM_ATE_HOMEWORK maths", error.detail)
        self.assertTrue(error.may_have_been_done)

    def test_amounts_and_kinds_are_kept(self) -> None:
        memory = _made("HOST_NOT_ENOUGH_FREE_MEMORY", "200", "100")
        self.assertIsInstance(memory, InsufficientResources)
        self.assertEqual((200, 100), (memory.needed, memory.available))
        self.assertEqual(Resource.STORAGE, _made("SR_BACKEND_FAILURE_44", "", "full").resource)
        for kind, resource in (("VM", Resource.VM), ("VDI", Resource.DISK), ("VIF", Resource.NIC)):
            gone = _made("HANDLE_INVALID", kind, "OpaqueRef:x")
            self.assertIsInstance(gone, NotFound)
            self.assertEqual(resource, gone.resource)

    def test_what_is_in_the_way_is_transient(self) -> None:
        for code in ("OTHER_OPERATION_IN_PROGRESS", "VM_BAD_POWER_STATE"):
            self.assertIsInstance(_made(code, "VM", "OpaqueRef:x", "y"), Busy)


class TestConnection(testtools.TestCase):
    """Errors below xapi."""

    def make(self, error: Exception, *, changing: bool = True) -> Any:
        return contract_error(error, about="VM 7", changing=changing)

    def wrapped(self, inner: Exception) -> Exception:
        reason = urllib3.exceptions.MaxRetryError(None, "/", inner)  # type: ignore[arg-type]
        return requests.ConnectionError(reason)

    def test_what_was_never_sent_was_not_done(self) -> None:
        refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
        for error in (requests.ConnectTimeout("slow"), self.wrapped(refused)):
            made = self.make(error)
            self.assertIsInstance(made, HostUnreachable)
            self.assertFalse(made.may_have_been_done)

    def test_a_connection_that_was_cut_leaves_doubt(self) -> None:
        cut = urllib3.exceptions.ProtocolError("aborted")
        eof = urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred"))
        reason = urllib3.exceptions.MaxRetryError(None, "/", eof)  # type: ignore[arg-type]
        for error in (
            requests.ConnectionError(cut),
            requests.ReadTimeout("slow"),
            requests.exceptions.SSLError(reason),
        ):
            made = self.make(error)
            self.assertIsInstance(made, HostUnreachable, str(error))
            self.assertTrue(made.may_have_been_done)
            self.assertFalse(self.make(error, changing=False).may_have_been_done)

    def test_a_certificate_that_is_not_trusted_is_access_denied(self) -> None:
        refused = urllib3.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed"))
        reason = urllib3.exceptions.MaxRetryError(None, "/", refused)  # type: ignore[arg-type]
        made = self.make(requests.exceptions.SSLError(reason))
        self.assertIsInstance(made, AccessDenied)
        self.assertFalse(made.may_have_been_done)
