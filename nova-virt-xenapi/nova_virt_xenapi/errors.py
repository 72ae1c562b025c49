"""The one table from xapi's errors, and from those of the connection to it, to the contract's."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.parsers.expat import ExpatError

import requests
import urllib3
import XenAPI
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    Conflict,
    HostUnreachable,
    InsufficientResources,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.trust import certificate_refused
from nova_virt_interface.values.power import PowerState

__all__ = ["CAUGHT", "TABLE", "Row", "contract_error"]

CAUGHT: Final = (
    XenAPI.Failure,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    xmlrpc.client.Error,
    ExpatError,
    OSError,
)
"""What a call can end in, beside contract errors."""

Make = Callable[[str, Sequence[str]], VirtError]


@dataclass(frozen=True)
class Row:
    """What an error code becomes.

    ``make`` gets what the call was about and the code's parameters.
    """

    make: Make
    changed_nothing: bool = True
    """xapi raises this before it changes anything, or undoes it."""


_RESOURCES: Final = {
    "VDI": Resource.DISK,
    "VBD": Resource.DISK,
    "VIF": Resource.NIC,
    "network": Resource.NETWORK,
    "SR": Resource.STORAGE,
}


def _gone(about: str, parameters: Sequence[str]) -> VirtError:
    kind = parameters[0] if parameters else "VM"
    resource = _RESOURCES.get(kind, Resource.VM)
    return NotFound(f"{about}: a {kind} is gone", resource=resource, name=about)


def _busy(about: str, parameters: Sequence[str]) -> VirtError:
    return Busy(f"{about}: another operation is in the way", remedy="repeat it later")


def _too_little(resource: Resource, remedy: str) -> Make:
    return lambda about, parameters: InsufficientResources(
        f"{about}: the host has too little {resource.value}", resource=resource, remedy=remedy
    )


def _memory(about: str, parameters: Sequence[str]) -> VirtError:
    needed, available = (
        (int(parameters[0]), int(parameters[1])) if len(parameters) > 1 else (None, None)
    )
    return InsufficientResources(
        f"{about}: the host has too little memory",
        resource=Resource.MEMORY,
        needed=needed,
        available=available,
        remedy="stop other VMs, or use a smaller one",
    )


def _denied(about: str, parameters: Sequence[str]) -> VirtError:
    return AccessDenied(
        "the pool refused access", remedy="check the options username and password, and the role"
    )


def _away(about: str, parameters: Sequence[str]) -> VirtError:
    return HostUnreachable(
        "the pool does not answer", remedy="check that the host runs and the option url"
    )


def _no_drivers(about: str, parameters: Sequence[str]) -> VirtError:
    return InvalidState(
        f"{about}: its running guest has no Xen drivers for this",
        state=PowerState.RUNNING.value,
        remedy="stop the VM first, or install the drivers in the guest",
    )


def _unsupported(about: str, parameters: Sequence[str]) -> VirtError:
    return Unsupported(f"{about}: this pool cannot do that")


def _no_host(about: str, parameters: Sequence[str]) -> VirtError:
    return InsufficientResources(
        f"{about}: the host takes no VMs, or none takes them in its place",
        resource=Resource.HOST,
        remedy="let the host leave maintenance, or use another one",
    )


def _volume_away(about: str, parameters: Sequence[str]) -> VirtError:
    return PeerUnreachable(
        f"{about}: the storage of a disk is not to be reached",
        resource=Resource.VOLUME,
        name=about,
        remedy="check the storage, then repeat it",
    )


def _destination_away(about: str, parameters: Sequence[str]) -> VirtError:
    return PeerUnreachable(
        f"{about}: the destination does not answer any more",
        resource=Resource.DESTINATION,
        name=about,
        remedy="repeat it when the destination is back",
    )


def _conflict(about: str, parameters: Sequence[str]) -> VirtError:
    return Conflict(f"{about} is in use", resource=Resource.DISK, name=about)


_STORAGE: Final = _too_little(
    Resource.STORAGE, "free some space, or use a larger storage repository"
)

TABLE: Final[dict[str, Row]] = {
    "SESSION_AUTHENTICATION_FAILED": Row(_denied),
    "RBAC_PERMISSION_DENIED": Row(_denied),
    "PERMISSION_DENIED": Row(_denied),
    "SESSION_INVALID": Row(_away),
    "HOST_IS_SLAVE": Row(_away),
    "HOST_STILL_BOOTING": Row(_away),
    "HOST_IN_EMERGENCY_MODE": Row(_away),
    "HOST_OFFLINE": Row(_away),
    "HOST_NOT_LIVE": Row(_away),
    "CANNOT_CONTACT_HOST": Row(_away, changed_nothing=False),
    "HANDLE_INVALID": Row(_gone),
    "UUID_INVALID": Row(_gone),
    "OBJECT_NOLONGER_EXISTS": Row(_gone),
    "OTHER_OPERATION_IN_PROGRESS": Row(_busy),
    "VM_BAD_POWER_STATE": Row(_busy),
    "OPERATION_NOT_ALLOWED": Row(_busy),
    "OPERATION_BLOCKED": Row(_busy),
    "TOO_BUSY": Row(_busy),
    "HOST_DISABLED": Row(_no_host),
    "HOST_IN_USE": Row(_busy),
    "CANNOT_EVACUATE_HOST": Row(_no_host),
    "VM_REQUIRES_SR": Row(_volume_away),
    "SR_NOT_ATTACHED": Row(_volume_away),
    "SR_HAS_NO_PBDS": Row(_volume_away),
    "SR_BACKEND_FAILURE_46": Row(_volume_away),
    "SR_BACKEND_FAILURE_68": Row(_volume_away),
    "SR_BACKEND_FAILURE_141": Row(_volume_away),
    "VM_REQUIRES_NETWORK": Row(_no_host),
    "VM_NO_SUSPEND_SR": Row(_STORAGE),
    "DEVICE_ALREADY_ATTACHED": Row(_busy),
    "DEVICE_ALREADY_DETACHED": Row(_busy),
    "DEVICE_ALREADY_EXISTS": Row(_busy),
    "DEVICE_DETACH_REJECTED": Row(_busy),
    "DEVICE_DETACH_TIMEOUT": Row(_busy),
    "TASK_CANCELLED": Row(_busy, changed_nothing=False),
    "MIRROR_FAILED": Row(_destination_away),
    "TLS_CONNECTION_FAILED": Row(_destination_away),
    "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED": Row(_destination_away),
    "VM_MIGRATE_FAILED": Row(_destination_away),
    "SR_DOES_NOT_SUPPORT_MIGRATION": Row(_unsupported),
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE": Row(_unsupported),
    "VM_INCOMPATIBLE_WITH_THIS_HOST": Row(_unsupported),
    "TOO_MANY_STORAGE_MIGRATES": Row(_busy),
    "VDI_IN_USE": Row(_conflict),
    "VM_MISSING_PV_DRIVERS": Row(_no_drivers),
    "VM_OLD_PV_DRIVERS": Row(_no_drivers),
    "VM_LACKS_FEATURE": Row(_no_drivers),
    "HOST_NOT_ENOUGH_FREE_MEMORY": Row(_memory),
    "NO_HOSTS_AVAILABLE": Row(_memory),
    "SR_FULL": Row(_STORAGE),
    "OUT_OF_SPACE": Row(_STORAGE),
    "SR_BACKEND_FAILURE_44": Row(_STORAGE),
    "LICENCE_RESTRICTION": Row(_unsupported),
    "FEATURE_RESTRICTED": Row(_unsupported),
    "SR_OPERATION_NOT_SUPPORTED": Row(_unsupported),
    "MESSAGE_METHOD_UNKNOWN": Row(_unsupported),
    "MESSAGE_REMOVED": Row(_unsupported),
    "VM_HVM_REQUIRED": Row(_unsupported),
}


def contract_error(error: BaseException, *, about: str, changing: bool) -> VirtError:
    """Translate an error; chain it with ``raise … from``.

    Args:
        error: any of ``CAUGHT``.
        about: what the call was about, for people.
        changing: whether the call may have changed something on the pool.
    """
    if isinstance(error, XenAPI.Failure):
        code, *parameters = [str(part) for part in error.details] or [""]
        row = TABLE.get(code) or Row(_unknown(code), changed_nothing=False)
        # The parameter of SESSION_INVALID is the session, which lets in whoever has it.
        told = [] if code == "SESSION_INVALID" else parameters
        made, detail = row.make(about, parameters), " ".join([code, *told])
        changing = changing and not row.changed_nothing
    elif certificate_refused(error):
        made, detail, changing = _untrusted(), str(error), False
    elif isinstance(error, xmlrpc.client.Error | ExpatError):
        made, detail = BackendError(f"{about}: the answer is not to be understood"), str(error)
    else:
        made, detail = _away(about, ()), f"{type(error).__name__}: {error}"
        changing = changing and not _never_sent(error)
    made.detail = detail
    made.may_have_been_done = changing
    return made


def _unknown(code: str) -> Make:
    return lambda about, parameters: BackendError(f"{about}: xapi failed with {code}")


def _untrusted() -> VirtError:
    return AccessDenied(
        "the host's certificate is not trusted",
        remedy="name the certificate, or the authority that signed it, in the option ca_file, and "
        "in the option url the host as the certificate names it",
    )


def _never_sent(error: BaseException) -> bool:
    """Whether there was no connection to send anything over."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
