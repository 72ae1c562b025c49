"""The connection to one vCenter or ESXi: logs in, logs in again, and turns what requests end in
into contract errors. All input and output of the driver goes through it.

A connection that breaks needs no repair: every request may open a new one, and the login outlives
it. When the server has forgotten the login, the driver logs in again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import HostUnreachable, VirtError
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.conf import Settings
from nova_virt_vmware.errors import CUT, FileRefused, to_contract
from nova_virt_vmware.waiting import result_of, settle

__all__ = ["RELOCATION", "Session"]

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# How long a change waits for tasks that may be the driver's own, and in its way.
_SETTLE_SECONDS = 60.0
RELOCATION = "VirtualMachine.relocate"
"""What the task of a migration is called."""


class Session:
    """The driver's one connection, until it is closed; safe from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._api: Api | None = None
        self._closed = False
        # A request whose reply was lost may have started a task that is still at work; so may one
        # of an earlier process. The first change after it waits for such tasks.
        self._doubts = 1
        self._settled = 0
        self._begun = 0
        self.changes = 0
        """How many changes have ended: what was told before the last one may lack it."""

    def require_open(self) -> None:
        """Raise HostUnreachable when the connection was closed."""
        if self._closed:
            raise HostUnreachable("the connection is closed", remedy="connect again")

    @property
    def is_changing(self) -> bool:
        """Whether changes are under way."""
        return self._begun > self.changes

    def api(self) -> Api:
        """The login in force; logs in if there is none."""
        with self._lock:
            self.require_open()
            if self._api is None:
                about = f"logging in to {self.settings.host}:{self.settings.port}"
                self._api = _translated(about, lambda: Api(self.settings), changes=False)
            return self._api

    def ask(self, about: str, question: Callable[[Api], _Result]) -> _Result:
        """Put a question that changes nothing, anew if the login or the connection had gone stale.

        Raises: VirtError.
        """
        try:
            return self._attempt(about, question, changes=False)
        except HostUnreachable:
            return self._attempt(about, question, changes=False)

    def change(self, about: str, request: Callable[[Api], _Result]) -> _Result:
        """Send a request that changes something, once.

        Raises: VirtError; without an answer the change may have been done.
        """
        return self._attempt(about, request, changes=True)

    def listen(self, about: str, question: Callable[[], _Result]) -> _Result:
        """Wait for news by what the server keeps for one login, and which is lost with it.

        Raises: VirtError.
        """
        self.require_open()
        return _translated(about, question, changes=False)

    def run(
        self,
        about: str,
        start: Callable[[Api], vim.Task],
        on_percent: Callable[[int], None] | None = None,
    ) -> Any:
        """Start a task, wait for its end, and return its result.

        Raises: VirtError; Cancelled and DeadlineExceeded once the task has ended or was given up.
        """
        started: list[str] = []

        def request(api: Api) -> Any:
            # It is not started again when the login is lost while it is at work.
            if not started:
                started.append(start(api)._moId)
            return result_of(api.collectors, vim.Task(started[0], api.stub), on_percent)

        return self._attempt(about, request, changes=True)

    def _attempt(self, about: str, request: Callable[[Api], _Result], *, changes: bool) -> _Result:
        current_call().check()
        api = self.api()
        try:
            return self._sent(about, api, request, changes=changes)
        except VirtError as error:
            if not _wants_login(error.__cause__, changes):
                raise
        # What was refused for want of a login has done nothing, so that it can be sent again.
        self._forget(api)
        return self._sent(about, self.api(), request, changes=changes)

    def _sent(
        self, about: str, api: Api, request: Callable[[Api], _Result], *, changes: bool
    ) -> _Result:
        doubts = self._doubts
        if changes and self._settled < doubts:
            _translated("waiting for tasks", lambda: _settle(api), changes=False)
            self._settled = max(self._settled, doubts)
        self._count(begun=changes)
        try:
            return _translated(about, lambda: request(api), changes=changes)
        except HostUnreachable:
            self._doubts += 1
            raise
        finally:
            self._count(ended=changes)

    def _count(self, *, begun: bool = False, ended: bool = False) -> None:
        with self._counting:
            self._begun += begun
            self.changes += ended

    def _forget(self, api: Api) -> None:
        with self._lock:
            if self._api is api:
                self._api = None

    def close(self) -> None:
        """Log out. Idempotent."""
        with self._lock:
            self._closed = True
            api, self._api = self._api, None
        if api is not None:
            api.close()


def _translated(about: str, request: Callable[[], _Result], *, changes: bool) -> _Result:
    try:
        return request()
    except VirtError:
        raise
    except (*CUT, vmodl.MethodFault, FileRefused, TypeError) as error:
        # pyvmomi raises TypeError for an answer that is not of the type that its schema has.
        raise to_contract(error, about, changes=changes) from error


def _settle(api: Api) -> None:
    query = vmodl.query.PropertyCollector
    recent = query.TraversalSpec(type=vim.TaskManager, path="recentTask", skip=False)
    start = query.ObjectSpec(obj=api.content.taskManager, skip=True, selectSet=[recent])
    at_work = [
        task
        for task, facts in api.retrieve([start], {vim.Task: ["info.state", "info.descriptionId"]})
        if str(facts.get("info.state")) in ("queued", "running")
        # It takes its time, and whoever migrates the VM looks for it.
        and facts.get("info.descriptionId") != RELOCATION
    ]
    if not settle(api.collectors, at_work, _SETTLE_SECONDS):
        # They need not be ours.
        _log.warning("%d tasks do not end, not waiting any longer", len(at_work))


def _wants_login(cause: BaseException | None, changes: bool) -> bool:
    if isinstance(cause, FileRefused):
        # The body of an upload is gone once it was sent.
        return cause.status == 401 and not changes
    return isinstance(cause, vim.fault.NotAuthenticated)
