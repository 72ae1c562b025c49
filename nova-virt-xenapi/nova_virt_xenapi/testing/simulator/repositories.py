"""What the messages of classes SR and PBD do, with iSCSI targets and NFS servers beside the pool.

After the data model's descriptions, and the storage manager's drivers. ``ISCSISR`` and
``RawISCSISR``: one VDI for each logical unit, whose ``sm_config`` names it as ``LUNid``. ``NFSSR``
and ``FileSR``: one for each file ``UUID.vhd`` and the like, in ``serverpath`` itself if the
repository's ``sm_config`` has ``nosubdir``, else in a folder there that its uuid names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["MESSAGES"]

_SUFFIXES: Final = ("vhd", "raw", "qcow2")


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


def _files(ctx: Context, pbd: str) -> dict[str, str]:
    """The files of the folder that a PBD is about."""
    record = ctx.db.get("PBD", pbd)
    config, sr = record["device_config"], ctx.db.get("SR", record["SR"])
    folder = config.get("serverpath")
    if folder is None:
        # One that the pool begins with, or a test has made: nobody has to mount it.
        return {}
    if sr["sm_config"].get("nosubdir") != "true":
        folder = f"{folder}/{sr['uuid']}"
    if not any(server == config["server"] for server, _ in ctx.world.folders):
        raise XapiError(
            "SR_BACKEND_FAILURE_140", "", "Unable to detect an NFS service on this target", ""
        )
    if (config["server"], folder) not in ctx.world.folders:
        raise XapiError("SR_BACKEND_FAILURE_73", "", "NFS mount error [opterr=mount failed]", "")
    return ctx.world.folders[config["server"], folder]


def _plug(ctx: Context, pbd: str) -> None:
    record = ctx.db.get("PBD", pbd)
    look = {"iscsi": _target, "nfs": _files}.get(ctx.db.get("SR", record["SR"])["type"])
    if look is not None:
        look(ctx, pbd)
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
    if record["type"] == "iscsi":
        for lun, file in _target(ctx, plugged[0]).items():
            _found(ctx, sr, file, sm_config={"LUNid": str(lun)})
    if record["type"] == "nfs":
        for name, file in _files(ctx, plugged[0]).items():
            uuid, _, suffix = name.partition(".")
            if suffix in _SUFFIXES:
                _found(ctx, sr, file, uuid=uuid)


def _found(ctx: Context, sr: str, file: str, **known_by: Any) -> None:
    """What a scan has found: a new VDI, or one that may have another size."""
    size = (ctx.world.directory / file).stat().st_size
    there = [ref for ref, _ in ctx.db.where("VDI", SR=sr, **known_by)]
    for vdi in there:
        for field in ("virtual_size", "physical_utilisation"):
            ctx.db.write("VDI", vdi, field, size)
    if not there:
        sizes = {"virtual_size": size, "physical_utilisation": size}
        vdi = ctx.db.create("VDI", SR=sr, type="user", managed=True, **sizes, **known_by)
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
