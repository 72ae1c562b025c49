"""Which operation a VM allows in which state, as xapi's ``Xapi_vm_lifecycle`` has it."""

from __future__ import annotations

from typing import Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["require", "update"]

_STATES: Final = {
    "start": ("Halted",),
    "start_on": ("Halted",),
    "changing_VCPUs": ("Halted",),
    "changing_memory_limits": ("Halted",),
    "changing_static_range": ("Halted",),
    "unpause": ("Paused",),
    "resume": ("Suspended",),
    "resume_on": ("Suspended",),
    "clean_reboot": ("Running",),
    "clean_shutdown": ("Running",),
    "pause": ("Running",),
    "suspend": ("Running",),
    "pool_migrate": ("Running",),
    "migrate_send": ("Halted", "Running", "Suspended"),
    "hard_reboot": ("Paused", "Running"),
    "hard_shutdown": ("Paused", "Suspended", "Running"),
    "clone": ("Halted",),
    "copy": ("Halted",),
    "destroy": ("Halted", "Suspended"),
    "export": ("Halted", "Suspended"),
    "snapshot": ("Halted", "Paused", "Suspended", "Running"),
}
# What takes the place of another operation instead of waiting for it.
_OVERTAKES: Final = {
    "hard_shutdown": frozenset({"clean_shutdown", "clean_reboot", "hard_reboot"}),
    "hard_reboot": frozenset({"clean_shutdown", "clean_reboot"}),
}
_OF_TEMPLATES: Final = frozenset({"clone", "copy", "destroy", "export", "changing_VCPUs"})


def _problem(ctx: Context, vm: str, operation: str) -> XapiError | None:
    record = ctx.db.get("VM", vm)
    states = _STATES[operation]
    if operation in record["blocked_operations"]:
        return XapiError("OPERATION_BLOCKED", vm, record["blocked_operations"][operation])
    if record["power_state"] not in states:
        return XapiError("VM_BAD_POWER_STATE", vm, ", ".join(states), record["power_state"])
    others = set(record["current_operations"].values()) - _OVERTAKES.get(operation, frozenset())
    if others:
        return XapiError("OTHER_OPERATION_IN_PROGRESS", "VM", vm, min(others))
    if record["is_a_template"] and operation not in _OF_TEMPLATES:
        return XapiError("VM_IS_TEMPLATE", vm, operation)
    if record["is_control_domain"]:
        return XapiError("OPERATION_NOT_ALLOWED", "Operations on domain 0 are not allowed")
    return None


def require(ctx: Context, vm: str, operation: str) -> None:
    """Refuse an operation that the VM does not allow now."""
    problem = _problem(ctx, vm, operation)
    if problem is not None:
        raise problem


def update(ctx: Context, vm: str) -> None:
    """Write down which operations the VM allows now."""
    allowed: list[Any] = [name for name in _STATES if _problem(ctx, vm, name) is None]
    ctx.db.write("VM", vm, "allowed_operations", allowed)
