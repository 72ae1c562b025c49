"""Settings of the switch ports that VMs are connected to: VLANs and limits.

https://learn.microsoft.com/windows/win32/hyperv_v2/addfeaturesettings-msvm-virtualsystemmanagementservice
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from nova_virt_hyperv.testing.simulator import embedded
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import Machine, Machines
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row

__all__ = ["SwitchPorts", "is_port_setting", "port_settings"]

_FEATURE = "Msvm_EthernetSwitchPortFeatureSettingData"
_VLAN = "Msvm_EthernetSwitchPortVlanSettingData"
_CONNECTION = "Msvm_EthernetPortAllocationSettingData"
_ACCESS, _MOST_VLAN = 1, 4094


class SwitchPorts:
    """AddFeatureSettings."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._machines = machines
        service = "Msvm_VirtualSystemManagementService"
        host.handlers[(service, "AddFeatureSettings")] = self._add

    def _add(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine = self._machines.of(given.get("AffectedConfiguration"))
        keys = dict(given["AffectedConfiguration"].keys)
        port = next((row for row in machine.resources if row.is_named(keys)), None)
        if port is None or port.cls.name != _CONNECTION:
            raise Refused(32773, f"no switch port {keys}")
        made = [self._made(host, port, text) for text in given.get("FeatureSettings") or ()]
        if not made:
            raise Refused(32773, "no feature settings")

        def effect() -> None:
            machine.resources = [*machine.resources, *made]

        outputs = {"ResultingFeatureSettings": [row.ref for row in made]}
        return host.run("Adding feature settings", effect, outputs)

    @staticmethod
    def _made(host: Host, port: Row, text: str) -> Row:
        wanted = embedded.read(text, host.schema, VIRTUALIZATION, _FEATURE)
        if wanted.cls.name == _VLAN and (
            wanted["OperationMode"] != _ACCESS or not 1 <= wanted["AccessVlanId"] <= _MOST_VLAN
        ):
            raise Refused(32773, f"no access to VLAN {wanted['AccessVlanId']}")
        name = f"{port['InstanceID']}\\{str(uuid4()).upper()}"
        row = host.make(wanted.cls.name, InstanceID=name)
        row.values |= {key: value for key, value in wanted.values.items() if value is not None}
        return row


def port_settings(machine: Machine) -> list[dict[str, Any]]:
    """What is set of a VM's switch ports: the NIC that is connected, VLAN and limit."""
    names = {
        str(row["InstanceID"]): row["ElementName"]
        for row in machine.resources
        if row.cls.name == "Msvm_SyntheticEthernetPortSettingData"
    }
    return [
        {
            "nic": next(name for port, name in names.items() if row["InstanceID"].startswith(port)),
            "vlan": row["AccessVlanId"],
            "bits_per_second": row["Limit"],
        }
        for row in machine.resources
        if is_port_setting(row)
    ]


def is_port_setting(row: Row) -> bool:
    """Whether a row is about a switch port."""
    return row.cls.superclass == _FEATURE
