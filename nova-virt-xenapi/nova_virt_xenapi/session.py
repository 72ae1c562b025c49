"""The connection to a pool: stays logged in, repeats what was refused, and translates errors."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import requests
import XenAPI
from nova_virt_interface import rollback
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import HostUnreachable, NotFound, VirtError

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.errors import CAUGHT, contract_error
from nova_virt_xenapi.login import Login, Logins, with_host

__all__ = ["Session", "Watcher", "attempt", "undone_by"]

_log = logging.getLogger(__name__)

Content = TypeVar("Content")

_READS: Final = re.compile(
    r"(\w+\.(get_\w+|compute_\w+|assert_\w+|migrate_receive)|event\.\w+|session\.\w+|GET .*)"
)
# A session may end while it is being renewed; more often than this is no chance.
_MOST_RENEWALS: Final = 3
_CLOSE_SECONDS: Final = 5.0


@dataclass
class _Operation:
    about: str
    changed: bool = False


_operation: ContextVar[_Operation | None] = ContextVar("xenapi_operation", default=None)


class Watcher(Protocol):
    """Who wants to know what the driver's own calls change."""

    def wrote(self, method: str, arguments: Sequence[Any], result: Any) -> None:
        """A call succeeded that changes something."""

    def doubt(self) -> None:
        """A call failed that may have changed something, or found that something had gone."""


class Session:
    """One login, used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._logins = Logins(settings)
        self._lock = threading.RLock()
        self._login: Login | None = None
        self.logins = 0
        """How often it has logged in."""
        self._watcher: Watcher | None = None
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

    def call(
        self, method: str, *arguments: Any, seconds: float | None = None, renews: bool = True
    ) -> Any:
        """Send a message, with the session's reference before the arguments.

        Args:
            method: a class and its message.
            *arguments: of the message.
            seconds: how long the answer may take; None: the time of the settings.
            renews: send it once more, after a new login, if the session has ended.
        """
        result = self._with_login(
            method,
            lambda login: self._logins.ask(
                login.address, method, login.handle, *arguments, seconds=seconds
            ),
            renews=renews,
        )
        # What a task changes is seen when it is over.
        if self._watcher is not None and not _READS.fullmatch(method) and "Async." not in method:
            self._watcher.wrote(method, arguments, result)
        return result

    def watch(self, watcher: Watcher) -> None:
        """Tell of all changes from now on."""
        self._watcher = watcher

    def put(self, path: str, query: dict[str, str], body: Any, *, host: str) -> None:
        """Send a body of known length to one of a host's HTTP handlers."""

        def send(login: Login) -> None:
            response = self._logins.http.put(
                f"{with_host(login.address, host)}{path}",
                params={**query, "session_id": login.handle},
                data=body,
                timeout=self._logins.timeout(None),
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
        host: str,
    ) -> Content:
        """Ask one of a host's HTTP handlers, and return what ``consume`` makes of its answer.

        Args:
            path: of the handler.
            query: without the session.
            consume: reads the answer, whose status is good; what it raises leaves as it is.
            host: its address. Another one would redirect to one that reaches the storage.
        """

        def send(login: Login) -> Content:
            with self._logins.http.get(
                f"{with_host(login.address, host)}{path}",
                params={**query, "session_id": login.handle},
                timeout=self._logins.timeout(None),
                allow_redirects=False,
                # xapi answers one request of this kind for each connection.
                headers={"Connection": "close"},
                stream=True,
            ) as response:
                if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
                    raise XenAPI.Failure(["SESSION_INVALID"])
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
                self._logins.ask(login.address, "session.logout", handle)
            except XenAPI.Failure as failure:
                _log.info("a session was gone already: %s", failure.details[0])
            except (VirtError, *CAUGHT):
                with self._lock:
                    self._unended.append(handle)

    def _confirmed(self, login: Login) -> str:
        self._logins.ask(login.address, "session.get_uuid", login.handle, login.handle)
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
                self._logins.ask(
                    login.address, "session.logout", login.handle, seconds=_CLOSE_SECONDS
                )
        self._logins.http.close()

    def log_in(self) -> int:
        """Log in, unless it is logged in; returns how often it has logged in."""
        self._with_login("session.login_with_password", lambda login: None)
        return self.logins

    def _with_login(self, method: str, send: Callable[[Login], Any], *, renews: bool = True) -> Any:
        operation = _operation.get() or _Operation(method)
        changing = _READS.fullmatch(method) is None
        try:
            for _ in range(_MOST_RENEWALS):
                login = self._logged_in()
                try:
                    result = send(login)
                except XenAPI.Failure as failure:
                    if not (self._lost_login(login, failure) and renews):
                        raise
                else:
                    operation.changed |= changing
                    return result
        except CAUGHT as error:
            made = contract_error(error, about=operation.about, changing=changing)
            if self._watcher is not None and (
                made.may_have_been_done or isinstance(made, NotFound)
            ):
                self._watcher.doubt()
            raise made from error
        raise HostUnreachable("the pool ends every session at once", remedy="repeat it later")

    def _lost_login(self, login: Login, failure: XenAPI.Failure) -> bool:
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

    def _logged_in(self) -> Login:
        with self._lock:
            self.require_open()
            if self._login is None:
                self._login = self._logins.log_in()
                self.logins += 1
            return self._login


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
