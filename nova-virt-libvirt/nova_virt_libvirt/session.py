"""The connection to libvirt: opens it, keeps it alive, opens it again after a break, and translates
its errors.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import libvirt
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import HostUnreachable, InvalidRequest, VirtError

from nova_virt_libvirt import event_loop
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.errors import contract_error, is_code

__all__ = ["OpenHook", "Session", "is_alive"]

_log = logging.getLogger(__name__)

OpenHook = Callable[[Any], None]


class Session:
    """One connection, from any thread.

    Args:
        settings: of the backend.
        on_lost: told, once for each connection that broke, from any thread and under locks: it must
            only take note.
    """

    def __init__(self, settings: Settings, on_lost: Callable[[], None]) -> None:
        self._settings = settings
        self._on_lost = on_lost
        self._hooks: list[OpenHook] = []
        self._lock = threading.RLock()
        self._lost_lock = threading.Lock()
        self._connection: Any = None
        self._lost = False
        self._closed = False

    def open(self) -> None:
        """Connect for the first time; raises a contract error and leaves nothing open."""
        event_loop.acquire()
        try:
            with self.use():
                _log.info("connected to %s", self._settings.uri)
        except BaseException:
            self.close()
            raise

    def whenever_open(self, hook: OpenHook) -> None:
        """Call ``hook`` with the connection, now and after each time that it was opened again."""
        with self.use(about="the connection's set-up") as connection:
            hook(connection)
            self._hooks.append(hook)

    @contextmanager
    def use(self, *, about: str = "", changing: bool = False) -> Iterator[Any]:
        """Give a live connection to a block, and turn libvirt's errors from it into the contract's.

        Args:
            about: what the block is about, for errors.
            changing: whether it may change something on the host.
        """
        current_call().check()
        connection = self._live()
        try:
            yield connection
        except libvirt.libvirtError as error:
            raise self._contract_error(connection, error, about, changing) from error
        except TypeError as error:
            # libvirt-python answers so when another thread has closed the connection meanwhile.
            if connection is self._connection:
                raise
            raise HostUnreachable(
                "the connection was closed during the call", may_have_been_done=changing
            ) from error

    def require_open(self) -> None:
        """Raise HostUnreachable if the session was closed."""
        if self._closed:
            raise HostUnreachable("this connection was closed", remedy="connect again")

    def is_broken(self) -> bool:
        """Whether the connection is known to be lost and nobody has opened it again."""
        with self._lost_lock:
            return self._lost

    def close(self) -> None:
        """Close it; what is under way fails. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                _close(connection)
        event_loop.release()

    def _contract_error(
        self, connection: Any, error: libvirt.libvirtError, about: str, changing: bool
    ) -> VirtError:
        connected = is_alive(connection)
        if not connected:
            self._note_loss(connection)
        return contract_error(error, about=about, changing=changing, connected=connected)

    def _live(self) -> Any:
        with self._lock:
            self.require_open()
            if self._connection is not None and not is_alive(self._connection):
                self._note_loss(self._connection)
                stale, self._connection = self._connection, None
                _close(stale)
            if self._connection is None:
                self._connection = self._connect()
                with self._lost_lock:
                    self._lost = False
            return self._connection

    def _connect(self) -> Any:
        try:
            connection = libvirt.open(self._settings.uri)
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_INVALID_ARG):
                raise InvalidRequest(
                    f"libvirt cannot read the uri {self._settings.uri}",
                    detail=str(error),
                    remedy="correct the option uri",
                    field="uri",
                ) from error
            raise contract_error(
                error, about=self._settings.uri, changing=False, connected=True
            ) from error
        try:
            _keep_alive(connection, self._settings)
            connection.registerCloseCallback(self._closed_by_peer, None)
            for hook in self._hooks:
                hook(connection)
        except libvirt.libvirtError as error:
            connected = is_alive(connection)
            _close(connection)
            about = f"the set-up of {self._settings.uri}"
            raise contract_error(error, about=about, changing=True, connected=connected) from error
        except BaseException:
            _close(connection)
            raise
        return connection

    def _closed_by_peer(self, connection: Any, reason: int, opaque: Any) -> None:
        self._note_loss(connection)

    def _note_loss(self, connection: Any) -> None:
        # Not under the main lock: this runs in libvirt's event loop, which must not wait for
        # somebody's connect.
        with self._lost_lock:
            if self._lost or self._closed or connection is not self._connection:
                return
            self._lost = True
            self._on_lost()
        _log.warning("lost the connection to %s", self._settings.uri)


def is_alive(connection: Any) -> bool:
    """Whether libvirt's client takes a connection for open."""
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def _keep_alive(connection: Any, settings: Settings) -> None:
    try:
        connection.setKeepAlive(settings.keepalive_interval_seconds, settings.keepalive_count)
    except libvirt.libvirtError as error:
        # An embedded driver has no peer that could fall silent.
        if not is_code(error, libvirt.VIR_ERR_NO_SUPPORT):
            raise


def _close(connection: Any) -> None:
    for callback in list(getattr(connection, "domainEventCallbackID", ())):
        _quietly(connection.domainEventDeregisterAny, callback)
    _quietly(connection.unregisterCloseCallback)
    _quietly(connection.close)


def _quietly(call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except libvirt.libvirtError as error:
        _log.debug("while closing: %s", error)
