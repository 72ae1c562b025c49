"""Logging in at a pool: finds the master, and knows its answers from noise."""

from __future__ import annotations

import logging
import socket
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import XenAPI
from nova_virt_interface.errors import HostUnreachable
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.transport import Transport

__all__ = ["Login", "Logins", "with_host"]

_log = logging.getLogger(__name__)

_ORIGINATOR: Final = "nova-virt-xenapi"
# A pool elects its master anew at times; more hops than this are a circle.
_MOST_HOPS: Final = 3
_CONNECTIONS: Final = 32
# A host that has fallen silent is noticed after 5 + 3 * 5 seconds, also by who waits for an answer.
_KEEP_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """See `HTTPAdapter`."""
        options = [*HTTPConnection.default_socket_options, *_KEEP_ALIVE]
        super().init_poolmanager(*arguments, socket_options=options, **more)


@dataclass(frozen=True)
class Login:
    """A session of xapi."""

    address: str
    """``https://host:port`` of the master."""
    handle: str


class Logins:
    """Speaks to the pool, and logs in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.http = requests.Session()
        # Neither proxies nor credentials of the machine have to do with the pool.
        self.http.trust_env = False
        self.http.verify = settings.ca_file or True
        self.http.mount("https://", _Adapter(pool_maxsize=_CONNECTIONS, max_retries=0))

    def log_in(self) -> Login:
        """Log in at the master; raises HostUnreachable if there is none to be found."""
        address = self._settings.url.rstrip("/")
        credentials = (self._settings.username, self._settings.password)
        for _ in range(_MOST_HOPS):
            try:
                handle = self.ask(
                    address, "session.login_with_password", *credentials, "1.0", _ORIGINATOR
                )
            except XenAPI.Failure as failure:
                if failure.details[0] != "HOST_IS_SLAVE":
                    raise
                address = with_host(address, failure.details[1])
            else:
                _log.info("logged in at %s", address)
                return Login(address, handle)
        raise HostUnreachable(
            "the pool's hosts name each other as master", remedy="check the pool's state"
        )

    def ask(self, address: str, method: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Send a message to one host; raises what `CAUGHT` names."""
        transport = Transport(self.http, self.timeout(seconds))
        proxy = XenAPI.Session(address, transport=transport)
        answer = getattr(proxy, method)(*arguments)
        if not isinstance(answer, dict) or "Status" not in answer:
            raise xmlrpc.client.ResponseError("the answer has no Status")
        if answer["Status"] != "Success":
            raise XenAPI.Failure(answer.get("ErrorDescription") or ["INTERNAL_ERROR"])
        return answer["Value"]

    def timeout(self, seconds: float | None) -> tuple[float, float]:
        """How long connecting and answering may take."""
        settings = self._settings
        return settings.connect_timeout_seconds, seconds or settings.call_timeout_seconds


def with_host(address: str, host: str) -> str:
    """An address of another host on the same port."""
    parts = urlsplit(address)
    name = f"[{host}]" if ":" in host else host
    return f"https://{name}" + (f":{parts.port}" if parts.port else "")
