"""The connection to a pool: logs in, stays logged in, finds the master, and translates errors."""

from __future__ import annotations

import logging
import re
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
import XenAPI
from nova_virt_interface import rollback
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import HostUnreachable, VirtError
from requests.adapters import HTTPAdapter

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.errors import CAUGHT, contract_error
from nova_virt_xenapi.transport import Transport

__all__ = ["Session", "attempt", "undone_by"]

_log = logging.getLogger(__name__)

Content = TypeVar("Content")

_READS: Final = re.compile(
    r"(\w+\.(get_\w+|compute_\w+|assert_\w+|migrate_receive)|event\.from|session\.\w+|GET .*)"
)
_ORIGINATOR: Final = "nova-virt-xenapi"
# A pool elects its master anew at times; more hops than this are a circle.
_MOST_HOPS: Final = 3
_CONNECTIONS: Final = 32
_CLOSE_SECONDS: Final = 5.0


@dataclass
class _Operation:
    about: str
    changed: bool = False


_operation: ContextVar[_Operation | None] = ContextVar("xenapi_operation", default=None)


@dataclass(frozen=True)
class _Login:
    address: str
    """``https://host:port`` of the master."""
    handle: str


class Session:
    """One login, used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = requests.Session()
        # Neither proxies nor credentials of the machine have to do with the pool.
        self._http.trust_env = False
        self._http.verify = settings.ca_file or True
        self._http.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
        self._lock = threading.RLock()
        self._login: _Login | None = None
        self._closed = False
        self._unended: list[str] = []

    @contextmanager
    def operation(self, about: str) -> Iterator[None]:
        """A block of calls that belong together.

        An error that leaves it says whether any of them changed something.
        """
        operation = _Operation(about)
        token = _operation.set(operation)
        try:
            current_call().check()
            yield
        except VirtError as error:
            error.may_have_been_done |= operation.changed
            raise
        finally:
            _operation.reset(token)

    def call(self, method: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Send a message, with the session's reference before the arguments.

        The answer may take ``seconds``, or the time of the settings.
        """
        return self._with_login(
            method,
            lambda login: self._ask(
                login.address, method, login.handle, *arguments, seconds=seconds
            ),
        )

    def put(self, path: str, query: dict[str, str], body: Any, *, host: str = "") -> None:
        """Send a body of known length to one of xapi's HTTP handlers; ``host`` as in `get`."""

        def send(login: _Login) -> None:
            address = _with_host(login.address, host) if host else login.address
            response = self._http.put(
                f"{address}{path}",
                params={**query, "session_id": login.handle},
                data=body,
                timeout=self._timeout(None),
                allow_redirects=False,
            )
            if response.status_code != requests.codes.ok:
                raise requests.HTTPError(f"PUT {path} was answered by {response.status_code}")

        self._with_login(f"PUT {path}", send)

    def get(
        self,
        path: str,
        query: dict[str, str],
        consume: Callable[[requests.Response], Content],
        *,
        host: str = "",
    ) -> Content:
        """Ask one of xapi's HTTP handlers, and return what ``consume`` makes of its answer.

        Args:
            path: of the handler.
            query: without the session.
            consume: reads the answer, whose status is good; what it raises leaves as it is.
            host: address of the host to ask; empty for the master.
        """

        def send(login: _Login) -> Content:
            address = _with_host(login.address, host) if host else login.address
            with self._http.get(
                f"{address}{path}",
                params={**query, "session_id": login.handle},
                timeout=self._timeout(None),
                allow_redirects=False,
                # xapi answers one request of this kind for each connection.
                headers={"Connection": "close"},
                stream=True,
            ) as response:
                if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
                    raise XenAPI.Failure(["SESSION_INVALID", "the session of the login"])
                if response.status_code != requests.codes.ok:
                    raise requests.HTTPError(f"GET {path} was answered by {response.status_code}")
                return consume(response)

        found: Content = self._with_login(f"GET {path}", send)
        return found

    def handle(self) -> str:
        """The session's reference, which is as good as the password; it was good a moment ago."""
        handle: str = self._with_login("session.get_uuid", self._confirmed)
        return handle

    def end(self, handle: str) -> None:
        """Log another session out, now or, if the pool does not answer, at the next `tidy`."""
        with self._lock:
            self._unended.append(handle)
        self.tidy()

    def tidy(self) -> None:
        """Log out what could not be logged out before."""
        with self._lock:
            handles, self._unended = self._unended, []
        for handle in handles:
            try:
                login = self._logged_in()
                self._ask(login.address, "session.logout", handle)
            except XenAPI.Failure as failure:
                _log.info("a session was gone already: %s", failure.details[0])
            except (VirtError, *CAUGHT):
                with self._lock:
                    self._unended.append(handle)

    def _confirmed(self, login: _Login) -> str:
        self._ask(login.address, "session.get_uuid", login.handle, login.handle)
        return login.handle

    def require_open(self) -> None:
        """Raise HostUnreachable if the session was closed."""
        if self._closed:
            raise HostUnreachable("this connection was closed", remedy="connect again")

    def close(self) -> None:
        """Log out; what is under way fails. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            login, self._login = self._login, None
        if login is not None:
            # A pool that is away forgets the session by itself.
            with suppress(*CAUGHT):
                self._ask(login.address, "session.logout", login.handle, seconds=_CLOSE_SECONDS)
        self._http.close()

    def _with_login(self, method: str, send: Callable[[_Login], Any]) -> Any:
        operation = _operation.get() or _Operation(method)
        changing = _READS.fullmatch(method) is None
        try:
            for _ in range(_MOST_HOPS):
                login = self._logged_in()
                try:
                    result = send(login)
                except XenAPI.Failure as failure:
                    if not self._lost_login(login, failure):
                        raise
                else:
                    operation.changed |= changing
                    return result
        except CAUGHT as error:
            raise contract_error(error, about=operation.about, changing=changing) from error
        raise HostUnreachable("the pool ends every session at once", remedy="repeat it later")

    def _lost_login(self, login: _Login, failure: XenAPI.Failure) -> bool:
        """Whether the pool refused for want of a login, with nothing done."""
        code, *parameters = failure.details
        # Another pool's session may be among the arguments.
        is_other = code == "SESSION_INVALID" and parameters not in ([], [login.handle])
        if is_other or code not in ("SESSION_INVALID", "HOST_IS_SLAVE"):
            return False
        with self._lock:
            if self._login == login:
                self._login = None
        return True

    def _logged_in(self) -> _Login:
        with self._lock:
            self.require_open()
            if self._login is None:
                self._login = self._log_in()
            return self._login

    def _log_in(self) -> _Login:
        address = self._settings.url.rstrip("/")
        credentials = (self._settings.username, self._settings.password)
        for _ in range(_MOST_HOPS):
            try:
                handle = self._ask(
                    address, "session.login_with_password", *credentials, "1.0", _ORIGINATOR
                )
            except XenAPI.Failure as failure:
                if failure.details[0] != "HOST_IS_SLAVE":
                    raise
                address = _with_host(address, failure.details[1])
            else:
                _log.info("logged in at %s", address)
                return _Login(address, handle)
        raise HostUnreachable(
            "the pool's hosts name each other as master", remedy="check the pool's state"
        )

    def _ask(self, address: str, method: str, *arguments: Any, seconds: float | None = None) -> Any:
        transport = Transport(self._http, self._timeout(seconds))
        proxy = XenAPI.Session(address, transport=transport)
        answer = getattr(proxy, method)(*arguments)
        if not isinstance(answer, dict) or "Status" not in answer:
            raise xmlrpc.client.ResponseError("the answer has no Status")
        if answer["Status"] != "Success":
            raise XenAPI.Failure(answer.get("ErrorDescription") or ["INTERNAL_ERROR"])
        return answer["Value"]

    def _timeout(self, seconds: float | None) -> tuple[float, float]:
        settings = self._settings
        return settings.connect_timeout_seconds, seconds or settings.call_timeout_seconds


def _with_host(address: str, host: str) -> str:
    parts = urlsplit(address)
    name = f"[{host}]" if ":" in host else host
    return f"https://{name}" + (f":{parts.port}" if parts.port else "")


@contextmanager
def attempt() -> Iterator[None]:
    """A block whose error knows by itself whether the block changed anything: what was sent in it
    does not count.
    """
    operation = _operation.get() or _Operation("")
    before = operation.changed
    try:
        yield
    except VirtError as error:
        operation.changed = before or error.may_have_been_done
        raise


@contextmanager
def undone_by(undo: Callable[[], None]) -> Iterator[None]:
    """As `rollback.undone_by`; the operation in force goes on as its error says."""
    operation = _operation.get() or _Operation("")
    try:
        with rollback.undone_by(undo):
            yield
    except VirtError as error:
        operation.changed = error.may_have_been_done
        raise
