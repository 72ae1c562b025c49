"""The one table from Hyper-V's, WinRM's and SMB's errors to the contract's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

import requests
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    Cancelled,
    DeadlineExceeded,
    HostUnreachable,
    ImageCorrupt,
    InsufficientResources,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.trust import certificate_refused
from nova_virt_interface.values.power import PowerState
from pypsrp.exceptions import AuthenticationError, WinRMError
from smbprotocol.exceptions import SMBConnectionClosed, SMBException

from nova_virt_hyperv.faults import Refusal, WmiFault

__all__ = [
    "BACKEND_ERRORS",
    "TABLE",
    "About",
    "Row",
    "codes_of",
    "contract_error",
    "unreachable_volume",
]

BACKEND_ERRORS = (
    WmiFault,
    Refusal,
    WinRMError,
    requests.RequestException,
    ET.ParseError,
    SMBException,
    OSError,
    # smbprotocol's word for a host that cannot be reached.
    ValueError,
)


@dataclass(frozen=True)
class About:
    """What a request to the host is about, for the error that it may end in."""

    name: str = "the host"
    resource: Resource | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Which backend error becomes which contract error.

    ``kind`` and ``code`` both have to fit; a code of None fits all of the kind. The first row that
    fits decides.
    """

    kind: type[Exception] | tuple[type[Exception], ...]
    code: int | str | None = None
    make: Callable[[About], VirtError]
    changed_nothing: bool = True
    """The host says this before it changes anything."""

    def fits(self, error: Exception) -> bool:
        """Whether the row is about such an error."""
        return isinstance(error, self.kind) and (
            self.code is None or self.code in codes_of(error) or self.code == _subcode(error)
        )


def codes_of(error: Exception) -> frozenset[int]:
    """The numbers by which a host says what went wrong."""
    if isinstance(error, WmiFault | Refusal):
        return error.codes
    status = getattr(error, "ntstatus", None) or getattr(error, "status", None)
    return frozenset({status} if isinstance(status, int) else ())


def _subcode(error: Exception) -> str | None:
    return error.subcode if isinstance(error, WmiFault) else None


def _not_found(about: About) -> VirtError:
    resource = about.resource or Resource.VM
    return NotFound(
        f"there is no {resource.value} {about.name}", resource=resource, name=about.name
    )


def _too_little(resource: Resource, remedy: str) -> Callable[[About], VirtError]:
    return lambda about: InsufficientResources(
        f"the host has too little {resource.value} for {about.name}",
        resource=resource,
        remedy=remedy,
    )


def _wrong_password(about: About) -> VirtError:
    return InvalidRequest(
        f"{about.name} does not take this user with this password",
        remedy="bring the right secret",
        field="secrets",
    )


def _busy(about: About) -> VirtError:
    return Busy(f"another operation holds {about.name}", remedy="repeat it later")


def _unsupported(about: About) -> VirtError:
    return Unsupported(f"this host cannot do that with {about.name}")


def _denied(about: About) -> VirtError:
    return AccessDenied(
        "the host refused the account",
        remedy="check username and password, its membership in Hyper-V Administrators and Remote "
        "Management Users, its rights on the share, and whether WinRM allows this auth",
    )


def _invalid_state(about: About) -> VirtError:
    return InvalidState(f"{about.name} is in no state for this", state=PowerState.UNKNOWN.value)


def _corrupt(about: About) -> VirtError:
    return ImageCorrupt(
        f"the host cannot read {about.name} as a virtual disk", remedy="upload the image again"
    )


def _untrusted(about: About) -> VirtError:
    return AccessDenied(
        "the host's TLS certificate is not trusted",
        remedy="set ca_file to the authority that signed it, and host to a name that it carries",
    )


def _away(about: About) -> VirtError:
    return HostUnreachable(
        "the host does not answer",
        remedy="check that it runs, its WinRM and SMB services, "
        "the firewall between, and the options host, port and share_port",
    )


def _no_share(about: About) -> VirtError:
    return InvalidRequest(
        "the host has no such share", remedy="make it, or correct share", field="share"
    )


def _share_failed(about: About) -> VirtError:
    return BackendError(
        f"the host's share failed at {about.name}",
        remedy="the share must take SMB 3 with encryption, from this account",
    )


def _strange(about: About) -> VirtError:
    return BackendError("what answers is no WinRM service", remedy="check host and port")


def _no_destination(about: About) -> VirtError:
    return PeerUnreachable(
        f"the host does not reach the other host that {about.name} needs",
        remedy="check that the destination runs, and that both hosts may delegate to each other "
        "(cifs and Microsoft Virtual System Migration Service)",
        resource=Resource.DESTINATION,
    )


_STORAGE = _too_little(Resource.STORAGE, "free some space on the host")
_MEMORY = _too_little(Resource.MEMORY, "stop other VMs, or use another host")

TABLE: tuple[Row, ...] = (
    # HRESULTs, in the text of a failed job or in a fault: more precise than any other code.
    Row(kind=(Refusal, WmiFault), code=0x80070070, make=_STORAGE),  # ERROR_DISK_FULL
    Row(kind=(Refusal, WmiFault), code=0x8007000E, make=_MEMORY),  # E_OUTOFMEMORY
    Row(kind=(Refusal, WmiFault), code=0x800705AA, make=_MEMORY),  # ERROR_NO_SYSTEM_RESOURCES
    Row(kind=(Refusal, WmiFault), code=0x80070020, make=_busy),  # ERROR_SHARING_VIOLATION
    # ERROR_FILE_EXISTS: a request whose answer was lost has been carried out only now.
    Row(kind=(Refusal, WmiFault), code=0x80070050, make=_busy),
    Row(kind=(Refusal, WmiFault), code=0x80070005, make=_denied),  # E_ACCESSDENIED
    Row(kind=(Refusal, WmiFault), code=0x80070570, make=_corrupt),  # ERROR_FILE_CORRUPT
    Row(kind=(Refusal, WmiFault), code=0xC03A0014, make=_corrupt),  # unknown virtual disk type
    Row(kind=(Refusal, WmiFault), code=0x80041003, make=_denied),  # WBEM_E_ACCESS_DENIED
    Row(kind=(Refusal, WmiFault), code=0x80041002, make=_not_found),  # WBEM_E_NOT_FOUND
    # ISDSC_AUTHENTICATION_FAILURE, of an iSCSI target.
    Row(kind=WmiFault, code=0xEFFF0009, make=_wrong_password),
    # ERROR_BAD_NETPATH, ERROR_NETNAME_DELETED, WSAETIMEDOUT, WSAECONNREFUSED, WSAECONNRESET,
    # WSAHOST_NOT_FOUND: of a path or of a migration to another host.
    Row(kind=Refusal, code=0x80070035, make=_no_destination),
    Row(kind=Refusal, code=0x80070040, make=_no_destination),
    Row(kind=Refusal, code=0x8007274C, make=_no_destination),
    Row(kind=Refusal, code=0x8007274D, make=_no_destination),
    Row(kind=Refusal, code=0x80072746, make=_no_destination),
    Row(kind=Refusal, code=0x80072AF9, make=_no_destination),
    # Return values and job error codes, as the Msvm_ methods document them.
    Row(kind=Refusal, code=1, make=_unsupported),
    Row(kind=Refusal, code=32770, make=_unsupported),
    Row(kind=Refusal, code=32769, make=_denied),
    Row(kind=Refusal, code=32774, make=_busy),
    Row(kind=Refusal, code=32777, make=_busy),
    Row(kind=Refusal, code=32775, make=_invalid_state),
    Row(kind=Refusal, code=32778, make=_MEMORY),
    Row(kind=Refusal, code=32779, make=_not_found),
    # Faults.
    Row(kind=WmiFault, code="AccessDenied", make=_denied),
    Row(kind=WmiFault, code="DestinationUnreachable", make=_not_found),
    Row(kind=WmiFault, code="QuotaLimit", make=_busy),
    Row(kind=WmiFault, code="TimedOut", make=_busy, changed_nothing=False),
    # The way to the host.
    Row(kind=AuthenticationError, make=_denied),
    Row(kind=requests.exceptions.ConnectTimeout, make=_away),
    Row(kind=requests.RequestException, make=_away, changed_nothing=False),
    Row(kind=(WinRMError, ET.ParseError), make=_strange, changed_nothing=False),
    # SMB, by NT status.
    Row(kind=SMBException, code=0xC000007F, make=_STORAGE),  # STATUS_DISK_FULL
    Row(kind=SMBException, code=0xC0000044, make=_STORAGE),  # STATUS_QUOTA_EXCEEDED
    Row(kind=SMBException, code=0xC000006D, make=_denied),  # STATUS_LOGON_FAILURE
    Row(kind=SMBException, code=0xC0000022, make=_denied),  # STATUS_ACCESS_DENIED
    Row(kind=SMBException, code=0xC0000043, make=_busy),  # STATUS_SHARING_VIOLATION
    Row(kind=SMBException, code=0xC00000CC, make=_no_share),  # STATUS_BAD_NETWORK_NAME
    # STATUS_NOT_FOUND: the same, after smbclient has looked for it in DFS.
    Row(kind=SMBException, code=0xC0000225, make=_no_share),
    Row(kind=SMBException, code=0xC00000C9, make=_away),  # STATUS_NETWORK_NAME_DELETED
    Row(kind=SMBException, code=0xC0000203, make=_away),  # STATUS_USER_SESSION_DELETED
    Row(kind=SMBException, code=0xC000035C, make=_away),  # STATUS_NETWORK_SESSION_EXPIRED
    Row(kind=SMBConnectionClosed, make=_away, changed_nothing=False),
    Row(kind=SMBException, make=_share_failed, changed_nothing=False),
    Row(kind=(OSError, ValueError), make=_away, changed_nothing=False),
)


def contract_error(error: Exception, *, about: About, changing: bool) -> VirtError:
    """Translate a backend error; chain it with ``raise … from``.

    Args:
        error: one of `BACKEND_ERRORS`.
        about: what the request was about.
        changing: whether it may have changed something on the host.
    """
    row = next((row for row in TABLE if row.fits(error)), None)
    if certificate_refused(error):
        made, unchanged = _untrusted(about), True
    elif row is None:
        made = BackendError(f"Hyper-V failed at {about.name}")
        unchanged = isinstance(error, Refusal) and not error.was_job
    else:
        made = row.make(about)
        began = isinstance(error, Refusal) and error.was_job
        unchanged = (row.changed_nothing and not began) or _never_sent(error)
    made.detail = str(error).strip()
    made.may_have_been_done = changing and not unchanged
    return made


def _never_sent(error: Exception) -> bool:
    """Whether no connection came about, so that the host knows nothing of the request."""
    if isinstance(error, requests.ConnectionError):
        cause = error.args[0] if error.args else None
        reason = getattr(cause, "reason", None)
        return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
    return isinstance(error, ValueError) and not isinstance(error, requests.RequestException)


def unreachable_volume(key: str, error: VirtError) -> VirtError:
    """The error for a volume that the host does not reach."""
    if isinstance(error, HostUnreachable | Cancelled | DeadlineExceeded):
        return error
    return PeerUnreachable(
        f"the host does not reach volume {key}",
        remedy="check the file, its server, and the rights of the host's and the driver's accounts",
        resource=Resource.VOLUME,
        name=key,
        detail=error.detail or str(error),
    )
