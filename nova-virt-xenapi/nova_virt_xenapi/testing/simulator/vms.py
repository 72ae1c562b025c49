"""What the messages of class VM do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from nova_virt_xenapi.testing.simulator import storage, vm_lifecycle
from nova_virt_xenapi.testing.simulator.domains import (
    PARTS,
    boot,
    forget_memory,
    free_memory,
    halt,
    reboot,
)
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import MIB, Context

__all__ = ["MESSAGES"]

# xapi's domain_shutdown_total_timeout
_CLEAN_SECONDS: Final = 1200.0
_DEVICES: Final = 16
_OVERHEAD_BYTES: Final = 8 * MIB


@contextmanager
def _operation(ctx: Context, vm: str, name: str) -> Iterator[None]:
    vm_lifecycle.require(ctx, vm, name)
    try:
        with ctx.operation("VM", vm, name):
            vm_lifecycle.update(ctx, vm)
            yield
    finally:
        if ctx.db.exists("VM", vm):
            vm_lifecycle.update(ctx, vm)


def _create(ctx: Context, sent: dict[str, Any]) -> str:
    values = constructor_values(ctx, "VM", sent)
    # xapi chooses the uuid, and a VM begins halted whatever its maker says.
    values |= {"power_state": "Halted", "suspend_VDI": NULL}
    values["other_config"].setdefault("mac_seed", str(uuid.uuid4()))
    if values.get("domain_type", "unspecified") == "unspecified":
        values["domain_type"] = "pv" if values["HVM_boot_policy"] == "" else "hvm"
    metrics = ctx.db.create("VM_metrics", current_domain_type=values["domain_type"])
    vm = ctx.db.create("VM", **values, metrics=metrics, domid=-1)
    ctx.db.write("VM", vm, "memory_overhead", _OVERHEAD_BYTES)
    vm_lifecycle.update(ctx, vm)
    return vm


def _destroy(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "destroy"):
        record = ctx.db.record("VM", vm)
        for class_name, field in PARTS.items():
            for ref in record[field]:
                ctx.db.destroy(class_name, ref)
        for class_name, field in (("VM_metrics", "metrics"), ("VM_guest_metrics", "guest_metrics")):
            if ctx.db.exists(class_name, record[field]):
                ctx.db.destroy(class_name, record[field])
        ctx.db.destroy("VM", vm)


def _start_on(ctx: Context, vm: str, host: str, start_paused: bool, force: bool) -> None:
    with _operation(ctx, vm, "start_on"):
        boot(ctx, vm, host, "Paused" if start_paused else "Running")


def _start(ctx: Context, vm: str, start_paused: bool, force: bool) -> None:
    needed = ctx.db.get("VM", vm)["memory_dynamic_max"]
    with _operation(ctx, vm, "start"):
        for host, record in ctx.db.where("host"):
            if record["enabled"] and free_memory(ctx, host) >= needed:
                boot(ctx, vm, host, "Paused" if start_paused else "Running")
                return
        raise XapiError("NO_HOSTS_AVAILABLE")


def _ask_guest(ctx: Context, vm: str) -> None:
    def gone() -> bool:
        return vm in ctx.world.listening or _state(ctx, vm) != "Running"

    if not ctx.wait(gone, _CLEAN_SECONDS):
        raise XapiError("VM_SHUTDOWN_TIMEOUT", vm, str(_CLEAN_SECONDS))


def _clean_shutdown(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "clean_shutdown"):
        _ask_guest(ctx, vm)
        if _state(ctx, vm) != "Halted":
            halt(ctx, vm)


def _clean_reboot(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "clean_reboot"):
        _ask_guest(ctx, vm)
        reboot(ctx, vm)


def _hard_shutdown(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "hard_shutdown"):
        _cancel_others(ctx, vm)
        halt(ctx, vm)


def _cancel_others(ctx: Context, vm: str) -> None:
    for task in set(ctx.db.get("VM", vm)["current_operations"]) - {ctx.task}:
        if ctx.db.exists("task", task) and ctx.db.get("task", task)["status"] == "pending":
            ctx.db.write("task", task, "status", "cancelling")


def _hard_reboot(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "hard_reboot"):
        _cancel_others(ctx, vm)
        reboot(ctx, vm)


def _power_state_reset(ctx: Context, vm: str) -> None:
    host = ctx.db.get("VM", vm)["resident_on"]
    metrics = ctx.db.get("host", host)["metrics"] if ctx.db.exists("host", host) else NULL
    if ctx.db.exists("host_metrics", metrics) and ctx.db.get("host_metrics", metrics)["live"]:
        raise XapiError("VM_BAD_POWER_STATE", vm, "Halted", _state(ctx, vm))
    halt(ctx, vm)
    vm_lifecycle.update(ctx, vm)


def _switch(operation: str, state: str) -> Any:
    def change(ctx: Context, vm: str) -> None:
        with _operation(ctx, vm, operation):
            ctx.db.write("VM", vm, "power_state", state)

    return change


def _suspend(ctx: Context, vm: str) -> None:
    with _operation(ctx, vm, "suspend"):
        record = ctx.db.get("VM", vm)
        image = {
            "name_label": "Suspend image",
            "name_description": "Suspend image",
            "SR": _suspend_sr(ctx, record),
            "virtual_size": str(record["memory_static_max"]),
            "type": "suspend",
            "sharable": False,
            "read_only": False,
            "other_config": {},
        }
        vdi = storage.MESSAGES["VDI.create"](ctx, image)
        halt(ctx, vm)
        ctx.db.write("VM", vm, "suspend_VDI", vdi)
        ctx.db.write("VM", vm, "power_state", "Suspended")


def _suspend_sr(ctx: Context, record: dict[str, Any]) -> str:
    pool = next(iter(ctx.db.where("pool")))[1]
    host = ctx.db.get("host", record["resident_on"])
    choices = (record["suspend_SR"], pool["suspend_image_SR"], host["suspend_image_sr"])
    for choice in (*choices, pool["default_SR"]):
        if ctx.db.exists("SR", choice):
            return str(choice)
    raise XapiError("VM_NO_SUSPEND_SR", record["uuid"])


def _resume_on(ctx: Context, vm: str, host: str, start_paused: bool, force: bool) -> None:
    with _operation(ctx, vm, "resume_on"):
        boot(ctx, vm, host, "Paused" if start_paused else "Running")
        forget_memory(ctx, vm)


def _state(ctx: Context, vm: str) -> str:
    state: str = ctx.db.get("VM", vm)["power_state"]
    return state


def _free_devices(class_name: str, field: str) -> Any:
    def free(ctx: Context, vm: str) -> list[str]:
        used = {record[field] for _, record in ctx.db.where(class_name, VM=vm)}
        return [str(number) for number in range(_DEVICES) if str(number) not in used]

    return free


def _set_vcpus_max(ctx: Context, vm: str, value: int) -> None:
    vm_lifecycle.require(ctx, vm, "changing_VCPUs")
    if value < ctx.db.get("VM", vm)["VCPUs_at_startup"] or value < 1:
        raise XapiError("INVALID_VALUE", "VCPUs_max", str(value))
    ctx.db.write("VM", vm, "VCPUs_max", value)


def _set_vcpus_at_startup(ctx: Context, vm: str, value: int) -> None:
    vm_lifecycle.require(ctx, vm, "changing_VCPUs")
    if not 1 <= value <= ctx.db.get("VM", vm)["VCPUs_max"]:
        raise XapiError("INVALID_VALUE", "VCPUs_at_startup", str(value))
    ctx.db.write("VM", vm, "VCPUs_at_startup", value)


def _set_memory_limits(
    ctx: Context, vm: str, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int
) -> None:
    vm_lifecycle.require(ctx, vm, "changing_memory_limits")
    if not static_min <= dynamic_min <= dynamic_max <= static_max:
        raise XapiError("MEMORY_CONSTRAINT_VIOLATION", "static_min <= dynamic_min <= ...")
    limits = {
        "static_min": static_min,
        "static_max": static_max,
        "dynamic_min": dynamic_min,
        "dynamic_max": dynamic_max,
    }
    for name, value in limits.items():
        ctx.db.write("VM", vm, f"memory_{name}", value)


def _setter(field: str) -> Any:
    """Of a field that xapi sets in a message of its own, with nothing more that is seen."""
    return lambda ctx, vm, value: ctx.db.write("VM", vm, field, value)


def _assert_operation_valid(ctx: Context, vm: str, operation: str) -> None:
    vm_lifecycle.require(ctx, vm, operation)


MESSAGES: dict[str, Callable[..., Any]] = {
    "VM.create": _create,
    "VM.destroy": _destroy,
    "VM.start": _start,
    "VM.start_on": _start_on,
    "VM.clean_shutdown": _clean_shutdown,
    "VM.clean_reboot": _clean_reboot,
    "VM.hard_shutdown": _hard_shutdown,
    "VM.hard_reboot": _hard_reboot,
    "VM.power_state_reset": _power_state_reset,
    "VM.pause": _switch("pause", "Paused"),
    "VM.unpause": _switch("unpause", "Running"),
    "VM.suspend": _suspend,
    "VM.resume_on": _resume_on,
    "VM.set_VCPUs_max": _set_vcpus_max,
    "VM.set_VCPUs_at_startup": _set_vcpus_at_startup,
    "VM.set_memory_limits": _set_memory_limits,
    "VM.set_platform": _setter("platform"),
    "VM.set_NVRAM": _setter("NVRAM"),
    "VM.get_allowed_VBD_devices": _free_devices("VBD", "userdevice"),
    "VM.get_allowed_VIF_devices": _free_devices("VIF", "device"),
    "VM.assert_operation_valid": _assert_operation_valid,
    "VM.update_allowed_operations": vm_lifecycle.update,
}
