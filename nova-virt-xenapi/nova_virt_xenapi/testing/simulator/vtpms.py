"""What the messages of class VTPM do: after ``ocaml/xapi/xapi_vtpm.ml``.

xapi keeps a TPM's state in its own database, and no published message reads or writes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES", "introduce"]


def _require_halted(ctx: Context, vm: str) -> None:
    state = ctx.db.get("VM", vm)["power_state"]
    if state != "Halted":
        raise XapiError("VM_BAD_POWER_STATE", vm, "halted", state.lower())


def _create(ctx: Context, vm: str, is_unique: bool) -> str:
    _require_halted(ctx, vm)
    if ctx.db.get("VM", vm)["VTPMs"]:
        raise XapiError("VTPM_MAX_AMOUNT_REACHED", "1")
    return introduce(ctx, vm, is_unique=is_unique)


def introduce(ctx: Context, vm: str, *, is_unique: bool = False, state: str | None = None) -> str:
    """A TPM, with the state of another one or with one of its own."""
    vtpm = ctx.db.create("VTPM", VM=vm, is_unique=is_unique)
    ctx.world.tpms[vtpm] = state or str(uuid.uuid4())
    return vtpm


def _destroy(ctx: Context, vtpm: str) -> None:
    _require_halted(ctx, ctx.db.get("VTPM", vtpm)["VM"])
    ctx.db.destroy("VTPM", vtpm)


MESSAGES: dict[str, Callable[..., Any]] = {"VTPM.create": _create, "VTPM.destroy": _destroy}
