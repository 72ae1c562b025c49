"""VMs that come from another pool: the other end of `peer`.

The disks are made as they come; then the VM, halted; and only when its memory has come, too, it
runs here. What breaks off leaves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from nova_virt_xenapi.testing.simulator import storage, vm_lifecycle, vtpms
from nova_virt_xenapi.testing.simulator.content import Source, receive
from nova_virt_xenapi.testing.simulator.domains import boot
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL, Moment
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["take_in"]

_MOST_BYTES: Final = 1024 * 1024
_PAGE_BYTES: Final = 4096
_UNPLUGGED: Final = {"currently_attached": False}


def take_in(ctx: Context, source: Any) -> dict[str, Any]:
    """Take in what `peer` sends; returns the answer."""
    metadata = json.loads(source.readline(_MOST_BYTES))
    with _removed_unless_whole(ctx) as made:
        disks = {vdi["ref"]: _disk(ctx, vdi, source, made) for vdi in metadata["vdis"]}
        with ctx.db.lock:
            vm = _vm(ctx, metadata, disks, made)
        _memory(metadata, source)
        with ctx.db.lock:
            if metadata["live"]:
                boot(ctx, vm, metadata["host"], "Running")
                metrics = ctx.db.get("VM", vm)["metrics"]
                ctx.db.write("VM_metrics", metrics, "start_time", Moment(metadata["start_time"]))
            vm_lifecycle.update(ctx, vm)
    return {"vm": vm}


@contextmanager
def _removed_unless_whole(ctx: Context) -> Iterator[list[tuple[str, str]]]:
    made: list[tuple[str, str]] = []
    try:
        yield made
    except BaseException:
        with ctx.db.lock:
            for class_name, ref in reversed(made):
                if class_name == "VDI":
                    ctx.world.importing.discard(ref)
                    storage.discard(ctx, ref)
                else:
                    ctx.db.destroy(class_name, ref)
        raise


def _disk(ctx: Context, told: dict[str, Any], source: Source, made: list[tuple[str, str]]) -> str:
    values = {name: told[name] for name in told if name != "ref"}
    with ctx.db.lock:
        vdi = storage.taken_in(ctx, values)
        made.append(("VDI", vdi))
        ctx.world.importing.add(vdi)
        path = ctx.world.content_path(vdi)
    receive(source, path, told["virtual_size"], "raw")
    with ctx.db.lock:
        ctx.world.importing.discard(vdi)
    return vdi


def _vm(
    ctx: Context, metadata: dict[str, Any], disks: dict[str, str], made: list[tuple[str, str]]
) -> str:
    def make(class_name: str, **values: Any) -> str:
        ref = ctx.db.create(class_name, **values)
        made.append((class_name, ref))
        return ref

    if metadata["restore"] and any(ctx.db.where("VM", uuid=metadata["uuid"])):
        raise XapiError("DUPLICATE_VM", metadata["uuid"])
    metrics = make("VM_metrics", current_domain_type=metadata["vm"]["domain_type"])
    vm = make("VM", **metadata["vm"], metrics=metrics, domid=-1)
    ctx.db.write("VM", vm, "memory_overhead", 8 * 1024 * 1024)
    if metadata["restore"]:
        ctx.db.write("VM", vm, "uuid", metadata["uuid"])
    for vbd in metadata["vbds"]:
        make("VBD", **vbd | _UNPLUGGED | {"VM": vm, "VDI": disks.get(vbd["VDI"], NULL)})
    for state in metadata["vtpms"]:
        made.append(("VTPM", vtpms.introduce(ctx, vm, state=state)))
    for number, vif in enumerate(metadata["vifs"]):
        # A copy is given addresses of its own.
        mac = vif["MAC"] if metadata["restore"] else f"02:00:00:00:01:{number:02x}"
        make("VIF", **vif | _UNPLUGGED | {"VM": vm, "MAC": mac})
    return vm


def _memory(metadata: dict[str, Any], source: Source) -> None:
    pages = metadata["vm"]["memory_dynamic_max"] // _PAGE_BYTES if metadata["live"] else 0
    if len(source.read(pages + 1)) != pages + 1:
        raise XapiError("INTERNAL_ERROR", "Caught exception: End_of_file")
