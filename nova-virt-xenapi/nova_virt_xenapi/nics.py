"""NICs of VMs: a VIF each, on one of the pool's networks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Busy, Conflict, NotFound, Resource
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest, NicSpec

from nova_virt_xenapi import translate
from nova_virt_xenapi.cache import Cache, Rows
from nova_virt_xenapi.disk_hotplug import UNDO_SECONDS, require_hotplug
from nova_virt_xenapi.marks import DeviceMark, device_mark
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Found, Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks

__all__ = ["Nics"]


class Nics:
    """The NICs of one owner's VMs."""

    def __init__(
        self, session: Session, cache: Cache, tasks: Tasks, records: Records, pool: Pool
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._pool = pool

    def network(self, spec: NicSpec) -> str:
        """The network that a NIC is to be plugged into; raises NotFound or Conflict."""
        return _named(spec.backing.name, self._cache.rows("network"))

    def make(self, vm: str, spec: NicSpec, device: str) -> str:
        """Make a NIC; returns the VIF."""
        # The driver makes no networks: nothing of its own is waited for.
        networks = self._cache.told("network")
        network = _named(spec.backing.name, networks)
        mark = DeviceMark(spec.key, spec_digest(spec))
        record = translate.vif_record(vm, network, networks[network]["MTU"], spec, device, mark)
        vif: str = self._session.call("VIF.create", record)
        return vif

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        spec = request.nic
        offers.check_nic(spec, self._pool.description)
        with self._session.operation(f"NIC {spec.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            vifs = self._vifs(vm)
            existing = _of_key(vifs, spec.key)
            if existing is None:
                require_hotplug(vm)
                self.network(spec)
                with undone_by(lambda: self._detach(vm, spec.key, UNDO_SECONDS)):
                    self._plug(vm, self.make(vm.ref, spec, _free_device(vifs)))
                return
            ref, record, mark = existing
            if mark.digest != spec_digest(spec):
                raise Conflict(
                    f"the VM has a NIC {spec.key} of another spec",
                    remedy="detach it first, or use another key",
                    resource=Resource.NIC,
                    name=spec.key,
                )
            if not record["currently_attached"]:
                self._plug(vm, ref)

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        with self._session.operation(f"NIC {request.key} of {vm_uuid}"):
            vm = self._records.require(vm_uuid)
            if _of_key(self._vifs(vm), request.key) is None:
                vm = self._records.certain(vm_uuid)
            self._detach(vm, request.key, request.guest_timeout_seconds)

    def _plug(self, vm: Found, vif: str) -> None:
        if vm.record["power_state"] == "Running":
            self._session.call("VIF.plug", vif)

    def _detach(self, vm: Found, key: str, seconds: float) -> None:
        existing = _of_key(self._vifs(vm), key)
        if existing is None:
            return
        ref, record, _ = existing
        require_hotplug(vm)
        if record["currently_attached"]:
            about = f"NIC {key} of {vm.mark.vm_uuid}"
            if not self._tasks.run("VIF.unplug", ref, about=about, seconds=seconds):
                raise Busy(f"the guest does not let go of {about}", remedy="repeat it later")
        self._session.call("VIF.destroy", ref)

    def _vifs(self, vm: Found) -> dict[str, dict[str, Any]]:
        records = self._cache.rows("VIF")
        return {ref: record for ref, record in records.items() if record["VM"] == vm.ref}


def _named(name: str, networks: Rows) -> str:
    found = [ref for ref, record in networks.items() if record["uuid"] == name]
    found = found or [ref for ref, record in networks.items() if record["name_label"] == name]
    if not found:
        raise NotFound(f"the pool has no network {name}", resource=Resource.NETWORK, name=name)
    if len(found) > 1:
        raise Conflict(
            f"the pool has several networks {name}",
            remedy="name it by its uuid",
            resource=Resource.NETWORK,
            name=name,
        )
    return found[0]


def _of_key(
    vifs: dict[str, dict[str, Any]], key: str
) -> tuple[str, dict[str, Any], DeviceMark] | None:
    for ref, record in vifs.items():
        mark = device_mark(record)
        if mark is not None and mark.key == key:
            return ref, record, mark
    return None


def _free_device(vifs: dict[str, dict[str, Any]]) -> str:
    used = {record["device"] for record in vifs.values()}
    return next(str(number) for number in range(len(used) + 1) if str(number) not in used)
