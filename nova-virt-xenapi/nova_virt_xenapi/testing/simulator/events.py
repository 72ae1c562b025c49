"""``event.from``: what changed since a token, from the generations of the database."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import Integer
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES"]

# xapi reports no events of these.
_SILENT: Final = frozenset({"session", "event"})


def _subscription(text: str) -> tuple[str, str]:
    class_name, _, ref = text.partition("/")
    if "/" in ref or not class_name:
        raise XapiError("EVENT_SUBSCRIPTION_PARSE_FAILURE", text)
    return class_name.lower(), ref


def _generation(token: str) -> int:
    if token == "":
        return 0
    if not re.fullmatch(r"[0-9]+,[0-9]+", token):
        raise XapiError("EVENT_FROM_TOKEN_PARSE_FAILURE", token)
    return int(token.partition(",")[0])


def _token(generation: int) -> str:
    return f"{generation:020d},{0:020d}"


def _wanted(subscriptions: list[tuple[str, str]], class_name: str, ref: str) -> bool:
    return any(
        name == "*" or (name == class_name.lower() and only in ("", ref))
        for name, only in subscriptions
    )


def _changes(
    ctx: Context, since: int, subscriptions: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Newest states only: what came and went since the token is not told at all."""
    made: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for class_name, table in ctx.db.tables.items():
        if class_name in _SILENT:
            continue
        for ref, row in table.items():
            if row.modified > since and _wanted(subscriptions, class_name, ref):
                is_new = row.created > since
                told = _event(class_name, ref, "add" if is_new else "mod", row.modified)
                (made if is_new else changed).append(
                    {**told, "snapshot": ctx.db.record(class_name, ref)}
                )
    gone = [
        _event(class_name, ref, "del", at)
        for class_name, ref, created, at in ctx.db.deleted
        if created <= since < at and _wanted(subscriptions, class_name, ref)
    ]
    return made + changed + gone


def _event(class_name: str, ref: str, operation: str, generation: int) -> dict[str, Any]:
    return {
        "id": str(generation),
        "timestamp": "0.0",
        "class": class_name.lower(),
        "operation": operation,
        "ref": ref,
    }


def _from(ctx: Context, classes: list[str], token: str, timeout: float) -> dict[str, Any]:
    subscriptions = [_subscription(text) for text in classes]
    since = _generation(token)
    deadline = time.monotonic() + timeout
    while True:
        if not ctx.db.exists("session", ctx.session):
            raise XapiError("SESSION_INVALID", ctx.session)
        events = _changes(ctx, since, subscriptions)
        left = deadline - time.monotonic()
        if events or left <= 0:
            break
        ctx.db.lock.wait(min(left, 0.5))
        ctx.db.lock.wait_for(lambda: False, ctx.world.event_delay_seconds)
    return {
        "events": events,
        "valid_ref_counts": {
            name.lower(): Integer(len(table)) for name, table in ctx.db.tables.items()
        },
        "token": _token(ctx.db.generation),
    }


def _inject(ctx: Context, class_name: str, ref: str) -> str:
    if class_name not in ctx.db.tables or not ctx.db.exists(class_name, ref):
        raise XapiError("HANDLE_INVALID", class_name, ref)
    before = ctx.db.generation
    ctx.db.touch(class_name, ref)
    return _token(before)


MESSAGES: dict[str, Callable[..., Any]] = {"event.from": _from, "event.inject": _inject}
