"""What the messages of classes SR and PBD do, with iSCSI targets beside the pool.

After the data model's descriptions, and the storage manager's drivers ``ISCSISR`` and
``RawISCSISR``: one VDI for each logical unit, whose ``sm_config`` names it as ``LUNid``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES"]


def _introduce(
    ctx: Context,
    uuid: str,
    label: str,
    description: str,
    kind: str,
    content_type: str,
    shared: bool,
    sm_config: dict[str, str] | None = None,
) -> str:
    if any(ctx.db.where("SR", uuid=uuid)):
        raise XapiError("SR_UUID_EXISTS", uuid)
    if not any(ctx.db.where("SM", type=kind)):
        raise XapiError("SR_UNKNOWN_DRIVER", kind)
    return ctx.db.create(
        "SR",
        uuid=uuid,
        name_label=label,
        name_description=description,
        type=kind,
        content_type=content_type,
        shared=shared,
        sm_config=sm_config or {},
    )


def _forget(ctx: Context, sr: str) -> None:
    if ctx.db.get("SR", sr)["PBDs"]:
        raise XapiError("SR_HAS_PBD", sr)
    for vdi in ctx.db.record("SR", sr)["VDIs"]:
        ctx.world.content_path(vdi).unlink(missing_ok=True)
        for vbd in ctx.db.record("VDI", vdi)["VBDs"]:
            ctx.db.destroy("VBD", vbd)
        ctx.db.destroy("VDI", vdi)
    ctx.db.destroy("SR", sr)


def _create_pbd(ctx: Context, sent: dict[str, Any]) -> str:
    values = constructor_values(ctx, "PBD", sent)
    if any(ctx.db.where("PBD", host=values["host"], SR=values["SR"])):
        raise XapiError("PBD_EXISTS", values["SR"], values["host"], NULL)
    return ctx.db.create("PBD", **values | {"currently_attached": False})


def _target(ctx: Context, pbd: str) -> dict[int, str]:
    """The units of the target that a PBD is about; raises what the storage manager says."""
    config = ctx.db.get("PBD", pbd)["device_config"]
    units = ctx.world.targets.get(config.get("targetIQN", ""))
    if units is None:
        raise XapiError(
            "SR_BACKEND_FAILURE_141",
            "",
            "Unable to connect to iSCSI service on target [opterr=]",
            "",
        )
    return units


def _plug(ctx: Context, pbd: str) -> None:
    record = ctx.db.get("PBD", pbd)
    if ctx.db.get("SR", record["SR"])["type"] == "iscsi":
        _target(ctx, pbd)
    ctx.db.write("PBD", pbd, "currently_attached", True)


def _unplug(ctx: Context, pbd: str) -> None:
    record = ctx.db.get("PBD", pbd)
    for vdi in ctx.db.get("SR", record["SR"])["VDIs"]:
        vbds = [ctx.db.get("VBD", ref) for ref in ctx.db.get("VDI", vdi)["VBDs"]]
        attached = [vbd["VM"] for vbd in vbds if vbd["currently_attached"]]
        # VMs of other hosts have connections of their own.
        if any(ctx.db.get("VM", vm)["resident_on"] == record["host"] for vm in attached):
            raise XapiError("VDI_IN_USE", vdi, "detach")
    ctx.db.write("PBD", pbd, "currently_attached", False)


def _destroy_pbd(ctx: Context, pbd: str) -> None:
    if ctx.db.get("PBD", pbd)["currently_attached"]:
        raise XapiError("OPERATION_NOT_ALLOWED", "PBD is currently attached")
    ctx.db.destroy("PBD", pbd)


def _scan(ctx: Context, sr: str) -> None:
    record = ctx.db.get("SR", sr)
    plugged = [ref for ref in record["PBDs"] if ctx.db.get("PBD", ref)["currently_attached"]]
    if not plugged:
        raise XapiError("SR_HAS_NO_PBDS", sr)
    if record["type"] != "iscsi":
        return
    known = {ctx.db.get("VDI", ref)["sm_config"].get("LUNid"): ref for ref in record["VDIs"]}
    for lun, file in _target(ctx, plugged[0]).items():
        size = (ctx.world.directory / file).stat().st_size
        if str(lun) in known:
            for field in ("virtual_size", "physical_utilisation"):
                ctx.db.write("VDI", known[str(lun)], field, size)
        else:
            vdi = ctx.db.create(
                "VDI",
                SR=sr,
                type="user",
                managed=True,
                virtual_size=size,
                physical_utilisation=size,
                sm_config={"LUNid": str(lun)},
            )
            ctx.world.content_path(vdi).symlink_to(ctx.world.directory / file)


def _update(ctx: Context, vdi: str) -> None:
    """Ask the storage itself what it has."""
    size = ctx.world.content_path(vdi).stat().st_size
    for field in ("virtual_size", "physical_utilisation"):
        ctx.db.write("VDI", vdi, field, size)


MESSAGES: dict[str, Callable[..., Any]] = {
    "SR.introduce": _introduce,
    "SR.forget": _forget,
    "SR.scan": _scan,
    "VDI.update": _update,
    "PBD.create": _create_pbd,
    "PBD.destroy": _destroy_pbd,
    "PBD.plug": _plug,
    "PBD.unplug": _unplug,
}
