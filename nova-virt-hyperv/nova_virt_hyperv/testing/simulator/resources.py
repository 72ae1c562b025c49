"""Virtual resources of a VM: which can be added where, and what happens when they go.

https://learn.microsoft.com/windows/win32/hyperv_v2/addresourcesettings-msvm-virtualsystemmanagementservice
https://learn.microsoft.com/windows/win32/hyperv_v2/modifyresourcesettings-msvm-virtualsystemmanagementservice
https://learn.microsoft.com/windows/win32/hyperv_v2/removeresourcesettings-msvm-virtualsystemmanagementservice
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nova_virt_hyperv.testing.simulator import embedded, vhdx
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row
from nova_virt_hyperv.testing.simulator.wql import BadQuery, parse_path

if TYPE_CHECKING:
    from nova_virt_hyperv.testing.simulator.machines import Machine, Machines

__all__ = [
    "HARD_DISK",
    "PHYSICAL_DRIVE",
    "Resources",
    "add_resource",
    "ancestor",
    "boot_sources",
    "children",
]

_OFF = 3
_PREFIX = "Microsoft:Hyper-V:"
_SCSI, _IDE = "Synthetic SCSI Controller", "Emulated IDE Controller"
_DISK_DRIVE, _DVD_DRIVE = "Synthetic Disk Drive", "Synthetic DVD Drive"
_PHYSICAL = "Physical Disk Drive"
_NIC, _CONNECTION = "Synthetic Ethernet Port", "Ethernet Connection"
_HARD_DISK, _DVD = "Virtual Hard Disk", "Virtual CD/DVD Disk"
HARD_DISK = _PREFIX + _HARD_DISK
PHYSICAL_DRIVE = _PREFIX + _PHYSICAL
_SLOTS = {_SCSI: 64, _IDE: 2}
_MOST_SCSI_CONTROLLERS, _MOST_NICS = 4, 8
# ResourceSubType to ResourceType and class.
_KINDS = {
    _SCSI: (6, "Msvm_ResourceAllocationSettingData"),
    _DISK_DRIVE: (17, "Msvm_ResourceAllocationSettingData"),
    _PHYSICAL: (17, "Msvm_ResourceAllocationSettingData"),
    _DVD_DRIVE: (16, "Msvm_ResourceAllocationSettingData"),
    _HARD_DISK: (31, "Msvm_StorageAllocationSettingData"),
    _DVD: (31, "Msvm_StorageAllocationSettingData"),
    _NIC: (10, "Msvm_SyntheticEthernetPortSettingData"),
    _CONNECTION: (33, "Msvm_EthernetPortAllocationSettingData"),
    "Processor": (3, "Msvm_ProcessorSettingData"),
    "Memory": (4, "Msvm_MemorySettingData"),
}


_OFFLINE = ("Msvm_ProcessorSettingData", "Msvm_MemorySettingData")


class Resources:
    """AddResourceSettings, ModifyResourceSettings and RemoveResourceSettings."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._machines = machines
        service = "Msvm_VirtualSystemManagementService"
        host.handlers[(service, "AddResourceSettings")] = self._add
        host.handlers[(service, "ModifyResourceSettings")] = self._modify
        host.handlers[(service, "RemoveResourceSettings")] = self._remove

    def _add(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine = self._machines.of(given.get("AffectedConfiguration"))
        texts = given.get("ResourceSettings") or []
        if not texts:
            raise Refused(32773, "no resource settings")
        wanted = [embedded.read(text, host.schema, VIRTUALIZATION) for text in texts]
        before = list(machine.resources)
        try:
            made = [add_resource(host, machine, row) for row in wanted]
            for row in made:
                if row["ResourceSubType"] == PHYSICAL_DRIVE:
                    self._require_free(row)
        finally:
            after, machine.resources = machine.resources, before
        outputs: dict[str, Any] = {"ResultingResourceSettings": [row.ref for row in made]}

        def effect() -> None:
            new = [row for row in after if row not in before]
            for row in new:
                if machine.state != _OFF and row["ResourceSubType"] == HARD_DISK:
                    self._machines.require_alone(machine, row)
            machine.resources = [*machine.resources, *new]

        return host.run("Adding virtual resources", effect, outputs)

    def _require_free(self, drive: Row) -> None:
        """Refused unless the host has the disk, does not use it, and no other VM has it."""
        paths = drive["HostResource"] or []
        if len(paths) != 1 or self._machines.drive_file(paths[0]) is None:
            raise Refused(32773, f"no physical disk {paths}")
        for machine in self._machines.by_guid.values():
            for row in machine.resources:
                if row is drive or row["ResourceSubType"] != PHYSICAL_DRIVE:
                    continue
                if row["HostResource"] == paths:
                    raise Refused(32774, f"{paths[0]} is in use")

    def _modify(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        texts = given.get("ResourceSettings") or []
        if not texts:
            raise Refused(32773, "no resource settings")
        changes: list[tuple[Row, Row]] = []
        for text in texts:
            wanted = embedded.read(text, host.schema, VIRTUALIZATION)
            machine = self._machines.of(wanted.ref)
            row = next((r for r in machine.resources if r.is_named(dict(wanted.ref.keys))), None)
            if row is None or row.cls is not wanted.cls:
                raise Refused(32773, f"no resource {wanted.ref.keys}")
            if row.cls.name in _OFFLINE and machine.state != _OFF:
                raise Refused(32775, f"{row.cls.name} does not change while the VM runs")
            _check_quantity(row, wanted)
            changes.append((row, wanted))

        def effect() -> None:
            for row, wanted in changes:
                row.values |= {k: v for k, v in wanted.values.items() if v is not None}

        return host.run("Modifying virtual resources", effect)

    def _remove(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        refs = given.get("ResourceSettings") or []
        if not refs:
            raise Refused(32773, "no resource settings")
        doomed: list[tuple[Machine, Row]] = []
        for ref in refs:
            machine = self._machines.of(ref)
            row = next((r for r in machine.resources if r.is_named(dict(ref.keys))), None)
            if row is None:
                raise Refused(32773, f"no resource {ref.keys}")
            _check_removal(machine, row, [item for _, item in doomed])
            doomed.append((machine, row))

        def effect() -> None:
            for machine, row in doomed:
                gone = {id(row), *(id(child) for child in children(machine, row))}
                machine.resources = [r for r in machine.resources if id(r) not in gone]

        return host.run("Removing virtual resources", effect)


def add_resource(host: Host, machine: Machine, given: Row) -> Row:
    """Check a resource and add it to the VM; Refused if Hyper-V would not take it."""
    subtype = str(given["ResourceSubType"]).removeprefix(_PREFIX)
    number, class_name = _KINDS.get(subtype, (None, ""))
    if number is None or given["ResourceType"] != number:
        raise Refused(32773, f"{subtype} has no ResourceType {given['ResourceType']}")
    # libvirt 9 sends what is in a drive as the class of the drive itself.
    lenient = class_name == "Msvm_StorageAllocationSettingData"
    if given.cls.name not in (class_name, *(["Msvm_ResourceAllocationSettingData"] * lenient)):
        raise Refused(32776, f"{subtype} is no {given.cls.name}")
    if subtype in ("Processor", "Memory"):
        return _replace(machine, class_name, given)
    row = host.make(class_name, InstanceID="")
    row.values |= {name: value for name, value in given.values.items() if value is not None}
    row["InstanceID"] = _instance_id(host, machine, row, subtype)
    machine.resources = [*machine.resources, row]
    return row


def boot_sources(host: Host, resources: list[Row]) -> list[Row]:
    """The firmware's entries for drives, and what joins the two."""
    found = []
    for drive in resources:
        subtype = str(drive["ResourceSubType"]).removeprefix(_PREFIX)
        if subtype in (_DISK_DRIVE, _DVD_DRIVE, _PHYSICAL):
            source = host.make(
                "Msvm_BootSourceSettingData",
                InstanceID=f"{drive['InstanceID']}\\BootSource",
                BootSourceType=1,
                BootSourceDescription="EFI SCSI Device",
            )
            joint = host.make(
                "Msvm_LogicalIdentity", SystemElement=drive.ref, SameElement=source.ref
            )
            found += [source, joint]
    return found


def _replace(machine: Machine, class_name: str, given: Row) -> Row:
    row = next(row for row in machine.resources if row.cls.name == class_name)
    _check_quantity(row, given)
    row.values |= {
        name: value
        for name, value in given.values.items()
        if value is not None and name != "InstanceID"
    }
    return row


def _check_quantity(row: Row, given: Row) -> None:
    """Refused unless a VM can have so many processors, or so much memory; of dynamic memory
    Reservation is the least, VirtualQuantity what it starts with, and Limit the most.
    """
    becomes = row.values | {k: v for k, v in given.values.items() if v is not None}
    quantity = becomes["VirtualQuantity"]
    if quantity is None:
        return
    odd = row.cls.name == "Msvm_MemorySettingData" and quantity % 2
    if quantity < 1 or odd:
        raise Refused(32773, f"{row.cls.name}.VirtualQuantity is {quantity}")
    if becomes.get("DynamicMemoryEnabled"):
        least, most = becomes["Reservation"], becomes["Limit"]
        if not least <= quantity <= most or least % 2 or most % 2:
            raise Refused(32773, f"dynamic memory from {least} to {most}, at first {quantity}")


def _instance_id(host: Host, machine: Machine, row: Row, subtype: str) -> str:
    if subtype in (_DISK_DRIVE, _DVD_DRIVE, _PHYSICAL):
        return _drive_id(machine, row, subtype)
    if subtype in (_HARD_DISK, _DVD):
        return _content_id(host, machine, row, subtype)
    if subtype == _CONNECTION:
        return _connection_id(host, machine, row)
    same = [r for r in machine.resources if r["ResourceSubType"] == row["ResourceSubType"]]
    most = _MOST_NICS if subtype == _NIC else _MOST_SCSI_CONTROLLERS
    if len(same) >= most:
        raise Refused(32773, f"a VM has at most {most} of {subtype}")
    if machine.state != _OFF and (subtype == _SCSI or machine.generation == 1):
        raise Refused(32775, f"{subtype} cannot be added while the VM runs")
    if subtype == _NIC and row["StaticMacAddress"]:
        _check_mac(str(row["Address"]))
    return f"Microsoft:{machine.guid}\\{str(uuid4()).upper()}"


def _check_mac(address: str) -> None:
    if re.fullmatch("[0-9A-Fa-f]{12}", address) is None or int(address[:2], 16) & 1:
        raise Refused(32773, f"{address} is no MAC address")


def _drive_id(machine: Machine, row: Row, subtype: str) -> str:
    controller = _parent(machine, row)
    kind = str(controller["ResourceSubType"]).removeprefix(_PREFIX)
    slot = str(row["AddressOnParent"])
    if kind not in _SLOTS or not slot.isdigit() or int(slot) >= _SLOTS[kind]:
        raise Refused(32773, f"{kind} has no slot {slot}")
    if any(item["AddressOnParent"] == slot for item in children(machine, controller)):
        raise Refused(32773, f"slot {slot} is taken")
    if subtype == _DVD_DRIVE and machine.generation == 1 and kind == _SCSI:
        raise Refused(32773, "a VM of the first generation has its DVD drives on IDE")
    if machine.state != _OFF and (kind == _IDE or subtype == _DVD_DRIVE):
        raise Refused(32775, f"{subtype} cannot be added while the VM runs")
    return f"{controller['InstanceID']}\\0\\{slot}\\D"


def _content_id(host: Host, machine: Machine, row: Row, subtype: str) -> str:
    drive = _parent(machine, row)
    wanted = _DISK_DRIVE if subtype == _HARD_DISK else _DVD_DRIVE
    if drive["ResourceSubType"] != _PREFIX + wanted or children(machine, drive):
        raise Refused(32773, f"{drive['InstanceID']} is no empty {wanted}")
    paths = row["HostResource"] or []
    if len(paths) != 1 or not host.file(paths[0]).is_file():
        raise Refused(32773, f"no file {paths}")
    if subtype == _HARD_DISK:
        try:
            vhdx.read(host.file(paths[0]))
        except vhdx.NotVhdx as error:
            raise Refused(32773, f"{paths[0]}: {error}") from error
    return str(drive["InstanceID"]).removesuffix("D") + "L"


def _connection_id(host: Host, machine: Machine, row: Row) -> str:
    port = _parent(machine, row)
    if port["ResourceSubType"] != _PREFIX + _NIC or children(machine, port):
        raise Refused(32773, f"{port['InstanceID']} is no unconnected port")
    for path in row["HostResource"] or []:
        try:
            keys = dict(parse_path(path).keys)
        except BadQuery as error:
            raise Refused(32773, str(error)) from error
        switches = host.rows(VIRTUALIZATION, "Msvm_VirtualEthernetSwitch")
        if not any(switch.is_named(keys) for switch in switches):
            raise Refused(32773, f"no switch {path}")
    return f"{port['InstanceID']}\\C"


def _parent(machine: Machine, row: Row) -> Row:
    try:
        path = parse_path(str(row["Parent"]))
    except BadQuery as error:
        raise Refused(32773, str(error)) from error
    for item in machine.resources:
        if item.cls.name.lower() == path.class_name.lower() and item.is_named(dict(path.keys)):
            return item
    raise Refused(32773, f"no parent {row['Parent']}")


def ancestor(machine: Machine, row: Row, generations: int) -> Row:
    """What a resource belongs to, directly or not."""
    return row if not generations else ancestor(machine, _parent(machine, row), generations - 1)


def children(machine: Machine, parent: Row) -> list[Row]:
    """What belongs to a resource, directly or not."""
    found = []
    port = f"{parent['InstanceID']}\\"
    if parent["ResourceSubType"] == _PREFIX + _CONNECTION:
        # Settings of a switch port go with it; they name it by their own names alone.
        found += [row for row in machine.resources if str(row["InstanceID"]).startswith(port)]
    for row in machine.resources:
        if (
            row["Parent"]
            and dict(parse_path(row["Parent"]).keys).get("InstanceID", "").lower()
            == str(parent["InstanceID"]).lower()
        ):
            found += [row, *children(machine, row)]
    return found


def _check_removal(machine: Machine, row: Row, before: list[Row]) -> None:
    subtype = str(row["ResourceSubType"]).removeprefix(_PREFIX)
    if row.cls.name in ("Msvm_ProcessorSettingData", "Msvm_MemorySettingData") or subtype == _IDE:
        raise Refused(32773, f"{subtype} cannot be removed")
    left = [child for child in children(machine, row) if child not in before]
    if subtype in (_DISK_DRIVE, _DVD_DRIVE, _SCSI) and left:
        raise Refused(32774, f"{subtype} is not empty")
    if machine.state != _OFF and (
        subtype in (_DVD_DRIVE, _SCSI) or (subtype == _NIC and machine.generation == 1)
    ):
        raise Refused(32775, f"{subtype} cannot be removed while the VM runs")
