"""Each row of the table turns what libvirt says into the contract's error, with the truth about
what was done.
"""

from __future__ import annotations

from typing import Any

import libvirt
import testtools
from nova_virt_interface import errors as contract

from nova_virt_libvirt.errors import TABLE, contract_error

# What libvirt says, and what core must hear.
SEEN: tuple[tuple[int, int, str, type[contract.VirtError]], ...] = (
    (
        libvirt.VIR_ERR_NO_DOMAIN,
        libvirt.VIR_FROM_QEMU,
        "Domain not found: no domain with matching uuid 'x'",
        contract.NotFound,
    ),
    (
        libvirt.VIR_ERR_NO_NETWORK,
        libvirt.VIR_FROM_NETWORK,
        "Network not found: no network with matching name 'x'",
        contract.NotFound,
    ),
    (
        libvirt.VIR_ERR_NO_STORAGE_VOL,
        libvirt.VIR_FROM_STORAGE,
        "Storage volume not found: no storage vol with matching name",
        contract.NotFound,
    ),
    (
        libvirt.VIR_ERR_NO_STORAGE_POOL,
        libvirt.VIR_FROM_STORAGE,
        "Storage pool not found: no pool",
        contract.BackendError,
    ),
    (
        libvirt.VIR_ERR_STORAGE_VOL_EXIST,
        libvirt.VIR_FROM_STORAGE,
        "storage volume 'img' exists already",
        contract.Conflict,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "Invalid password, cannot unlock any keyslot",
        contract.InvalidRequest,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "iSCSI: Failed to connect to LUN : Failed to log in. Status: Authentication failure(513)",
        contract.InvalidRequest,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "Unknown protocol 'iscsi'",
        contract.Unsupported,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "Cannot access storage file '/volumes/x'",
        contract.PeerUnreachable,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "iSCSI: Failed to connect to LUN : connect failed",
        contract.PeerUnreachable,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "Failed to connect to '127.0.0.1:10809': Connection refused",
        contract.PeerUnreachable,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "Could not open '/dev/x': No such file or directory",
        contract.PeerUnreachable,
    ),
    (libvirt.VIR_ERR_DOM_EXIST, libvirt.VIR_FROM_DOMAIN, "domain exists", contract.Conflict),
    (
        libvirt.VIR_ERR_OPERATION_FAILED,
        libvirt.VIR_FROM_DOMAIN,
        "operation failed: domain 'b' already exists with uuid 0",
        contract.Conflict,
    ),
    (
        libvirt.VIR_ERR_SYSTEM_ERROR,
        libvirt.VIR_FROM_STREAMS,
        "Unable to write /x: No space left on device",
        contract.InsufficientResources,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_TEST,
        "Not enough free space in pool for volume 'a'",
        contract.InsufficientResources,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_QEMU,
        "'pc.ram': Cannot allocate memory",
        contract.InsufficientResources,
    ),
    (
        libvirt.VIR_ERR_OPERATION_TIMEOUT,
        libvirt.VIR_FROM_QEMU,
        "Timed out during operation: cannot acquire state change lock",
        contract.Busy,
    ),
    (libvirt.VIR_ERR_RESOURCE_BUSY, libvirt.VIR_FROM_QEMU, "resource busy", contract.Busy),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_STORAGE,
        "pool 'p' has asynchronous jobs running.",
        contract.Busy,
    ),
    (
        libvirt.VIR_ERR_OPERATION_INVALID,
        libvirt.VIR_FROM_STORAGE,
        "volume 'v' is still in use.",
        contract.Busy,
    ),
    (
        libvirt.VIR_ERR_OPERATION_INVALID,
        libvirt.VIR_FROM_STORAGE,
        "volume 'v' is still being allocated.",
        contract.Busy,
    ),
    (
        libvirt.VIR_ERR_OPERATION_INVALID,
        libvirt.VIR_FROM_DOMAIN,
        "Requested operation is not valid: domain is not running",
        contract.InvalidState,
    ),
    (
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        libvirt.VIR_FROM_QEMU,
        "Operation not supported",
        contract.Unsupported,
    ),
    (
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        libvirt.VIR_FROM_DOMAIN,
        "unsupported configuration: Unknown architecture foo",
        contract.Unsupported,
    ),
    (
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
        libvirt.VIR_FROM_QEMU,
        "argument unsupported",
        contract.Unsupported,
    ),
    (
        libvirt.VIR_ERR_NO_SUPPORT,
        libvirt.VIR_FROM_TEST,
        "this function is not supported by the connection driver",
        contract.Unsupported,
    ),
    (
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_FROM_RPC,
        "authentication failed",
        contract.AccessDenied,
    ),
    (
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_FROM_RPC,
        "authentication cancelled",
        contract.AccessDenied,
    ),
    (
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        libvirt.VIR_FROM_RPC,
        "authentication unavailable",
        contract.AccessDenied,
    ),
    (libvirt.VIR_ERR_ACCESS_DENIED, libvirt.VIR_FROM_QEMU, "access denied", contract.AccessDenied),
    (
        libvirt.VIR_ERR_OPERATION_DENIED,
        libvirt.VIR_FROM_QEMU,
        "operation forbidden for read only access",
        contract.AccessDenied,
    ),
    (
        libvirt.VIR_ERR_NO_CONNECT,
        libvirt.VIR_FROM_NONE,
        "no connection driver available",
        contract.HostUnreachable,
    ),
    (libvirt.VIR_ERR_RPC, libvirt.VIR_FROM_NONE, "Cannot recv data", contract.HostUnreachable),
    (
        libvirt.VIR_ERR_SYSTEM_ERROR,
        libvirt.VIR_FROM_RPC,
        "Failed to connect socket to '/nope'",
        contract.HostUnreachable,
    ),
    (
        libvirt.VIR_ERR_INTERNAL_ERROR,
        libvirt.VIR_FROM_RPC,
        "internal error: client socket is closed",
        contract.HostUnreachable,
    ),
)


def said(code: int, domain: int, text: str) -> Any:
    error = libvirt.libvirtError("")
    error.err = (code, domain, text, 2, "", None, None, 0, 0)
    error.args = (text,)
    return error


def translated(*what: Any, changing: bool = True, connected: bool = True) -> contract.VirtError:
    return contract_error(said(*what), about="it", changing=changing, connected=connected)


class TestErrorTable(testtools.TestCase):
    def test_what_libvirt_says(self) -> None:
        for code, domain, text, expected in SEEN:
            made = translated(code, domain, text)
            self.assertIs(expected, type(made), text)
            self.assertIn(text, made.detail)
            self.assertTrue(made.message)

    def test_every_row_is_seen(self) -> None:
        used = {
            next(index for index, row in enumerate(TABLE) if row.fits(code, domain, text))
            for code, domain, text, _ in SEEN
        }
        self.assertEqual(set(range(len(TABLE))), used)

    def test_an_unknown_error_may_have_done_it(self) -> None:
        made = translated(1, 10, "internal error: something new")
        self.assertIs(contract.BackendError, type(made))
        self.assertTrue(made.may_have_been_done)
        self.assertFalse(translated(1, 10, "something", changing=False).may_have_been_done)

    def test_a_known_refusal_did_nothing(self) -> None:
        self.assertFalse(translated(42, 10, "Domain not found").may_have_been_done)

    def test_after_a_cut_nobody_knows(self) -> None:
        cut = translated(42, 10, "whatever it says", connected=False)
        self.assertIs(contract.HostUnreachable, type(cut))
        self.assertTrue(cut.may_have_been_done)
        question = translated(42, 10, "whatever", connected=False, changing=False)
        self.assertFalse(question.may_have_been_done)
        self.assertTrue(translated(38, 7, "Broken pipe").may_have_been_done)
