"""VMs that become two: ``VM.clone``, after ``ocaml/xapi/xapi_vm_clone.ml``.

The copy has its source's ``other_config``, and so have its disks and devices; its NICs get
addresses of their own, its TPM begins with the state of the source's unless that is unique.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator import storage, vm_lifecycle, vtpms
from nova_virt_xenapi.testing.simulator.generic import constructor_fields
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES"]

_ANEW: Final = {"suspend_SR": NULL, "suspend_VDI": NULL, "appliance": NULL}
_OWNER: Final = {"owner": ""}


def _clone(ctx: Context, vm: str, new_name: str) -> str:
    vm_lifecycle.require(ctx, vm, "clone")
    with ctx.operation("VM", vm, "clone"):
        record = ctx.db.record("VM", vm)
        vdis = {vbd: _cloned_vdi(ctx, vbd) for vbd in record["VBDs"]}
        metrics = ctx.db.create("VM_metrics", current_domain_type=record["domain_type"])
        config = {**record["other_config"], "mac_seed": str(uuid.uuid4())}
        values = constructor_fields(ctx, "VM", record) | _ANEW
        values |= {"name_label": new_name, "other_config": config, "power_state": "Halted"}
        copy = ctx.db.create("VM", **values, metrics=metrics, domid=-1)
        ctx.db.write("VM", copy, "memory_overhead", record["memory_overhead"])
        for vbd, vdi in vdis.items():
            values = constructor_fields(ctx, "VBD", ctx.db.record("VBD", vbd))
            config = {**_OWNER, **values["other_config"]}
            more = {"VM": copy, "VDI": vdi, "other_config": config, "currently_attached": False}
            ctx.db.create("VBD", **values | more)
        for number, vif in enumerate(record["VIFs"]):
            values = constructor_fields(ctx, "VIF", ctx.db.record("VIF", vif))
            mac = f"02:00:00:00:02:{number:02x}"
            more = {"VM": copy, "MAC": mac, "currently_attached": False}
            ctx.db.create("VIF", **values | more)
        for vtpm in record["VTPMs"]:
            _clone_vtpm(ctx, vtpm, copy)
    vm_lifecycle.update(ctx, copy)
    return copy


def _cloned_vdi(ctx: Context, vbd: str) -> str:
    vdi = ctx.db.get("VBD", vbd)["VDI"]
    cloned: str = vdi if vdi == NULL else storage.MESSAGES["VDI.clone"](ctx, vdi)
    return cloned


def _clone_vtpm(ctx: Context, vtpm: str, vm: str) -> None:
    is_unique = ctx.db.get("VTPM", vtpm)["is_unique"]
    state = None if is_unique else ctx.world.tpms[vtpm]
    vtpms.introduce(ctx, vm, is_unique=is_unique, state=state)


MESSAGES: dict[str, Callable[..., Any]] = {"VM.clone": _clone}
