"""VMs that go to another host.

After ``VM.pool_migrate`` of xapi's data model, and ``ocaml/xapi/xapi_vm_migrate.ml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nova_virt_xenapi.testing.simulator import storage, vm_lifecycle
from nova_virt_xenapi.testing.simulator.crossing import Journey, assert_can_cross, cross
from nova_virt_xenapi.testing.simulator.domains import free_memory
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context, moment

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


def _require_place(ctx: Context, vm: str, host: str) -> None:
    record = ctx.db.get("VM", vm)
    if not ctx.db.get("host", host)["enabled"]:
        raise XapiError("HOST_DISABLED", host)
    needed = record["memory_dynamic_max"] + record["memory_overhead"]
    if needed > (free := free_memory(ctx, host)):
        raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))


def _pool_migrate(ctx: Context, vm: str, host: str, options: dict[str, str]) -> None:
    vm_lifecycle.require(ctx, vm, "pool_migrate")
    _require_place(ctx, vm, host)
    if (storage := unseen_storage(ctx, vm, host)) is not None:
        raise XapiError("VM_REQUIRES_SR", vm, storage)
    with _under_way(ctx, vm, "pool_migrate"):
        ctx.take_time(ctx.db.get("VM", vm)["memory_dynamic_max"])
        move(ctx, vm, host)


def _receive(ctx: Context, host: str, network: str, options: dict[str, str]) -> dict[str, str]:
    """What ``migrate_send`` wants to know; its session is one of its own, which nobody ends."""
    if not any(ctx.db.where("PIF", network=network, host=host)):
        raise XapiError("INTERNAL_ERROR", "No PIF of the host on this network")
    address = f"{ctx.db.get('host', host)['address']}:{ctx.world.port}"
    pool = next(iter(ctx.db.where("pool")))[1]
    master = f"{ctx.db.get('host', pool['master'])['address']}:{ctx.world.port}"
    session = ctx.db.create(
        "session",
        this_host=host,
        originator="xapi",
        is_local_superuser=True,
        last_active=moment(),
    )
    return {
        "host": host,
        "xenops": f"https://{address}/services/xenops?session_id={session}",
        "SM": f"https://{address}/services/SM?session_id={session}",
        "session_id": session,
        "master": f"https://{master}/",
    }


def _assert_can_migrate(
    ctx: Context,
    vm: str,
    dest: dict[str, str],
    live: bool,
    vdi_map: dict[str, str],
    vif_map: dict[str, str],
    options: dict[str, str],
    vgpu_map: dict[str, str] | None = None,
) -> None:
    vm_lifecycle.require(ctx, vm, "migrate_send")
    _check(ctx, Journey(vm, dest, vdi_map, vif_map, options, {}))


def _check(ctx: Context, journey: Journey) -> None:
    vm, vdi_map = journey.vm, journey.vdi_map
    for vdi in _vdis(ctx, vm):
        if vdi not in vdi_map:
            raise XapiError("VDI_NOT_IN_MAP", vdi)
    if journey.is_elsewhere(ctx):
        assert_can_cross(ctx, journey)
        return
    session = journey.dest.get("session_id", "")
    if not ctx.db.exists("session", session):
        raise XapiError("SESSION_INVALID", session)
    if journey.vif_map:
        raise XapiError("OPERATION_NOT_ALLOWED", "VIF mapping is not allowed within a pool")
    host = journey.dest["host"]
    _require_place(ctx, vm, host)
    for vdi in _vdis(ctx, vm):
        if not any(ctx.db.where("PBD", SR=vdi_map[vdi], host=host, currently_attached=True)):
            raise XapiError("VM_REQUIRES_SR", vm, vdi_map[vdi])


def _send(
    ctx: Context,
    vm: str,
    dest: dict[str, str],
    live: bool,
    vdi_map: dict[str, str],
    vif_map: dict[str, str],
    options: dict[str, str],
    vgpu_map: dict[str, str] | None = None,
    vdi_format_map: dict[str, str] | None = None,
) -> str:
    """Within the pool the VM stays the same object, and its disks become others."""
    vm_lifecycle.require(ctx, vm, "migrate_send")
    journey = Journey(vm, dest, vdi_map, vif_map, options, vdi_format_map or {})
    with _under_way(ctx, vm, "migrate_send"):
        _check(ctx, journey)
        if journey.is_elsewhere(ctx):
            return cross(ctx, journey)
        if journey.is_copy:
            raise XapiError("OPERATION_NOT_ALLOWED", "Copy mode is disallowed within a pool")
        _move_disks(ctx, journey)
        move(ctx, vm, dest["host"])
    return vm


def _move_disks(ctx: Context, journey: Journey) -> None:
    going = {vdi: sr for vdi, sr in journey.vdi_map.items() if ctx.db.get("VDI", vdi)["SR"] != sr}
    for vdi, sr in going.items():
        storage.reserve(ctx, sr, ctx.db.get("VDI", vdi)["virtual_size"])
    sizes = [ctx.db.get("VDI", vdi)["virtual_size"] for vdi in going]
    ctx.take_time(sum(sizes) + ctx.db.get("VM", journey.vm)["memory_dynamic_max"])
    for vdi, sr in going.items():
        copy = storage.moved(ctx, vdi, sr, journey.formats)
        for vbd in ctx.db.record("VDI", vdi)["VBDs"]:
            if ctx.db.get("VBD", vbd)["VM"] == journey.vm:
                ctx.db.write("VBD", vbd, "VDI", copy)
        storage.discard(ctx, vdi)


def _vdis(ctx: Context, vm: str) -> list[str]:
    found = [ctx.db.get("VBD", ref)["VDI"] for ref in ctx.db.get("VM", vm)["VBDs"]]
    return [vdi for vdi in found if vdi != NULL]


@contextmanager
def _under_way(ctx: Context, vm: str, name: str) -> Iterator[None]:
    try:
        with ctx.operation("VM", vm, name):
            vm_lifecycle.update(ctx, vm)
            yield
    finally:
        # One that has gone to another pool is no VM of this one.
        if ctx.db.exists("VM", vm):
            vm_lifecycle.update(ctx, vm)


MESSAGES: dict[str, Callable[..., Any]] = {
    "VM.assert_can_migrate": _assert_can_migrate,
    "VM.migrate_send": _send,
    "VM.pool_migrate": _pool_migrate,
    "host.migrate_receive": _receive,
}
