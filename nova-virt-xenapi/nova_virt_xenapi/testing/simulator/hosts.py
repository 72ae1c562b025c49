"""What the messages of class host do that change a host.

After the descriptions of class host in xapi's data model, and ``ocaml/xapi/xapi_host.ml``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.domains import free_memory
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.moving import move, unseen_storage
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES", "guests_of"]


def guests_of(ctx: Context, host: str) -> list[str]:
    """The VMs that run on a host, without its control domains."""
    return [
        ref
        for ref, record in ctx.db.where("VM", resident_on=host)
        if not record["is_control_domain"]
    ]


def _disable(ctx: Context, host: str, auto_enable: bool = True) -> None:
    ctx.db.write("host", host, "enabled", False)


def _enable(ctx: Context, host: str) -> None:
    metrics = ctx.db.get("host", host)["metrics"]
    if not ctx.db.get("host_metrics", metrics)["live"]:
        raise XapiError("HOST_NOT_LIVE")
    ctx.db.write("host", host, "enabled", True)


def _evacuate(ctx: Context, host: str, network: str = NULL, batch: int = 10) -> None:
    planned = []
    for vm in guests_of(ctx, host):
        target = _place_for(ctx, vm, host)
        if target is None:
            reason = ["NO_HOSTS_AVAILABLE"]
            if (storage := unseen_storage(ctx, vm)) is not None:
                reason = ["VM_REQUIRES_SR", vm, storage]
            raise XapiError("CANNOT_EVACUATE_HOST", ",".join(reason))
        planned.append((vm, target))
    for vm, target in planned:
        move(ctx, vm, target)


def _place_for(ctx: Context, vm: str, away_from: str) -> str | None:
    needed = ctx.db.get("VM", vm)["memory_dynamic_max"]
    for ref, record in ctx.db.where("host", enabled=True):
        fits = free_memory(ctx, ref) >= needed and unseen_storage(ctx, vm, ref) is None
        if ref != away_from and record["enabled"] and fits:
            return ref
    return None


def _order(name: str) -> Any:
    def carry_out(ctx: Context, host: str) -> None:
        if ctx.db.get("host", host)["enabled"]:
            raise XapiError("HOST_NOT_DISABLED")
        for vm in guests_of(ctx, host):
            raise XapiError("HOST_IN_USE", host, "VM", vm)
        ctx.world.orders.append(name)
        live = name == "reboot"
        ctx.db.write("host_metrics", ctx.db.get("host", host)["metrics"], "live", live)
        # A host that comes up again enables itself.
        ctx.db.write("host", host, "enabled", live)

    return carry_out


def _power_on(ctx: Context, host: str) -> None:
    if ctx.db.get("host", host)["power_on_mode"] == "":
        raise XapiError("HOST_POWER_ON_NOT_CONFIGURED", host)
    ctx.world.orders.append("start")
    ctx.db.write("host_metrics", ctx.db.get("host", host)["metrics"], "live", True)
    ctx.db.write("host", host, "enabled", True)


MESSAGES: dict[str, Callable[..., Any]] = {
    "host.disable": _disable,
    "host.enable": _enable,
    "host.evacuate": _evacuate,
    "host.shutdown": _order("shut-down"),
    "host.reboot": _order("reboot"),
    "host.power_on": _power_on,
}
