"""Network interfaces of a VM: those that it is made with, and those that come and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nova_virt_interface.errors import BackendError, Conflict, NotFound, Resource
from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest, NicSpec

from nova_virt_hyperv.cim import Instance, Number, embedded, equals, select
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.machines import Machine, Machines
from nova_virt_hyperv.mark import DeviceName
from nova_virt_hyperv.translate import check_nic, mac_of, mac_text
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Nics"]

_PORT = "Msvm_SyntheticEthernetPortSettingData"
_FEATURE = "Msvm_EthernetSwitchPortFeatureSettingData"
_CONNECTION = "Msvm_EthernetPortAllocationSettingData"
# OperationMode of a port in one VLAN, whose tags the guest does not see.
_ACCESS = Number(1, "uint32")


class Nics:
    """The NICs of the VMs of one host. Each is connected to a virtual switch."""

    def __init__(
        self, wmi: Wmi, machines: Machines, devices: Devices, host: HostDescription
    ) -> None:
        self._wmi = wmi
        self._machines = machines
        self._devices = devices
        self._host = host

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        spec = request.nic
        check_nic(spec, self._host)
        machine = self._machines.ours(vm_uuid)
        attached = self._attached(machine, vm_uuid, spec.key)
        if attached is not None:
            self._require_equal(vm_uuid, attached, spec)
            if self._is_complete(machine, attached, spec):
                return
        self._machines.require_pluggable(machine, vm_uuid)
        switches = self.switches((spec,))
        with undone_by(lambda: self.take_off(machine, vm_uuid, spec.key)):
            if attached is not None:
                # A call that ended in the middle left a NIC that is not connected as it is to be.
                self.take_off(machine, vm_uuid, spec.key)
            self.connect(machine, vm_uuid, (spec,), switches)

    def _is_complete(self, machine: Machine, port: Instance, spec: NicSpec) -> bool:
        """Whether a NIC is connected, and what its switch is to do with it is set."""
        about = About(f"NIC {spec.key}")
        for row in self._devices.rows(machine, _CONNECTION, about):
            if self._devices.is_child(row, port):
                wanted = len(_port_settings(spec))
                features = self._devices.rows(machine, _FEATURE, about) if wanted else ()
                prefix = row.text("InstanceID").lower()
                names = [found.text("InstanceID").lower() for found in features]
                return sum(name.startswith(prefix) for name in names) >= wanted
        return False

    @staticmethod
    def _require_equal(vm_uuid: UUID, attached: Instance, spec: NicSpec) -> None:
        if DeviceName.read(attached.text("ElementName")) != DeviceName.of(spec):
            raise Conflict(
                f"VM {vm_uuid} has a NIC {spec.key} of another spec",
                remedy="detach it first, or use another key",
                resource=Resource.NIC,
                name=spec.key,
            )

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`. Hyper-V takes a NIC away without the guest's consent."""
        machine = self._machines.ours(vm_uuid)
        self._machines.require_pluggable(machine, vm_uuid)
        self.take_off(machine, vm_uuid, request.key)

    def switches(self, specs: Sequence[NicSpec]) -> dict[str, Instance]:
        """The virtual switches of these NICs, by name; raises NotFound."""
        names = sorted({spec.backing.name for spec in specs})
        if not names:
            return {}
        terms = " OR ".join(equals("ElementName", name) for name in names)
        rows = self._wmi.query(select("Msvm_VirtualEthernetSwitch", terms))
        found: dict[str, Instance] = {}
        for name in names:
            same = [row for row in rows if row.text("ElementName") == name]
            if not same:
                raise NotFound(
                    f"the host has no virtual switch {name}", resource=Resource.NETWORK, name=name
                )
            if len(same) > 1:
                raise Conflict(
                    f"the host has {len(same)} virtual switches {name}",
                    remedy="give each of them another name",
                    resource=Resource.NETWORK,
                    name=name,
                )
            found[name] = same[0]
        return found

    def connect(
        self,
        machine: Machine,
        vm_uuid: UUID,
        specs: Sequence[NicSpec],
        switches: Mapping[str, Instance],
    ) -> None:
        """Plug NICs into a VM and connect them."""
        if not specs:
            return
        about = About(f"NICs of VM {vm_uuid}")
        self._devices.add(machine, [_port(spec) for spec in specs], about)
        rows = {row.text("ElementName"): row for row in self._devices.rows(machine, _PORT, about)}
        connections = []
        for spec in specs:
            row = rows.get(str(DeviceName.of(spec)))
            if row is None:
                raise BackendError(f"NIC {spec.key} is not where it was put")
            connections.append(self._connection(row, switches[spec.backing.name]))
        self._devices.add(machine, connections, about)
        if any(map(_port_settings, specs)):
            self._set_ports(machine, specs, rows, about)

    def _set_ports(
        self,
        machine: Machine,
        specs: Sequence[NicSpec],
        ports: Mapping[str, Instance],
        about: About,
    ) -> None:
        """Set VLAN and limit where the switch has the NICs."""
        rows = self._devices.rows(machine, _CONNECTION, about)
        for spec in specs:
            port = ports[str(DeviceName.of(spec))]
            settings = _port_settings(spec)
            for row in rows if settings else ():
                if self._devices.is_child(row, port):
                    self._devices.add_features(row, settings, about)

    def ports(self, machine: Machine, vm_uuid: UUID) -> list[tuple[str, str, str]]:
        """Key, the host's GUID and MAC address of each NIC that a VM has."""
        rows = self._devices.rows(machine, _PORT, About(f"NICs of VM {vm_uuid}"))
        return [
            (name.key, row.text("InstanceID").rpartition("\\")[2], mac_of(row.text("Address")))
            for row in rows
            if (name := DeviceName.read(row.text("ElementName"))) is not None
        ]

    def names(self, machine: Machine, vm_uuid: UUID) -> dict[str, DeviceName]:
        """The names of the NICs that a VM has, by key."""
        rows = self._devices.rows(machine, _PORT, About(f"NICs of VM {vm_uuid}"))
        found = [DeviceName.read(row.text("ElementName")) for row in rows]
        return {name.key: name for name in found if name is not None}

    def take_off(self, machine: Machine, vm_uuid: UUID, key: str) -> None:
        """Remove a NIC, if it is there."""
        found = self._attached(machine, vm_uuid, key)
        if found is not None:
            about = About(f"NIC {key} of VM {vm_uuid}", Resource.NIC)
            self._devices.remove([found], about)

    def _attached(self, machine: Machine, vm_uuid: UUID, key: str) -> Instance | None:
        about = About(f"NIC {key} of VM {vm_uuid}", Resource.NIC)
        for row in self._devices.rows(machine, _PORT, about):
            name = DeviceName.read(row.text("ElementName"))
            if name is not None and name.key == key:
                return row
        return None

    def _connection(self, port: Instance, switch: Instance) -> str:
        return embedded(
            _CONNECTION,
            {
                "ResourceType": Number(33, "uint16"),
                "ResourceSubType": "Microsoft:Hyper-V:Ethernet Connection",
                "Parent": self._devices.path(port),
                "HostResource": [self._devices.switch_path(switch)],
                "EnabledState": Number(2, "uint16"),
            },
        )


def _port(spec: NicSpec) -> str:
    return embedded(
        _PORT,
        {
            "ResourceType": Number(10, "uint16"),
            "ResourceSubType": "Microsoft:Hyper-V:Synthetic Ethernet Port",
            "ElementName": str(DeviceName.of(spec)),
            "Address": mac_text(spec.mac),
            "StaticMacAddress": True,
        },
    )


def _port_settings(spec: NicSpec) -> list[str]:
    """What the switch is to do with a NIC."""
    texts, limits = [], spec.limits
    if spec.backing.vlan_id is not None:
        vlan = Number(spec.backing.vlan_id, "uint16")
        text = embedded(
            "Msvm_EthernetSwitchPortVlanSettingData",
            {"OperationMode": _ACCESS, "AccessVlanId": vlan},
        )
        texts.append(text)
    if limits is not None and limits.sent_bytes_per_second is not None:
        limit = Number(8 * limits.sent_bytes_per_second, "uint64")
        texts.append(embedded("Msvm_EthernetSwitchPortBandwidthSettingData", {"Limit": limit}))
    return texts
