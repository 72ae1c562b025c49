"""The one table from libvirt's errors to the contract's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import libvirt
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
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
from nova_virt_interface.values.power import PowerState

__all__ = ["TABLE", "Row", "contract_error", "is_code"]

Make = Callable[[str], VirtError]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Which error of libvirt becomes which of the contract.

    A column that is None fits anything. ``text`` tells errors apart to which libvirt gives one
    code; it is English, as libvirtd's messages are under the C locale.
    """

    code: int | None = None
    domain: int | None = None
    text: str | None = None
    make: Make
    """Makes the error about what the call was about."""
    changed_nothing: bool = True
    """libvirt raises this before it changes anything, or undoes it."""

    def fits(self, code: int, domain: int, text: str) -> bool:
        """Whether this row is about such an error."""
        return (
            self.code in (None, code)
            and self.domain in (None, domain)
            and (self.text or "") in text
        )


def _not_found(resource: Resource) -> Make:
    return lambda about: NotFound(
        f"there is no {resource.value} {about}", resource=resource, name=about
    )


def _conflict(resource: Resource) -> Make:
    return lambda about: Conflict(
        f"{resource.value} {about} exists already", resource=resource, name=about
    )


def _too_little(resource: Resource, remedy: str) -> Make:
    return lambda about: InsufficientResources(
        f"the host has too little {resource.value} for {about}", resource=resource, remedy=remedy
    )


def _busy(about: str) -> VirtError:
    return Busy(f"another operation holds {about}", remedy="repeat it later")


def _unsupported(about: str) -> VirtError:
    return Unsupported(f"this host cannot do that with {about}")


def _denied(about: str) -> VirtError:
    return AccessDenied(
        "libvirt refused access", remedy="check libvirt's client credentials and its polkit rules"
    )


def _unreachable(about: str) -> VirtError:
    return HostUnreachable(
        "libvirtd does not answer", remedy="check that libvirtd runs on the host and the uri option"
    )


def _invalid_state(about: str) -> VirtError:
    return InvalidState(f"{about} is in no state for this", state=PowerState.UNKNOWN.value)


def _volume_away(about: str) -> VirtError:
    return PeerUnreachable(
        f"the host cannot reach a volume of {about}",
        resource=Resource.VOLUME,
        name=about,
        remedy="see that the volume exists and its server is up, then repeat",
    )


def _wrong_secret(about: str) -> VirtError:
    return InvalidRequest(
        f"a secret of {about} does not open its device",
        remedy="send the right one",
        field="secrets",
    )


def _no_such_driver(about: str) -> VirtError:
    return Unsupported(
        f"QEMU on this host does not know the protocol of {about}",
        remedy="install QEMU's block drivers (Debian: qemu-block-extra)",
        field="connection",
    )


def _no_pool(about: str) -> VirtError:
    return BackendError(
        "the driver's storage pool is gone", remedy="reconnect, which makes it anew"
    )


_FREE_STORAGE = _too_little(Resource.STORAGE, "free some space, or use a larger storage_path")
_FREE_MEMORY = _too_little(Resource.MEMORY, "stop other VMs, or use a smaller one")

TABLE: tuple[Row, ...] = (
    Row(code=libvirt.VIR_ERR_NO_DOMAIN, make=_not_found(Resource.VM)),
    Row(code=libvirt.VIR_ERR_NO_NETWORK, make=_not_found(Resource.NETWORK)),
    Row(code=libvirt.VIR_ERR_NO_STORAGE_VOL, make=_not_found(Resource.DISK)),
    Row(code=libvirt.VIR_ERR_NO_STORAGE_POOL, make=_no_pool),
    Row(code=libvirt.VIR_ERR_STORAGE_VOL_EXIST, make=_conflict(Resource.DISK)),
    Row(code=libvirt.VIR_ERR_DOM_EXIST, make=_conflict(Resource.VM)),
    Row(
        code=libvirt.VIR_ERR_OPERATION_FAILED,
        text="already exists with uuid",
        make=_conflict(Resource.VM),
    ),
    Row(text="No space left on device", make=_FREE_STORAGE),
    Row(text="Not enough free space in pool", make=_FREE_STORAGE),
    Row(text="Cannot allocate memory", make=_FREE_MEMORY),
    Row(text="Invalid password, cannot unlock", make=_wrong_secret),
    Row(text="Authentication failure", make=_wrong_secret),
    Row(text="Unknown protocol", make=_no_such_driver),
    Row(text="Cannot access storage file", make=_volume_away),
    Row(text="iSCSI: Failed to connect", make=_volume_away),
    Row(text="Failed to connect to", make=_volume_away),
    Row(text="Could not open '", make=_volume_away),
    Row(code=libvirt.VIR_ERR_OPERATION_TIMEOUT, make=_busy),
    Row(code=libvirt.VIR_ERR_RESOURCE_BUSY, make=_busy),
    Row(text="has asynchronous jobs running", make=_busy),
    Row(text="is still in use", make=_busy),
    Row(text="is still being allocated", make=_busy),
    Row(code=libvirt.VIR_ERR_OPERATION_INVALID, make=_invalid_state),
    Row(code=libvirt.VIR_ERR_OPERATION_UNSUPPORTED, make=_unsupported),
    Row(code=libvirt.VIR_ERR_CONFIG_UNSUPPORTED, make=_unsupported),
    Row(code=libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, make=_unsupported),
    Row(code=libvirt.VIR_ERR_NO_SUPPORT, make=_unsupported),
    Row(code=libvirt.VIR_ERR_AUTH_FAILED, make=_denied),
    Row(code=libvirt.VIR_ERR_AUTH_CANCELLED, make=_denied),
    Row(code=libvirt.VIR_ERR_AUTH_UNAVAILABLE, make=_denied),
    Row(code=libvirt.VIR_ERR_ACCESS_DENIED, make=_denied),
    Row(code=libvirt.VIR_ERR_OPERATION_DENIED, make=_denied),
    Row(code=libvirt.VIR_ERR_NO_CONNECT, make=_unreachable),
    Row(code=libvirt.VIR_ERR_RPC, make=_unreachable, changed_nothing=False),
    Row(domain=libvirt.VIR_FROM_RPC, make=_unreachable, changed_nothing=False),
)


def is_code(error: libvirt.libvirtError, *codes: int) -> bool:
    """Whether the error has one of libvirt's codes."""
    return error.get_error_code() in codes


def contract_error(
    error: libvirt.libvirtError, *, about: str, changing: bool, connected: bool
) -> VirtError:
    """Translate an error of libvirt; chain it with ``raise … from``.

    Args:
        error: libvirt's.
        about: what the call was about, for people.
        changing: whether the call may have changed something on the host.
        connected: whether the connection is still good; when it is not, nothing is known about the
            outcome.
    """
    code, domain = error.get_error_code() or 0, error.get_error_domain() or 0
    text = str(error)
    if connected:
        row = next((row for row in TABLE if row.fits(code, domain, text)), None)
    else:
        row = Row(make=_unreachable, changed_nothing=False)
    if row is None:
        row = Row(
            make=lambda about: BackendError(f"libvirt failed at {about}"), changed_nothing=False
        )
    made = row.make(about or "the host")
    made.detail = f"libvirt error {code} of domain {domain}: {text.strip()}"
    made.may_have_been_done = changing and not row.changed_nothing
    return made
