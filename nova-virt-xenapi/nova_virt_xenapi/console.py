"""Consoles of VMs, behind xapi's HTTP handler."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.errors import InvalidState
from nova_virt_interface.secret import Secret
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.console import Console, OpenConsoleRequest

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.translate import power_state

__all__ = ["Consoles"]

_HTTPS = 443


class Consoles:
    """Consoles of one owner's VMs.

    What lets one in is a session of xapi. It is another one than the driver's own, so that it can
    be ended alone; but it may do all that the driver's user may.
    """

    def __init__(
        self, session: Session, cache: Cache, records: Records, pool: Pool, settings: Settings
    ) -> None:
        self._session = session
        self._cache = cache
        self._records = records
        self._pool = pool
        self._port = urlsplit(settings.url).port or _HTTPS
        self._given = Session(settings)

    def open_console(self, vm_uuid: UUID, request: OpenConsoleRequest) -> Console:
        """See `IConsole.open_console`."""
        offers.check_offered(request.kind, self._pool.description.console_kinds, "kind")
        with self._session.operation(f"console of VM {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            state = power_state(vm.record["power_state"])
            require_state(vm_uuid, state, *ON)
            for console in self._cache.rows("console").values():
                if console["VM"] == vm.ref and console["protocol"] == "rfb":
                    place = urlsplit(console["location"])
                    return Console(
                        kind=request.kind,
                        host=place.hostname or self._pool.host_address,
                        port=place.port or self._port,
                        tls=True,
                        path=f"{place.path}?{place.query}",
                        secret=Secret(self._given.handle()),
                    )
            raise InvalidState(
                f"VM {vm_uuid} has no screen yet", remedy="repeat it later", state=state.value
            )

    def close(self) -> None:
        """End what was given out. Idempotent."""
        self._given.close()
