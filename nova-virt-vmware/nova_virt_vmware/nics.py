"""NICs of a VM that exists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface import offers
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, Resource
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest, NicSpec
from pyVmomi import vim

from nova_virt_vmware import devices, translate
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Vms

__all__ = ["Nics", "nic_mark"]

_PATHS = ["config.extraConfig", "config.hardware.device", *translate.POWER_PATHS]


class Nics:
    """Plugs NICs into VMs; vSphere does not ask the guest."""

    def __init__(
        self, session: Session, networks: Networks, vms: Vms, host: HostDescription
    ) -> None:
        self._session = session
        self._networks = networks
        self._vms = vms
        self._host = host

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        spec = request.nic
        offers.check_nic(spec, self._host)
        found = self._vms.ours(vm_uuid, _PATHS)
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.NIC + spec.key)
        if mark is not None:
            _require_equal(spec, mark)
            return
        if devices.of_mac(found.facts["config.hardware.device"], spec.mac):
            raise Conflict(
                f"the VM has a NIC of MAC address {spec.mac}", resource=Resource.NIC, name=spec.key
            )
        translate.require_pluggable(vm_uuid, found.facts)
        backing = self._networks.backings({spec.backing.name})[spec.backing.name]
        change = devices.added_nic(spec, 0, backing)
        self._reconfigure(vm_uuid, found.vm_id, [change], spec.key, nic_mark(spec))

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        found = self._vms.ours(vm_uuid, _PATHS)
        mark = translate.marks(found.facts["config.extraConfig"]).get(translate.NIC + request.key)
        if mark is None:
            return
        translate.require_pluggable(vm_uuid, found.facts)
        card = devices.of_mac(found.facts["config.hardware.device"], mark.partition(" ")[0])
        changes = [devices.removed(card)] if card else []
        self._reconfigure(vm_uuid, found.vm_id, changes, request.key, "")

    def _reconfigure(
        self, vm_uuid: UUID, vm_id: str, changes: list[Any], key: str, mark: str
    ) -> None:
        option = vim.option.OptionValue(key=translate.NIC + key, value=mark)
        spec = vim.vm.ConfigSpec(deviceChange=changes, extraConfig=[option])
        self._session.run(
            f"changing the NICs of VM {vm_uuid}",
            lambda api: vim.VirtualMachine(vm_id, api.stub).ReconfigVM_Task(spec),
        )


def nic_mark(spec: NicSpec) -> str:
    """What the VM keeps about a NIC: how to find it, and what it was made from."""
    return f"{spec.mac} {spec_digest(spec)}"


def _require_equal(spec: NicSpec, mark: str) -> None:
    if mark != nic_mark(spec):
        raise Conflict(
            f"the VM has a NIC {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.NIC,
            name=spec.key,
        )
