"""``GET /rrd_updates``: what the hosts measured of VMs, as xcp-rrdd's JSON export has it."""

from __future__ import annotations

import json
import time
from typing import Any

from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["updates"]


def updates(ctx: Context, query: dict[str, str]) -> bytes:
    """One row, of now, for the running VMs of the host that was asked."""
    wanted = query.get("vm_uuid", "all")
    columns: list[tuple[str, float]] = []
    for _, vm in ctx.db.where("VM", resident_on=ctx.host):
        if wanted in ("all", vm["uuid"]):
            columns += _of_vm(ctx, vm)
    now = int(time.time())
    meta = {
        "start": now,
        "step": 5,
        "end": now,
        "rows": 1,
        "columns": len(columns),
        "legend": [name for name, _ in columns],
    }
    row = {"t": now, "values": [value for _, value in columns]}
    return json.dumps({"meta": meta, "data": [row]}).encode()


def _of_vm(ctx: Context, vm: dict[str, Any]) -> list[tuple[str, float]]:
    prefix = f"AVERAGE:vm:{vm['uuid']}"
    named: list[tuple[str, float]] = [
        (f"{prefix}:cpu{number}", 0.01) for number in range(vm["VCPUs_at_startup"])
    ]
    return [*named, (f"{prefix}:memory", float(vm["memory_dynamic_max"]))]
