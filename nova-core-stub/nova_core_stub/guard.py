"""What stands between core and a driver's object: every call to it passes through here.

It knows no method by name. Two facts about the contract suffice: reads take no contract values,
changes do; and what a change is about is its first argument, or else is named inside the value.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

from nova_virt_interface.call import Call, current_call
from nova_virt_interface.errors import BackendError, VirtError
from nova_virt_interface.turns import Turns
from nova_virt_interface.understanding import check_understood
from nova_virt_interface.version import ContractVersion
from oslo_utils import strutils
from zope.interface import directlyProvides, providedBy
from zope.interface.interface import Method

__all__ = ["Arguments", "Before", "guarded"]

Arguments = Mapping[str, object]
"""A call's arguments by the names that the interface gives them."""
Before = Callable[[Arguments], None]

_LOG = logging.getLogger(__name__)


def guarded(
    target: object,
    contract: ContractVersion,
    *,
    name: str,
    before: Before | None = None,
) -> Any:
    """Put a guard around an object; it provides the interfaces that the object provides.

    * A request that holds something newer than ``contract`` is refused before the call.
    * Calls that change the same VM or cached image wait for each other, no longer than until their
      deadline or until they are cancelled; all others overlap, among them those of interfaces that
      are tagged so.
    * Whatever leaves the object as an exception is a `VirtError`.
    * Each call is logged at debug level.

    Args:
        target: the object.
        contract: the contract version that it implements.
        name: names it in logs and errors.
        before: called with each call's arguments before it is made.
    """
    guard = _Guard(target, contract, name, before or (lambda arguments: None))
    directlyProvides(guard, providedBy(target))
    return guard


class _Guard:
    def __init__(
        self,
        target: object,
        contract: ContractVersion,
        name: str,
        before: Before,
    ) -> None:
        self._target = target
        self._contract = contract
        self._name = name
        self._before = before
        self._turns = Turns()

    def __getattr__(self, attribute: str) -> Any:
        for interface in providedBy(self._target).flattened():
            description = interface.get(attribute)
            if isinstance(description, Method):
                overlaps = bool(interface.queryTaggedValue("overlaps"))
                return functools.partial(self._call, attribute, description.positional, overlaps)
            if description is not None:
                return getattr(self._target, attribute)
        raise AttributeError(f"{self._name} provides no interface with {attribute!r}")

    def __repr__(self) -> str:
        return f"<guarded {self._name}>"

    def _call(
        self,
        method: str,
        names: tuple[str, ...],
        overlaps: bool,
        /,
        *args: object,
        **more: object,
    ) -> Any:
        arguments = {**dict(zip(names, args, strict=False)), **more}
        call = current_call()
        for argument, content in arguments.items():
            check_understood(content, self._contract, argument)
        self._before(arguments)
        identity = _changed_by(arguments)
        with (
            nullcontext() if identity is None or overlaps else self._turns.turn(identity),
            self._translated(method, identity),
            self._reported(call, method, arguments),
        ):
            return getattr(self._target, method)(*args, **more)

    @contextmanager
    def _reported(self, call: Call, method: str, arguments: Arguments) -> Iterator[None]:
        if not _LOG.isEnabledFor(logging.DEBUG):
            yield
            return
        shown = ", ".join(f"{name}={content!r}" for name, content in arguments.items())
        # For formatters without `RequestIdFilter` before them.
        request_id = {"request_id": call.request_id}
        _LOG.debug("%s.%s(%s)", self._name, method, shown, extra=request_id)
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            failure = type(error).__name__
            _LOG.debug("%s.%s raised %s", self._name, method, failure, extra=request_id)
            raise
        seconds = time.monotonic() - began
        _LOG.debug("%s.%s done in %.3f s", self._name, method, seconds, extra=request_id)

    @contextmanager
    def _translated(self, method: str, identity: Hashable | None) -> Iterator[None]:
        try:
            yield
        except VirtError:
            raise
        except Exception as error:
            # It comes from code that broke the contract, so that nothing vouches for its words.
            words = strutils.mask_password(f"{type(error).__name__}: {error}")
            raise BackendError(
                f"{self._name} broke the contract: {method} raised what is no contract error",
                detail=words,
                remedy="report it to those who maintain the driver",
                may_have_been_done=identity is not None,
            ) from error


def _changed_by(arguments: Arguments) -> Hashable | None:
    """What a call changes; None for a call that only reads, or changes nothing that has a name."""
    values = [content for content in arguments.values() if hasattr(content, "__contract_since__")]
    if not values:
        return None
    first = next(iter(arguments.values()))
    if isinstance(first, UUID | str):
        return first
    return getattr(first, "cache_key", None) or getattr(first, "key", None)
