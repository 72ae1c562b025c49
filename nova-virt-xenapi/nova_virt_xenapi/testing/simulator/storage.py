"""What the messages of classes VDI and SR do: a thick storage repository of VHDs and QCOW2s.

Which of both a VDI is, is asked for and told by ``image-format`` in its ``sm_config``, after xapi's
design document *Add supported image formats in sm-list* and XCP-ng's *QCOW2 FAQ*: a VHD, unless it
is to be a QCOW2 or is too large for a VHD. Which error refuses an unknown one is not published.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import MIB, Context, moment

__all__ = [
    "MESSAGES",
    "account",
    "discard",
    "duplicate",
    "moved",
    "reserve",
    "synchronized",
    "taken_in",
    "wanted_format",
]

# SM rounds a VHD's size up to whole blocks.
_BLOCK_BYTES: Final = 2 * MIB
_LARGEST_BYTES: Final = {"vhd": 2088960 * MIB, "qcow2": 16381 * 1024 * MIB}
_FORMAT: Final = "image-format"
# fmt: off
_CLONED: Final = (
    "name_label", "name_description", "SR", "type", "sharable", "read_only", "other_config",
    "xenstore_data", "virtual_size", "on_boot", "allow_caching",
)
# fmt: on
_WITHOUT_DATA: Final = frozenset({"ha_statefile", "redo_log", "rrd", "pvs_cache", "cbt_metadata"})


def _formats(ctx: Context, sr: str) -> list[str]:
    """What the SR's manager says that it knows; one of before QCOW2 says nothing."""
    kind = ctx.db.get("SR", sr)["type"]
    return [
        format
        for _, row in ctx.db.where("SM", type=kind)
        for format in row["supported_image_formats"]
    ]


def _format_of(ctx: Context, values: dict[str, Any]) -> str:
    """How a VDI is to be stored; empty where the manager says nothing."""
    known = _formats(ctx, values["SR"])
    wanted: str = values.get("sm_config", {}).get(_FORMAT, "")
    if wanted and known and wanted not in known:
        raise XapiError("SR_OPERATION_NOT_SUPPORTED", values["SR"])
    is_large = "qcow2" in known and values["virtual_size"] > _LARGEST_BYTES["vhd"]
    return (wanted or ("qcow2" if is_large else "vhd")) if known else ""


def _rounded(size: int, format: str) -> int:
    largest = _LARGEST_BYTES.get(format, _LARGEST_BYTES["vhd"])
    if size < 0 or size > largest:
        raise XapiError(
            "SR_BACKEND_FAILURE_79",
            "",
            f"VDI Invalid size [opterr=VDI size must be between 1 MB and {largest // MIB} MB]",
            "",
        )
    return max(_BLOCK_BYTES, -(-size // _BLOCK_BYTES) * _BLOCK_BYTES)


def _require_plugged(ctx: Context, sr: str) -> None:
    ctx.db.row("SR", sr)
    if not any(record["currently_attached"] for _, record in ctx.db.where("PBD", SR=sr)):
        raise XapiError("SR_HAS_NO_PBDS", sr)


def reserve(ctx: Context, sr: str, size: int) -> None:
    """Refuse a disk for which there is no room."""
    record = ctx.db.get("SR", sr)
    free = record["physical_size"] - record["physical_utilisation"]
    if size > free:
        raise XapiError("SR_BACKEND_FAILURE_44", "", "There is insufficient space", "")


def account(ctx: Context, sr: str) -> None:
    """The sums that the backend reports after every change."""
    disks = [record for _, record in ctx.db.where("VDI", SR=sr)]
    for field, of in (
        ("physical_utilisation", "physical_utilisation"),
        ("virtual_allocation", "virtual_size"),
    ):
        hidden = ctx.world.ballast_bytes if field == "physical_utilisation" else 0
        ctx.db.write("SR", sr, field, hidden + sum(record[of] for record in disks))


def _create(ctx: Context, sent: dict[str, Any]) -> str:
    values = constructor_values(ctx, "VDI", sent)
    _require_plugged(ctx, values["SR"])
    if values["type"] in _WITHOUT_DATA:
        raise XapiError("VDI_INCOMPATIBLE_TYPE", values["SR"], values["type"])
    return _sized(ctx, values)


def _sized(ctx: Context, values: dict[str, Any]) -> str:
    size = _rounded(values["virtual_size"], _format_of(ctx, values))
    reserve(ctx, values["SR"], size)
    return _made(ctx, {**values, "virtual_size": size, "physical_utilisation": size})


def _made(ctx: Context, values: dict[str, Any]) -> str:
    format = _format_of(ctx, values)
    config = {**values.get("sm_config", {}), _FORMAT: format} if format else {}
    vdi = ctx.db.create("VDI", **{**values, "sm_config": config}, managed=True)
    ctx.db.write("VDI", vdi, "location", ctx.db.get("VDI", vdi)["uuid"])
    with ctx.world.content_path(vdi).open("wb") as file:
        file.truncate(values["virtual_size"])
    account(ctx, values["SR"])
    return vdi


def _require_idle(ctx: Context, vdi: str, operation: str, *, live: bool = False) -> None:
    record = ctx.db.get("VDI", vdi)
    if record["current_operations"]:
        raise XapiError("OTHER_OPERATION_IN_PROGRESS", "VDI", vdi, operation)
    attached = any(ctx.db.get("VBD", ref)["currently_attached"] for ref in record["VBDs"])
    if (attached and not live) or vdi in ctx.world.importing:
        raise XapiError("VDI_IN_USE", vdi, operation)
    _require_plugged(ctx, record["SR"])


def _destroy(ctx: Context, vdi: str) -> None:
    _require_idle(ctx, vdi, "destroy")
    record = ctx.db.record("VDI", vdi)
    ctx.world.content_path(vdi).unlink()
    for vbd in record["VBDs"]:
        ctx.db.destroy("VBD", vbd)
    ctx.db.destroy("VDI", vdi)
    account(ctx, record["SR"])


def _snapshot(ctx: Context, vdi: str, driver_params: dict[str, str] | None = None) -> str:
    copy = _clone(ctx, vdi)
    ctx.db.write("VDI", copy, "is_a_snapshot", True)
    ctx.db.write("VDI", copy, "snapshot_of", vdi)
    ctx.db.write("VDI", copy, "snapshot_time", moment())
    return copy


def _copy(
    ctx: Context, vdi: str, sr: str = NULL, base_vdi: str = NULL, into_vdi: str = NULL
) -> str:
    """A full copy on another SR, or onto a VDI that is there: after ``ocaml/xapi/xapi_vdi.ml``. It
    takes the world's time for so many bytes.
    """
    _require_idle(ctx, vdi, "copy")
    if base_vdi != NULL:
        raise XapiError("NOT_IMPLEMENTED", "VDI.copy of a difference")
    source = ctx.db.record("VDI", vdi)
    if into_vdi == NULL:
        _require_plugged(ctx, sr)
        reserve(ctx, sr, source["virtual_size"])
    else:
        _require_fitting(ctx, into_vdi, source["virtual_size"])
    with ctx.operation("VDI", vdi, "copy"):
        ctx.take_time(source["virtual_size"])
    if into_vdi == NULL:
        return duplicate(ctx, vdi, sr)
    shutil.copyfile(ctx.world.content_path(vdi), ctx.world.content_path(into_vdi))
    return into_vdi


def _require_fitting(ctx: Context, vdi: str, size: int) -> None:
    _require_idle(ctx, vdi, "copy")
    record = ctx.db.get("VDI", vdi)
    if record["read_only"]:
        raise XapiError("VDI_READONLY", vdi)
    if record["virtual_size"] < size:
        raise XapiError("VDI_TOO_SMALL", vdi, str(size))


def duplicate(ctx: Context, vdi: str, sr: str, config: dict[str, str] | None = None) -> str:
    """The same disk, with its metadata, on another SR."""
    source = ctx.db.record("VDI", vdi)
    values = {name: source[name] for name in _CLONED} | {"SR": sr, "sm_config": config or {}}
    copy = _made(ctx, values | {"physical_utilisation": source["virtual_size"]})
    shutil.copyfile(ctx.world.content_path(vdi), ctx.world.content_path(copy))
    return copy


def synchronized(other_config: dict[str, str]) -> dict[str, str]:
    """What a disk that a migration copies keeps: xapi's ``vdi_other_config_sync_keys``."""
    return {key: text for key, text in other_config.items() if key == "config-drive"}


def wanted_format(formats: dict[str, str], vdi: str) -> dict[str, str]:
    """``sm_config`` of a disk that a migration makes, after ``vdi_format_map``."""
    return {_FORMAT: formats[vdi]} if vdi in formats else {}


def moved(ctx: Context, vdi: str, sr: str, formats: dict[str, str]) -> str:
    """The same disk on another SR, as a migration makes it."""
    copy = duplicate(ctx, vdi, sr, wanted_format(formats, vdi))
    ctx.db.write("VDI", copy, "other_config", synchronized(ctx.db.get("VDI", vdi)["other_config"]))
    return copy


def taken_in(ctx: Context, values: dict[str, Any]) -> str:
    """A disk that another pool is about to fill."""
    _require_plugged(ctx, values["SR"])
    return _sized(ctx, values)


def discard(ctx: Context, vdi: str) -> None:
    """Remove a disk that nothing is connected to."""
    sr = ctx.db.get("VDI", vdi)["SR"]
    ctx.world.content_path(vdi).unlink()
    ctx.db.destroy("VDI", vdi)
    account(ctx, sr)


def _clone(ctx: Context, vdi: str, driver_params: dict[str, str] | None = None) -> str:
    _require_idle(ctx, vdi, "clone", live=True)
    source = ctx.db.record("VDI", vdi)
    reserve(ctx, source["SR"], source["virtual_size"])
    # The metadata come along, other_config included.
    kept = {key: text for key, text in source["sm_config"].items() if key == _FORMAT}
    values = {name: source[name] for name in _CLONED} | {"sm_config": kept}
    copy = _made(ctx, values | {"physical_utilisation": source["virtual_size"]})
    shutil.copyfile(ctx.world.content_path(vdi), ctx.world.content_path(copy))
    return copy


def _resize(ctx: Context, vdi: str, size: int) -> None:
    _require_idle(ctx, vdi, "resize")
    _grow(ctx, vdi, size)


def _resize_online(ctx: Context, vdi: str, size: int) -> None:
    """Only where the SR's driver has the feature."""
    kind = ctx.db.get("SR", ctx.db.get("VDI", vdi)["SR"])["type"]
    if not any("VDI_RESIZE_ONLINE" in sm["features"] for _, sm in ctx.db.where("SM", type=kind)):
        raise XapiError("SR_OPERATION_NOT_SUPPORTED", ctx.db.get("VDI", vdi)["SR"])
    _require_idle(ctx, vdi, "resize_online", live=True)
    _grow(ctx, vdi, size)


def _grow(ctx: Context, vdi: str, size: int) -> None:
    record = ctx.db.get("VDI", vdi)
    size = _rounded(size, record["sm_config"].get(_FORMAT, ""))
    if size < record["virtual_size"]:
        raise XapiError("SR_BACKEND_FAILURE_79", "", "VDI Invalid size [opterr=shrink]", "")
    reserve(ctx, record["SR"], size - record["virtual_size"])
    with ctx.world.content_path(vdi).open("r+b") as file:
        file.truncate(size)
    ctx.db.write("VDI", vdi, "virtual_size", size)
    ctx.db.write("VDI", vdi, "physical_utilisation", size)
    account(ctx, record["SR"])


def _setter(field: str) -> Any:
    return lambda ctx, vdi, value: ctx.db.write("VDI", vdi, field, value)


MESSAGES: dict[str, Callable[..., Any]] = {
    "VDI.create": _create,
    "VDI.destroy": _destroy,
    "VDI.clone": _clone,
    "VDI.resize": _resize,
    "VDI.resize_online": _resize_online,
    "VDI.snapshot": _snapshot,
    "VDI.copy": _copy,
    "VDI.set_name_label": _setter("name_label"),
    "VDI.set_name_description": _setter("name_description"),
    "VDI.set_read_only": _setter("read_only"),
    "VDI.set_sharable": _setter("sharable"),
}
