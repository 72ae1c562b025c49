"""The one table: error of the vSphere API, of HTTP or of the socket → contract error."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Any
from xml.parsers.expat import ExpatError

from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    Cancelled,
    Conflict,
    HostUnreachable,
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
from pyVmomi import vim, vmodl

__all__ = ["CUT", "FileRefused", "to_contract"]

CUT = (OSError, http.client.HTTPException, ExpatError)
"""What a request ends in when no answer came, or half of one; `requests`' errors are OSErrors."""

_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
_FREE = "free some, or use another compute node"


class FileRefused(Exception):
    """The datastore's folder access answered with an HTTP status of 400 or above."""

    def __init__(self, path: str, status: int) -> None:
        super().__init__(f"HTTP status {status} for {path}")
        self.status = status


_Make = Callable[[str, str], VirtError]


def _says(kind: type[VirtError], problem: str, **fields: Any) -> _Make:
    return lambda about, text: kind(f"{about}: {problem}", detail=text, **fields)


def _lacks(resource: Resource) -> _Make:
    problem = f"there is too little {resource.value}"
    return _says(InsufficientResources, problem, remedy=_FREE, resource=resource)


def _wrong(field: str) -> _Make:
    problem = f"the server does not take the {field}"
    return _says(InvalidRequest, problem, remedy="correct it", field=field)


def _missing(resource: Resource) -> _Make:
    return lambda about, text: NotFound(
        f"{about}: it does not exist", detail=text, resource=resource, name=about
    )


def _exists(about: str, text: str) -> VirtError:
    return Conflict(f"{about}: it exists already", detail=text, resource=Resource.VM, name=about)


_maintenance = _says(
    InsufficientResources,
    "the host is in maintenance, or on the way",
    remedy="bring it back, or use another one",
    resource=Resource.HOST,
)
_no_tools = _says(
    PeerUnreachable,
    "VMware Tools in the guest do not answer",
    remedy="start them in the guest",
    resource=Resource.GUEST_AGENT,
)
_no_storage = _says(
    PeerUnreachable,
    "a host does not reach the datastore",
    remedy="bring it back, then repeat",
    resource=Resource.STORAGE,
)
_busy = _says(Busy, "somebody else's operation is in the way")
_away = _says(HostUnreachable, "the host does not answer", remedy="bring it back, then repeat")
_denied = _says(
    AccessDenied,
    "the user may not do this",
    remedy="check user name, password and the role's privileges",
)
_gone = _missing(Resource.VM)
_unsupported = _says(Unsupported, "this host cannot do it")

_STATES_NAMED = {
    "poweredOn": PowerState.RUNNING,
    "poweredOff": PowerState.STOPPED,
    "suspended": PowerState.SUSPENDED,
}


def _wrong_power(fault: Exception, about: str, text: str) -> VirtError:
    state = _STATES_NAMED.get(str(getattr(fault, "existingState", "")), PowerState.UNKNOWN)
    return InvalidState(
        f"{about}: the VM is {state.value}",
        remedy="look at it again",
        detail=text,
        state=state.value,
    )


# A more special fault comes before the more general one that it is a kind of.
_FAULTS: tuple[tuple[type[Exception], _Make], ...] = (
    (vim.fault.NoDiskSpace, _lacks(Resource.STORAGE)),
    (vim.fault.InsufficientStorageSpace, _lacks(Resource.STORAGE)),
    (vim.fault.FileTooLarge, _lacks(Resource.STORAGE)),
    (vim.fault.InsufficientMemoryResourcesFault, _lacks(Resource.MEMORY)),
    (vim.fault.InsufficientHostMemoryCapacityFault, _lacks(Resource.MEMORY)),
    (vim.fault.InsufficientCpuResourcesFault, _lacks(Resource.CPU)),
    (vim.fault.InsufficientStorageIops, _lacks(Resource.STORAGE)),
    (vim.fault.InsufficientHostCpuCapacityFault, _lacks(Resource.CPU)),
    (vim.fault.InsufficientNetworkCapacity, _lacks(Resource.NETWORK)),
    (vim.fault.InsufficientFailoverResourcesFault, _lacks(Resource.HOST)),
    (vim.fault.InsufficientResourcesFault, _lacks(Resource.MEMORY)),
    (vim.fault.NoCompatibleHost, _lacks(Resource.HOST)),
    (vim.fault.NoHost, _lacks(Resource.HOST)),
    (vim.fault.NoActiveHostInCluster, _lacks(Resource.HOST)),
    (vim.fault.NotEnoughCpus, _lacks(Resource.CPU)),
    (vim.fault.NasConnectionLimitReached, _lacks(Resource.STORAGE)),
    (vim.fault.InvalidLogin, _denied),
    (vim.fault.NoPermission, _denied),
    (vim.fault.RestrictedVersion, _denied),
    (vim.fault.InvalidHostState, _maintenance),
    (vim.fault.InvalidState, _busy),
    (vim.fault.Timedout, _busy),
    (vim.fault.TaskInProgress, _busy),
    (vim.fault.ConcurrentAccess, _busy),
    (vim.fault.ResourceInUse, _busy),
    (vim.fault.FileLocked, _busy),
    (vim.fault.ApplicationQuiesceFault, _no_tools),
    (vim.fault.FilesystemQuiesceFault, _no_tools),
    (vim.fault.ToolsUnavailable, _no_tools),
    (vim.fault.DuplicateName, _exists),
    (vim.fault.AlreadyExists, _exists),
    (vim.fault.FileAlreadyExists, _exists),
    (vim.fault.InaccessibleDatastore, _no_storage),
    (vim.fault.DatastoreNotWritableOnHost, _no_storage),
    (vim.fault.CannotAccessFile, _no_storage),
    (vim.fault.CannotAccessVmDevice, _no_storage),
    (vim.fault.InvalidDatastorePath, _wrong("path")),
    (vim.fault.InvalidDatastore, _missing(Resource.STORAGE)),
    (vim.fault.InvalidName, _wrong("name")),
    (vim.fault.NotFound, _gone),
    (vim.fault.FileNotFound, _gone),
    (vmodl.fault.ManagedObjectNotFound, _gone),
    (vim.fault.DeviceUnsupportedForVmPlatform, _unsupported),
    (vim.fault.UnsupportedGuest, _unsupported),
    (vim.fault.VirtualHardwareCompatibilityIssue, _unsupported),
    (vim.fault.SnapshotIncompatibleDeviceInVm, _unsupported),
    (vim.fault.TooManyDevices, _unsupported),
    (vmodl.fault.NotEnoughLicenses, _unsupported),
    (vmodl.fault.NotSupported, _unsupported),
    (vmodl.fault.RequestCanceled, _says(Cancelled, "cancelled")),
)
_HOST_FAULTS = (vmodl.fault.HostCommunication,)
_STATUSES: dict[int, _Make] = {
    401: _denied,
    403: _denied,
    404: _gone,
    409: _exists,
    503: _away,
    507: _lacks(Resource.STORAGE),
}


def to_contract(error: Exception, about: str, *, changes: bool) -> VirtError:
    """The contract error for what a request ended in; the caller chains it.

    Args:
        error: what pyvmomi, requests or a task raised.
        about: what was being done, to begin the message with.
        changes: whether the request was to change something: without an answer it may have.
    """
    made = _untrusted(error, about) or _from_answer(error, about)
    if made is not None:
        return made
    if isinstance(error, (*CUT, *_HOST_FAULTS)):
        made = _away(about, _words(error))
        made.may_have_been_done = changes and not isinstance(error, _NEVER_SENT)
        return made
    return BackendError(
        f"{about}: the hypervisor failed", detail=_words(error), may_have_been_done=changes
    )


def _from_answer(error: Exception, about: str) -> VirtError | None:
    if isinstance(error, FileRefused):
        make = _STATUSES.get(error.status)
    elif isinstance(error, vim.fault.InvalidPowerState):
        return _wrong_power(error, about, _words(error))
    else:
        make = next((make for kind, make in _FAULTS if isinstance(error, kind)), None)
    return make(about, _words(error)) if make else None


def _untrusted(error: Exception, about: str) -> VirtError | None:
    if certificate_refused(error):
        return AccessDenied(
            f"{about}: the server's certificate is not trusted",
            remedy="name the authority that signed it in option ca_file",
            detail=str(error),
        )
    return None


def _words(error: Exception) -> str:
    kind = type(error).__name__.rpartition(".")[2]
    # The text of a fault is a dump of all its fields.
    text = (error.msg or "") if isinstance(error, vmodl.MethodFault) else str(error)
    return f"{kind}: {text}" if text else kind
