"""Consoles that a person connects to: QEMU's own VNC, SPICE and serial servers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import libvirt
import libvirt_qemu
from nova_virt_interface.errors import BackendError
from nova_virt_interface.offers import check_offered
from nova_virt_interface.secret import Secret
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.console import Console, ConsoleKind, OpenConsoleRequest

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.consoles_xml import new_password, read_screen, screen_xml
from nova_virt_libvirt.domains import Domains, domain_state
from nova_virt_libvirt.session import Session

__all__ = ["Screens"]

_VALID_SECONDS = 600
_TIME = "%Y-%m-%dT%H:%M:%S"
_SERIAL = "charserial0"
_LISTENS = re.compile(r"tcp:(\[[^\]]+\]|[^:]+):(\d+)")
_QUESTION = json.dumps({"execute": "query-chardev"})


class Screens:
    """The consoles of one backend's VMs."""

    def __init__(self, session: Session, domains: Domains, host: Capabilities) -> None:
        self._session = session
        self._domains = domains
        self._host = host

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`."""
        with self._session.use(about=f"a console of VM {vm_uuid}", changing=True) as connection:
            domain = self._domains.ours(connection, vm_uuid)[0]
            check_offered(request.kind, self._host.description.console_kinds, "kind")
            require_state(vm_uuid, domain_state(domain), *ON)
            if request.kind is ConsoleKind.SERIAL:
                return _serial(domain, vm_uuid)
            return _screen(domain, vm_uuid, request.kind)


def _screen(domain: Any, vm_uuid: UUID, kind: ConsoleKind) -> Console:
    screen = read_screen(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE), kind)
    if screen is None:
        raise _missing(vm_uuid, kind)
    now = datetime.now(UTC)
    # QEMU knows one password at a time: who got it before must not be locked out.
    is_good = screen.valid_to > now.strftime(_TIME)
    password = screen.password if is_good else new_password()
    until = (now + timedelta(seconds=_VALID_SECONDS)).strftime(_TIME)
    text = screen_xml(screen, password, until)
    domain.updateDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    return Console(
        kind=kind,
        host=screen.host,
        port=screen.port,
        secret=Secret(password),
        valid_seconds=_VALID_SECONDS,
    )


def _serial(domain: Any, vm_uuid: UUID) -> Console:
    # libvirt does not say which port QEMU got from the kernel.
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, _QUESTION, 0))
    for device in answer["return"]:
        found = _LISTENS.search(device["filename"])
        if device["label"] == _SERIAL and found:
            host = found[1].strip("[]")
            return Console(kind=ConsoleKind.SERIAL, host=host, port=int(found[2]))
    raise _missing(vm_uuid, ConsoleKind.SERIAL)


def _missing(vm_uuid: UUID, kind: ConsoleKind) -> BackendError:
    return BackendError(
        f"VM {vm_uuid} was made without a {kind.value} console",
        remedy="make the VM anew, or open a console of another kind",
    )
