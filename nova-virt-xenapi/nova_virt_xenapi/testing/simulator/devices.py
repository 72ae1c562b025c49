"""What the messages of classes VBD and VIF do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.domains import device_name, require_storage
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES"]

_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_DISK: Final = re.compile(r"[0-9]|1[0-5]|(xvd|sd|hd)[a-p]")
_DETACH_SECONDS: Final = 1200.0


def _create_vbd(ctx: Context, sent: dict[str, Any]) -> str:
    values = constructor_values(ctx, "VBD", sent)
    vm, vdi = values["VM"], values["VDI"]
    ctx.db.row("VM", vm)
    if values["type"] == "CD" and values["mode"] != "RO":
        raise XapiError("VBD_CDS_MUST_BE_READONLY")
    if values["type"] != "CD" and values["empty"]:
        raise XapiError("VBD_NOT_REMOVABLE_MEDIA", "in constructor")
    if not values["empty"]:
        _require_fit(ctx, vdi, values)
    values["userdevice"] = _disk_device(ctx, vm, values["userdevice"])
    return ctx.db.create("VBD", **values | {"currently_attached": False, "device": ""})


def _require_fit(ctx: Context, vdi: str, values: dict[str, Any]) -> None:
    record = ctx.db.get("VDI", vdi)
    content = ctx.db.get("SR", record["SR"])["content_type"]
    if values["type"] == "CD" and not (content == "iso" and record["location"].endswith(".iso")):
        raise XapiError("INVALID_VALUE", "VDI", "is neither an ISO file nor a CD drive")
    if values["mode"] == "RW" and record["read_only"]:
        raise XapiError("VDI_READONLY", vdi)


def _disk_device(ctx: Context, vm: str, wanted: str) -> str:
    used = {record["userdevice"] for _, record in ctx.db.where("VBD", VM=vm)}
    if wanted == "autodetect":
        free = [str(number) for number in range(16) if str(number) not in used]
        if free:
            return free[0]
    if _DISK.fullmatch(wanted) is None:
        raise XapiError("INVALID_DEVICE", wanted)
    if wanted in used:
        raise XapiError("DEVICE_ALREADY_EXISTS", wanted)
    return wanted


def _create_vif(ctx: Context, sent: dict[str, Any]) -> str:
    values = constructor_values(ctx, "VIF", sent)
    ctx.db.row("VM", values["VM"])
    ctx.db.row("network", values["network"])
    if not values["device"].isdecimal():
        raise XapiError("INVALID_DEVICE", values["device"])
    if values["MAC"] == "":
        values |= {"MAC": f"02:00:00:00:00:{ctx.db.generation % 256:02x}"}
    elif _MAC.fullmatch(values["MAC"]) is None:
        raise XapiError("MAC_INVALID", values["MAC"])
    if any(ctx.db.where("VIF", VM=values["VM"], device=values["device"])):
        raise XapiError("DEVICE_ALREADY_EXISTS", values["device"])
    return ctx.db.create("VIF", **values | {"currently_attached": False})


def _require_running(ctx: Context, class_name: str, ref: str, *, attached: bool) -> None:
    record = ctx.db.get(class_name, ref)
    vm = ctx.db.get("VM", record["VM"])
    if record["current_operations"]:
        operation = min(record["current_operations"].values())
        raise XapiError("OTHER_OPERATION_IN_PROGRESS", class_name, ref, operation)
    if vm["power_state"] != "Running":
        raise XapiError("VM_BAD_POWER_STATE", record["VM"], "Running", vm["power_state"])
    if record["currently_attached"] != attached:
        code = "DEVICE_ALREADY_DETACHED" if attached else "DEVICE_ALREADY_ATTACHED"
        raise XapiError(code, ref)
    blocking = set(vm["current_operations"].values()) & {"clean_shutdown", "hard_shutdown"}
    if blocking:
        raise XapiError("OPERATION_NOT_ALLOWED", f"Current operation on VM is {min(blocking)}")


def _plug(class_name: str) -> Any:
    def plug(ctx: Context, ref: str) -> None:
        _require_running(ctx, class_name, ref, attached=False)
        record = ctx.db.get(class_name, ref)
        if class_name == "VBD" and record["VDI"] != NULL:
            require_storage(ctx, record["VM"], record["VDI"])
            others = [ctx.db.get("VBD", vbd) for vbd in ctx.db.get("VDI", record["VDI"])["VBDs"]]
            if any(other["currently_attached"] for other in others):
                raise XapiError("VDI_IN_USE", record["VDI"], "plug")
        with ctx.operation(class_name, ref, "plug"):
            ctx.wait(lambda: False, ctx.world.guest_seconds)
        ctx.db.write(class_name, ref, "currently_attached", True)
        if class_name == "VBD":
            ctx.db.write("VBD", ref, "device", device_name(record["userdevice"]))

    return plug


def _unplug(class_name: str) -> Any:
    def unplug(ctx: Context, ref: str) -> None:
        _require_running(ctx, class_name, ref, attached=True)
        vm = ctx.db.get(class_name, ref)["VM"]
        with ctx.operation(class_name, ref, "unplug"):
            if not ctx.wait(lambda: vm not in ctx.world.clinging, _DETACH_SECONDS):
                raise XapiError("DEVICE_DETACH_TIMEOUT", class_name, ref)
            ctx.wait(lambda: False, ctx.world.guest_seconds)
        ctx.db.write(class_name, ref, "currently_attached", False)

    return unplug


def _destroy(class_name: str) -> Any:
    def destroy(ctx: Context, ref: str) -> None:
        record = ctx.db.get(class_name, ref)
        if record["currently_attached"]:
            raise XapiError("OPERATION_NOT_ALLOWED", f"{class_name} '{record['uuid']}' is attached")
        ctx.db.destroy(class_name, ref)

    return destroy


MESSAGES: dict[str, Callable[..., Any]] = {
    "VBD.create": _create_vbd,
    "VBD.destroy": _destroy("VBD"),
    "VBD.plug": _plug("VBD"),
    "VBD.unplug": _unplug("VBD"),
    "VIF.create": _create_vif,
    "VIF.destroy": _destroy("VIF"),
    "VIF.plug": _plug("VIF"),
    "VIF.unplug": _unplug("VIF"),
}
