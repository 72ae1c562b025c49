"""``GET /rrd_updates``: what the hosts measured of VMs, as xcp-rrdd's JSON export has it.

Names and units of the columns are those of xcp-rrdd's documentation of its metrics.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["updates"]

_STEP_SECONDS: Final = 5


def updates(ctx: Context, query: dict[str, str]) -> bytes:
    """One row, of now, for the running VMs of the host that was asked."""
    wanted = query.get("vm_uuid", "all")
    columns: list[tuple[str, float]] = []
    if query.get("host") == "true":
        columns += _of_host(ctx)
    for _, vm in ctx.db.where("VM", resident_on=ctx.host):
        if wanted in ("all", vm["uuid"]):
            columns += _of_vm(ctx, vm)
    now = int(time.time()) // _STEP_SECONDS * _STEP_SECONDS
    meta = {
        "start": now,
        "step": _STEP_SECONDS,
        "end": now,
        "rows": 1,
        "columns": len(columns),
        "legend": [name for name, _ in columns],
    }
    row = {"t": now, "values": [value for _, value in columns]}
    return json.dumps({"meta": meta, "data": [row]}).encode()


def _of_host(ctx: Context) -> list[tuple[str, float]]:
    prefix = f"AVERAGE:host:{ctx.db.get('host', ctx.host)['uuid']}"
    return [(f"{prefix}:cpu_avg", 0.25), (f"{prefix}:loadavg", float("nan"))]


def _of_vm(ctx: Context, vm: dict[str, Any]) -> list[tuple[str, float]]:
    prefix = f"AVERAGE:vm:{vm['uuid']}"
    found: list[tuple[str, float]] = [
        (f"{prefix}:cpu{number}", 0.01) for number in range(vm["VCPUs_at_startup"])
    ]
    found.append((f"{prefix}:memory", float(vm["memory_dynamic_max"])))
    for ref in vm["VBDs"]:
        disk = ctx.db.get("VBD", ref)
        if disk["currently_attached"]:
            device = f"{prefix}:vbd_{disk['device']}"
            found += [(f"{device}_read", 4096.0), (f"{device}_write", 512.5)]
    for ref in vm["VIFs"]:
        card = ctx.db.get("VIF", ref)
        if card["currently_attached"]:
            device = f"{prefix}:vif_{card['device']}"
            found += [(f"{device}_rx", 1500.0), (f"{device}_tx", float("nan"))]
    return found
