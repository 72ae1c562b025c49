"""VMs that go to another host of their pool.

After ``VM.pool_migrate`` of xapi's data model, and ``ocaml/xapi/xapi_vm_migrate.ml``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator import vm_lifecycle
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES", "move", "unseen_storage"]


def unseen_storage(ctx: Context, vm: str, host: str | None = None) -> str | None:
    """A storage repository of the VM's disks that the host, or any second one, does not see."""
    for ref in ctx.db.get("VM", vm)["VBDs"]:
        vdi = ctx.db.get("VBD", ref)["VDI"]
        if vdi == NULL:
            continue
        sr = ctx.db.get("VDI", vdi)["SR"]
        seen = [pbd["host"] for _, pbd in ctx.db.where("PBD", SR=sr, currently_attached=True)]
        if (host is not None and host not in seen) or (host is None and len(seen) < 2):
            return str(sr)
    return None


def move(ctx: Context, vm: str, host: str) -> None:
    """Let a running VM's domain be on another host from now on."""
    ctx.db.write("VM", vm, "resident_on", host)
    ctx.db.write("VM", vm, "domid", ctx.db.generation)
    record = ctx.db.get("VM", vm)
    location = f"https://{ctx.db.get('host', host)['address']}/console?uuid={record['uuid']}"
    for console in record["consoles"]:
        ctx.db.write("console", console, "location", location)
    vm_lifecycle.update(ctx, vm)


MESSAGES: dict[str, Callable[..., Any]] = {}
