"""What the pool's records say, without asking: kept by the events of ``event.from``.

Why an answer from here is right
--------------------------------

xapi numbers every change of its database. An answer to ``event.from`` has a token, and holds every
change up to the token's number: what came and what went is told exactly, a changed record as it is
when the answer is written, which may be newer than the token. (xapi 26.17, ``xapi_event.ml``.)
Questions are asked one after the other, so that records here only grow newer.

* **What this driver did is seen.** A call that succeeded has an effect (`effects`). Whoever reads
  waits until the records show every effect that is outstanding; then they hold all that was done
  before, too: a reference that has come or gone is exact, and one that is written to is its own
  witness. A task is destroyed when it is over: once it has gone, all that it did is here.
* **What nobody knows is asked for.** After a call whose effect has no row in that table, or whose
  reply was lost, or that found a record gone, the next reader sets a *marker*: ``event.inject``
  touches the pool's own record and answers a token; records with a later token hold all that was
  there before the marker. One call.
* **What is not there is asked for.** "No such VM" and "nothing to do" are answered only after a
  marker (`records`, `power`). What *is* done on a record that is out of date, xapi refuses itself.
* **What others do** is seen as soon as xapi tells, some 50 ms later. Where two drivers have to
  agree, while a VM moves between their hosts, reads set a marker.
* **Silence is no answer.** When a question fails there are no records: a read waits for one more
  attempt, and is HostUnreachable if that fails, too, until all is known anew by a question that was
  asked after every call that succeeded meanwhile. So it is after a new login, because another
  master may count otherwise, and when a class has another number of records than two answers
  say (``valid_ref_counts``); then readers wait. All is one question, too: one with an empty token.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import XenAPI
from nova_virt_interface.errors import BackendError, HostUnreachable, VirtError

from nova_virt_xenapi.counts import Counts
from nova_virt_xenapi.effects import Outstanding, effect_of
from nova_virt_xenapi.errors import contract_error
from nova_virt_xenapi.session import Session

__all__ = ["Cache", "Change", "Heard", "Row", "Rows"]

_log = logging.getLogger(__name__)

_CLASSES: Final = (
    "VM", "VM_metrics", "VBD", "VIF", "VDI", "SR", "PBD", "PIF", "network", "host", "host_metrics",
    "pool", "console", "task", "SM",
)  # fmt: skip
_NAMES: Final = {name.lower(): name for name in _CLASSES}
# An answer may come so much later than the time that the question allows.
_MARGIN_SECONDS: Final = 15.0
# Events come some 50 ms after their changes; who waits longer than this asks.
_EFFECT_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 30.0

Row = dict[str, Any]
Rows = dict[str, Row]


@dataclass(frozen=True)
class Change:
    """A VM's record that became another one, came, or went."""

    ref: str
    before: Row | None
    after: Row | None


@dataclass
class Heard:
    """What one answer told."""

    whole: bool
    """Everything anew, and no changes."""
    changes: list[Change] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)


class Cache:
    """The records of the classes that the driver reads. Records are never changed, but replaced."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changed = threading.Condition()
        self._rows: dict[str, Rows] = {name: {} for name in _CLASSES}
        self._token = ""
        self._logins = 0
        """The login that the records are of."""
        self._is_lost = False
        self._asked = self._heard = self._failed = 0
        self._needed = 0
        """The number of the last question that was asked too early to be enough."""
        self._counts = Counts()
        self._is_wanted = threading.Event()
        self._effects = Outstanding()
        self._doubt = False
        session.watch(self)

    def rows(self, class_name: str) -> Rows:
        """All records of a class, by reference; raises HostUnreachable."""
        self._settle()
        return self.told(class_name)

    def row(self, class_name: str, ref: str) -> Row:
        """One record; raises NotFound, HostUnreachable."""
        row = self.rows(class_name).get(ref)
        if row is None:
            failure = XenAPI.Failure(["HANDLE_INVALID", class_name, ref])
            raise contract_error(failure, about=class_name, changing=False)
        return row

    def told(self, class_name: str) -> Rows:
        """The records as they were told last, whatever is outstanding."""
        with self._changed:
            return dict(self._rows[class_name])

    def sync(self) -> None:
        """Set a marker, and wait for it: all that was done before, by whomever, is seen then."""
        with self._changed:
            self._wait_until_live()
            asked, self._doubt = self._asked, False
            pool = next(iter(self._rows["pool"]), "")
        try:
            marker: str = self._session.call("event.inject", "pool", pool)
        except BaseException:
            self.doubt()
            raise
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_lost or self._token > marker or self._heard > asked,
                _PATIENCE_SECONDS,
            )
            self._wait_until_live()

    def wait_for(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true of the records as they were told; says whether it is. Ends
        early when the pool is lost.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_lost or true(), seconds)
            return not self._is_lost and true()

    def pause(self, seconds: float) -> None:
        """Wait, as the one who listens, while the pool is away; less if somebody wants it back."""
        self._is_wanted.wait(seconds)
        self._is_wanted.clear()

    def wake(self) -> None:
        """End a pause."""
        self._is_wanted.set()

    @property
    def is_lost(self) -> bool:
        """Whether the pool answers no question."""
        with self._changed:
            return self._is_lost

    def wrote(self, method: str, arguments: Sequence[Any], result: Any) -> None:
        """A call has changed something; see `Watcher`."""
        effect = effect_of(method, arguments, result)
        with self._changed:
            if not self._is_live():
                self._needed = self._asked
            elif effect is None or effect.class_name not in self._rows:
                self._doubt = True
            else:
                self._effects.add(effect)
                self._effects.drop_seen(self._rows)

    def doubt(self) -> None:
        """A call may have changed something; see `Watcher`."""
        with self._changed:
            self._doubt = True

    def listen(self, seconds: float) -> Heard:
        """Ask what happened, and take it in. One thread does, all the time.

        Args:
            seconds: how long the answer may take if nothing happens.
        """
        with self._changed:
            self._asked += 1
            number = self._asked
        try:
            logins = self._session.log_in()
            with self._changed:
                token = self._token if logins == self._logins else ""
                # When all is known, but not that of the last moment, nobody is to wait.
                patience = seconds if self._is_live() or not token else 0.0
            batch = self._session.call(
                "event.from",
                [*_CLASSES, "message"],
                token,
                patience,
                seconds=seconds + _MARGIN_SECONDS,
                renews=False,
            )
            with self._changed:
                self._logins = logins
                return self._take_in(batch, number, whole=not token)
        except VirtError:
            self._lose(number)
            raise
        except Exception as error:
            self._lose(number)
            raise BackendError("events are not to be understood", detail=repr(error)) from error

    def _take_in(self, batch: dict[str, Any], number: int, *, whole: bool) -> Heard:
        heard = Heard(whole)
        if whole:
            self._rows = {name: {} for name in _CLASSES}
        for event in batch["events"]:
            self._take_in_one(event, heard)
        lost = self._counts.lost(self._rows, batch["valid_ref_counts"], whole=whole)
        if lost:
            _log.warning("the pool has other records than it told of: %s", ", ".join(sorted(lost)))
        self._token = "" if lost else batch["token"]
        self._heard, self._is_lost = number, False
        if self._counts.differ:
            self._needed = number
        self._effects.drop_seen(self._rows)
        self._changed.notify_all()
        return heard

    def _take_in_one(self, event: dict[str, Any], heard: Heard) -> None:
        class_name = _NAMES.get(event["class"])
        is_gone = event["operation"] == "del"
        if class_name is None:
            if not is_gone and not heard.whole:
                heard.messages.append(event["snapshot"])
            return
        rows, ref = self._rows[class_name], event["ref"]
        before = rows.pop(ref, None)
        after = None if is_gone else event["snapshot"]
        if after is not None:
            rows[ref] = after
        if class_name == "VM" and not heard.whole:
            heard.changes.append(Change(ref, before, after))

    def _settle(self) -> None:
        """Wait until the records hold all that was done by this driver."""
        self._session.require_open()
        with self._changed:
            self._wait_until_live()
            waiting = self._effects.all()
            is_seen = self._changed.wait_for(
                lambda: self._is_lost or not self._effects.of(waiting), _EFFECT_SECONDS
            )
            self._wait_until_live()
            # Somebody else has changed it since.
            self._effects.drop(waiting)
            doubt = self._doubt or not is_seen
        if doubt:
            self.sync()

    def _is_live(self) -> bool:
        is_whole = bool(self._token) and self._logins == self._session.logins
        return is_whole and self._heard > self._needed and not self._is_lost

    def _wait_until_live(self) -> None:
        """Wait for what is on its way; when the pool is lost, for one attempt to find it."""
        asked = self._asked
        if self._is_lost:
            self.wake()
        self._changed.wait_for(
            lambda: self._is_live() or (self._is_lost and self._failed > asked), _PATIENCE_SECONDS
        )
        self._session.require_open()
        if not self._is_live():
            raise HostUnreachable(
                "the pool does not answer", remedy="check that the host runs and the option url"
            )

    def _lose(self, number: int) -> None:
        with self._changed:
            self._is_lost, self._token, self._failed = True, "", number
            self._effects = Outstanding()
            self._changed.notify_all()
