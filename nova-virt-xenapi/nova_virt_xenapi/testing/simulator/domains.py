"""What becomes of a VM's domain on its host."""

from __future__ import annotations

from typing import Final

from nova_virt_xenapi.testing.simulator import storage, vm_lifecycle
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context, moment

__all__ = [
    "PARTS",
    "boot",
    "crash",
    "device_name",
    "forget_memory",
    "free_memory",
    "halt",
    "reboot",
    "require_storage",
]


PARTS: Final = {"VBD": "VBDs", "VIF": "VIFs", "console": "consoles", "VTPM": "VTPMs"}
"""Classes of what goes with its VM, and the fields that have it."""


_BOOTLOADERS: Final = ("pygrub", "eliloader")


def free_memory(ctx: Context, host: str) -> int:
    """What the host can still give to VMs."""
    total: int = ctx.db.get("host_metrics", ctx.db.get("host", host)["metrics"])["memory_total"]
    used = (
        record["memory_dynamic_max"] + record["memory_overhead"]
        for _, record in ctx.db.where("VM", resident_on=host)
    )
    return total - int(sum(used))


def boot(ctx: Context, vm: str, host: str, state: str) -> None:
    """Make a domain for a halted VM, or refuse as xapi does."""
    record = ctx.db.get("VM", vm)
    if ctx.db.get("host", host)["enabled"] is False:
        raise XapiError("HOST_DISABLED", host)
    if record["VCPUs_at_startup"] < 1 or record["VCPUs_at_startup"] > record["VCPUs_max"]:
        raise XapiError("VM_NO_VCPUS", vm)
    needed = record["memory_dynamic_max"] + record["memory_overhead"]
    if needed > (free := free_memory(ctx, host)):
        raise XapiError("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))
    _require_kernel(ctx, vm, host)
    _require_disks(ctx, vm)
    ctx.db.write("VM", vm, "resident_on", host)
    ctx.db.write("VM", vm, "domid", ctx.db.generation)
    for class_name, field in (("VBD", "VBDs"), ("VIF", "VIFs")):
        for ref in record[field]:
            ctx.db.write(class_name, ref, "currently_attached", True)
    for vbd in record["VBDs"]:
        ctx.db.write("VBD", vbd, "device", device_name(ctx.db.get("VBD", vbd)["userdevice"]))
    location = f"https://{ctx.db.get('host', host)['address']}/console?uuid={record['uuid']}"
    ctx.db.create("console", VM=vm, protocol="rfb", location=location)
    ctx.db.write("VM_metrics", record["metrics"], "start_time", moment())
    ctx.db.write("VM_metrics", record["metrics"], "VCPUs_number", record["VCPUs_at_startup"])
    ctx.db.write("VM_metrics", record["metrics"], "memory_actual", record["memory_dynamic_max"])
    ctx.db.write("VM", vm, "power_state", state)


def _require_kernel(ctx: Context, vm: str, host: str) -> None:
    """What each domain type needs: after ``ocaml/xapi/xapi_vm_helpers.ml``, ``helpers.ml`` and
    ``ocaml/xenopsd/xc/bootloader.ml``.
    """
    record = ctx.db.get("VM", vm)
    kind, bootloader = record["domain_type"], record["PV_bootloader"]
    if kind != "pv" and not any("hvm" in name for name in ctx.db.get("host", host)["capabilities"]):
        raise XapiError("VM_HVM_REQUIRED", vm)
    if kind == "hvm":
        return
    if bootloader == "":
        # A kernel in dom0, which has none here.
        raise XapiError("INVALID_VALUE", "PV_kernel", record["PV_kernel"], "File does not exist")
    if bootloader not in _BOOTLOADERS:
        raise XapiError("UNKNOWN_BOOTLOADER", vm, bootloader)
    if not any(ctx.db.get("VBD", vbd)["bootable"] for vbd in record["VBDs"]):
        raise XapiError("BOOTLOADER_FAILED", vm, "no disk to boot from")


def device_name(userdevice: str) -> str:
    """What the guest calls a disk: the letters of the number that its maker gave it."""
    return f"xvd{chr(ord('a') + int(userdevice))}" if userdevice.isdecimal() else userdevice


def forget_memory(ctx: Context, vm: str) -> None:
    """Remove the memory that a suspended VM has on disk, as xapi does when it goes on or ends."""
    image = ctx.db.get("VM", vm)["suspend_VDI"]
    ctx.db.write("VM", vm, "suspend_VDI", NULL)
    if ctx.db.exists("VDI", image):
        storage.MESSAGES["VDI.destroy"](ctx, image)


def _require_disks(ctx: Context, vm: str) -> None:
    for vbd in ctx.db.get("VM", vm)["VBDs"]:
        record = ctx.db.get("VBD", vbd)
        if record["VDI"] == NULL:
            continue
        require_storage(ctx, vm, record["VDI"])
        others = [ctx.db.get("VBD", ref) for ref in ctx.db.get("VDI", record["VDI"])["VBDs"]]
        attached = [other for other in others if other["currently_attached"]]
        if record["VDI"] in ctx.world.importing or (attached and record["mode"] == "RW"):
            raise XapiError("VDI_IN_USE", record["VDI"], "attach")


def require_storage(ctx: Context, vm: str, vdi: str) -> None:
    """Refuse a disk whose storage the pool does not reach."""
    sr = ctx.db.get("VDI", vdi)["SR"]
    plugged = [row for _, row in ctx.db.where("PBD", SR=sr, currently_attached=True)]
    if not plugged:
        raise XapiError("VM_REQUIRES_SR", vm, sr)
    config = plugged[0]["device_config"]
    is_away = "targetIQN" in config and config["targetIQN"] not in ctx.world.targets
    place = config.get("server"), config.get("serverpath")
    if is_away or ("serverpath" in config and place not in ctx.world.folders):
        raise XapiError("SR_BACKEND_FAILURE_46", "", "The VDI is not available [opterr=]", "")


def halt(ctx: Context, vm: str) -> None:
    """Take a VM's domain away."""
    forget_memory(ctx, vm)
    record = ctx.db.record("VM", vm)
    for class_name, field in (("VBD", "VBDs"), ("VIF", "VIFs")):
        for ref in record[field]:
            ctx.db.write(class_name, ref, "currently_attached", False)
    for console in record["consoles"]:
        ctx.db.destroy("console", console)
    ctx.db.write("VM", vm, "resident_on", NULL)
    ctx.db.write("VM", vm, "domid", -1)
    ctx.db.write("VM_metrics", record["metrics"], "memory_actual", 0)
    ctx.db.write("VM_metrics", record["metrics"], "VCPUs_number", 0)
    ctx.db.write("VM", vm, "power_state", "Halted")


def reboot(ctx: Context, vm: str) -> None:
    """Give a VM another domain."""
    host = ctx.db.get("VM", vm)["resident_on"]
    # To the outside a rebooting VM stays as it is: only its domain is another one.
    if host == NULL:
        raise XapiError("VM_HALTED", vm)
    ctx.db.write("VM", vm, "domid", ctx.db.generation)
    ctx.db.write("VM_metrics", ctx.db.get("VM", vm)["metrics"], "start_time", moment())
    ctx.db.write("VM", vm, "power_state", "Running")


def crash(ctx: Context, vm: str) -> None:
    """The guest fails: xapi leaves a message, and does what the VM's settings say."""
    record = ctx.db.get("VM", vm)
    ctx.db.create(
        "message",
        name="VM_CRASHED",
        cls="VM",
        obj_uuid=record["uuid"],
        priority=3,
        timestamp=moment(),
    )
    if record["actions_after_crash"] == "destroy":
        halt(ctx, vm)
    else:
        reboot(ctx, vm)
    vm_lifecycle.update(ctx, vm)
    vm_lifecycle.update(ctx, vm)
