"""VMs that go to another pool: ``VM.migrate_send`` whose destination is none of this pool's hosts.

After ``ocaml/xapi/xapi_vm_migrate.ml``: every disk and every NIC has to be in its map; the VM keeps
its uuid, unless it is only copied, and what ``other_config`` of a disk holds stays behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from nova_virt_xenapi.testing.simulator import storage
from nova_virt_xenapi.testing.simulator.domains import PARTS
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_fields
from nova_virt_xenapi.testing.simulator.peer import Peer, Sending
from nova_virt_xenapi.testing.simulator.types import NULL
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["Journey", "assert_can_cross", "cross"]

_STAYS: Final = frozenset(
    {"affinity", "suspend_SR", "suspend_VDI", "power_state", "appliance", "VM"}
)


@dataclass(frozen=True)
class Journey:
    """What ``VM.migrate_send`` is asked for."""

    vm: str
    dest: dict[str, str]
    vdi_map: dict[str, str]
    vif_map: dict[str, str]
    options: dict[str, str]
    formats: dict[str, str]

    @property
    def is_copy(self) -> bool:
        """Whether the VM stays, too."""
        return self.options.get("copy") == "true"

    def is_elsewhere(self, ctx: Context) -> bool:
        """Whether the destination is of another pool."""
        return not ctx.db.exists("host", self.dest.get("host", ""))


def assert_can_cross(ctx: Context, journey: Journey) -> None:
    """Refuse what can be known in advance; asks the other pool."""
    vm, record = journey.vm, ctx.db.get("VM", journey.vm)
    for vif in record["VIFs"]:
        if vif not in journey.vif_map:
            raise XapiError("VIF_NOT_IN_MAP", vif)
    if journey.is_copy and record["power_state"] != "Halted":
        raise XapiError("VM_BAD_POWER_STATE", vm, "halted", record["power_state"].lower())
    if record["power_state"] == "Suspended":
        raise XapiError("NOT_IMPLEMENTED", "VM.migrate_send of a suspended VM")
    peer = Peer(ctx.world, journey.dest)
    repositories, networks = list(journey.vdi_map.values()), list(journey.vif_map.values())
    ctx.outside(lambda: _ask(peer, repositories, networks))


def _ask(peer: Peer, repositories: list[str], networks: list[str]) -> None:
    host = peer.dest["host"]
    if not peer.call("host.get_enabled", host):
        raise XapiError("HOST_DISABLED", host)
    for sr in repositories:
        peer.call("SR.get_uuid", sr)
    for network in networks:
        peer.call("network.get_uuid", network)


def cross(ctx: Context, journey: Journey) -> str:
    """Send the VM, or a copy of it; returns its reference there."""
    vm, dest, vdi_map = journey.vm, journey.dest, journey.vdi_map
    record = ctx.db.record("VM", vm)
    is_live = record["power_state"] == "Running"
    metadata = {
        "host": dest["host"],
        "restore": not journey.is_copy,
        "live": is_live,
        "vm": _told(ctx, "VM", record),
        "uuid": record["uuid"],
        "start_time": ctx.db.get("VM_metrics", record["metrics"])["start_time"],
        "vtpms": [ctx.world.tpms[ref] for ref in record["VTPMs"]],
        "vdis": [_disk(ctx, journey, vdi) for vdi in vdi_map],
        "vbds": [_told(ctx, "VBD", ctx.db.record("VBD", ref)) for ref in record["VBDs"]],
        "vifs": [
            _told(ctx, "VIF", ctx.db.record("VIF", ref)) | {"network": journey.vif_map[ref]}
            for ref in record["VIFs"]
        ],
    }
    disks = [(vdi, ctx.world.content_path(vdi)) for vdi in vdi_map]
    memory = record["memory_dynamic_max"] if is_live else 0
    sending = Sending(Peer(ctx.world, dest), metadata, disks, memory)
    answer = _sent(ctx, vm, dest, sending)
    if not journey.is_copy:
        _forget(ctx, vm, list(vdi_map))
    return str(answer["vm"])


def _sent(ctx: Context, vm: str, dest: dict[str, str], sending: Sending) -> dict[str, Any]:
    def tell() -> None:
        if ctx.db.exists("task", ctx.task):
            progress = sending.sent / max(1, sending.total)
            ctx.db.write("task", ctx.task, "progress", min(0.99, progress))

    def stop() -> None:
        sending.stopped = True

    try:
        answer: dict[str, Any] = ctx.outside(sending.run, tell=tell, stop=stop)
    except XapiError as error:
        if error.description[0] != "CANNOT_CONTACT_HOST":
            raise
        if sending.at:
            raise XapiError("MIRROR_FAILED", *sending.at) from error
        hosts = (ctx.db.get("host", ctx.host)["uuid"], dest["host"])
        vm_uuid = ctx.db.get("VM", vm)["uuid"]
        raise XapiError("VM_MIGRATE_FAILED", vm_uuid, *hosts, "the connection broke") from error
    return answer


def _told(ctx: Context, class_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """What is told of an object: all but what belongs to this pool."""
    told = constructor_fields(ctx, class_name, record)
    return {name: content for name, content in told.items() if name not in _STAYS}


def _disk(ctx: Context, journey: Journey, vdi: str) -> dict[str, Any]:
    record = ctx.db.record("VDI", vdi)
    names = ("name_label", "name_description", "type", "sharable", "read_only", "virtual_size")
    kept = storage.synchronized(record["other_config"])
    return {name: record[name] for name in names} | {
        "ref": vdi,
        "SR": journey.vdi_map[vdi],
        "other_config": kept,
        "sm_config": storage.wanted_format(journey.formats, vdi),
    }


def _forget(ctx: Context, vm: str, vdis: list[str]) -> None:
    """The VM is not this pool's any more."""
    record = ctx.db.record("VM", vm)
    for class_name, field in PARTS.items():
        for ref in record[field]:
            ctx.db.destroy(class_name, ref)
    for vdi in vdis:
        storage.discard(ctx, vdi)
    if record["metrics"] != NULL:
        ctx.db.destroy("VM_metrics", record["metrics"])
    ctx.db.destroy("VM", vm)
