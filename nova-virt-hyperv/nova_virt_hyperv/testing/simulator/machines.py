"""VMs of the simulated host: definition, change, deletion, summary.

Behaviour: the pages of Msvm_VirtualSystemManagementService's methods, below
https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-virtualsystemmanagementservice
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from nova_virt_hyperv.testing.simulator import embedded
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Ref, Refused, Row
from nova_virt_hyperv.testing.simulator.resources import HARD_DISK, add_resource, boot_sources

__all__ = ["OFF", "PAUSED", "RUNNING", "SAVED", "Machine", "Machines"]

RUNNING, OFF, SAVED, PAUSED = 2, 3, 6, 9
_GENERATIONS = ("Microsoft:Hyper-V:SubType:1", "Microsoft:Hyper-V:SubType:2")
_READ_ONLY = ("VirtualSystemIdentifier", "VirtualSystemType", "CreationTime", "Version", "IsSaved")


@dataclass(eq=False)
class Machine:
    """One VM."""

    system: Row
    settings: Row
    resources: list[Row] = field(default_factory=list)
    running_since: float = 0.0
    assigned_mib: int = 0
    """What its guest, of dynamic memory, has got since it started; 0: what it started with."""
    interrupts: int = 0
    """How many non-maskable interrupts its guest has got."""
    key_protector: bytes = b""
    listens: bool = False
    """Whether its guest has integration services, so that it can be asked to shut down."""

    @property
    def guid(self) -> str:
        """The host's name of it."""
        return str(self.system["Name"])

    @property
    def state(self) -> int:
        """Its EnabledState."""
        return int(self.system["EnabledState"])

    @property
    def generation(self) -> int:
        """1 or 2."""
        return _GENERATIONS.index(self.settings["VirtualSystemSubType"]) + 1

    def change(self, state: int) -> None:
        """Enter a state."""
        if state == OFF:
            self.assigned_mib = 0
        self.system["EnabledState"] = state
        self.system["TimeOfLastStateChange"] = datetime.now(UTC)

    def uptime_ms(self) -> int:
        """How long it has been running."""
        return int(1000 * (time.monotonic() - self.running_since)) if self.running_since else 0

    def quantity(self, class_name: str) -> int:
        """How many processors, or how many MiB of memory, it has."""
        return next(
            int(row["VirtualQuantity"]) for row in self.resources if row.cls.name == class_name
        )

    def memory_mib(self) -> int:
        """The memory that it holds now."""
        if self.state not in (RUNNING, PAUSED):
            return 0
        return self.assigned_mib or self.quantity("Msvm_MemorySettingData")


class Machines:
    """All VMs of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.by_guid: dict[str, Machine] = {}
        self.on_destruction: list[Callable[[Machine], None]] = []
        self.drive_file: Callable[[str], Path | None] = lambda path: None
        """The file behind a physical disk, by the path of its Msvm_DiskDrive."""
        self.before_start: list[Callable[[Machine], str]] = []
        """Each says why a VM does not start; nothing if it does."""
        # As large a virtual NUMA node as a physical one.
        given = host.configuration
        self.defaults: dict[str, dict[str, Any]] = {
            "Msvm_ProcessorSettingData": {
                "MaxProcessorsPerNumaNode": given.processors // given.numa_nodes
            },
            "Msvm_MemorySettingData": {
                "MaxMemoryBlocksPerNumaNode": given.memory_mib // given.numa_nodes
            },
        }
        for class_name, values in self.defaults.items():
            instance_id = f"Microsoft:Definition\\{str(uuid4()).upper()}\\Default"
            host.keep(host.make(class_name, InstanceID=instance_id, **values))
        service = "Msvm_VirtualSystemManagementService"
        host.keep(host.make(service, SystemName=host.configuration.name))
        host.keep(
            host.make(
                "Msvm_ComputerSystem",
                Name=host.configuration.name,
                ElementName=host.configuration.name,
                Caption="Hosting Computer System",
                Description="Microsoft Hosting Computer System",
            )
        )
        host.add_source(self._rows, VIRTUALIZATION)
        for name, handler in (
            ("DefineSystem", self._define),
            ("DestroySystem", self._destroy),
            ("ModifySystemSettings", self._modify),
        ):
            host.handlers[(service, name)] = handler

    def of(self, ref: Ref | None) -> Machine:
        """The VM whose system or settings a reference names; Refused if there is none."""
        text = "" if ref is None else next((t for _, t in reversed(ref.keys)), "")
        guid = text.removeprefix("Microsoft:").partition("\\")[0].upper()
        if guid not in self.by_guid:
            raise Refused(32773, f"no VM {guid}")
        return self.by_guid[guid]

    def make(self, settings: Row) -> str:
        """Make a VM at once, as an operator would; returns its GUID."""
        guid = str(uuid4()).upper()
        self.by_guid[guid] = self._new(guid, settings, _GENERATIONS[0])
        return guid

    def require_alone(self, machine: Machine, disk: Row) -> None:
        """JobFailed if another VM that executes has the disk, and the two do not share it: each
        needs it with persistent reservations (a shared virtual hard disk, since 2012 R2).
        """
        path = str(disk["HostResource"][0]).lower()
        for other in self.by_guid.values():
            for row in other.resources:
                if other is machine or other.state == OFF or row["ResourceSubType"] != HARD_DISK:
                    continue
                shared = (
                    row["PersistentReservationsSupported"]
                    and disk["PersistentReservationsSupported"]
                )
                if str(row["HostResource"][0]).lower() == path and not shared:
                    raise JobFailed(
                        f"'{path}': The process cannot access the file because it is being used "
                        "by another process. (0x80070020)."
                    )

    def free_memory_mib(self) -> int:
        """What no VM holds."""
        used = sum(machine.memory_mib() for machine in self.by_guid.values())
        return self._host.configuration.memory_mib - used

    def _rows(self) -> list[Row]:
        found = []
        for machine in self.by_guid.values():
            machine.system["OnTimeInMilliseconds"] = machine.uptime_ms()
            found += [machine.system, machine.settings, *machine.resources]
            found += boot_sources(self._host, machine.resources)
        return found

    def _define(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        if given.get("ReferenceConfiguration") is not None:
            raise Refused(1, "reference configurations are not simulated")
        settings = embedded.read(
            given["SystemSettings"], host.schema, VIRTUALIZATION, "Msvm_VirtualSystemSettingData"
        )
        subtype = settings["VirtualSystemSubType"] or _GENERATIONS[0]
        if subtype not in _GENERATIONS:
            raise Refused(32773, f"unknown generation {subtype}")
        # VirtualSystemIdentifier is documented as read-only: the host chooses the GUID.
        guid = str(uuid4()).upper()
        machine = self._new(guid, settings, subtype)
        texts = given.get("ResourceSettings") or []
        for text in texts:
            add_resource(host, machine, embedded.read(text, host.schema, VIRTUALIZATION))
        outputs: dict[str, Any] = {}

        def effect() -> None:
            self.by_guid[guid] = machine
            outputs["ResultingSystem"] = machine.system.ref

        return host.run("Defining a virtual machine", effect, outputs)

    def _new(self, guid: str, given: Row, subtype: str) -> Machine:
        host = self._host
        now = datetime.now(UTC)
        system = host.make(
            "Msvm_ComputerSystem",
            Name=guid,
            Caption="Virtual Machine",
            Description="Microsoft Virtual Computer System",
            ElementName=given["ElementName"] or "New Virtual Machine",
            EnabledState=OFF,
            RequestedState=12,
            InstallDate=now,
            TimeOfLastStateChange=now,
        )
        settings = host.make(
            "Msvm_VirtualSystemSettingData",
            InstanceID=f"Microsoft:{guid}",
            ElementName=system["ElementName"],
            VirtualSystemIdentifier=guid,
            VirtualSystemType="Microsoft:Hyper-V:System:Realized",
            CreationTime=now,
            BIOSGUID=f"{{{str(uuid4()).upper()}}}",
            Version="9.0",
            AutomaticStartupAction=3,
            AutomaticShutdownAction=3,
            AutomaticRecoveryAction=3,
            BootOrder=[1, 2, 3, 0],
            Architecture="x64",
        )
        if subtype == _GENERATIONS[1]:
            settings["SecureBootEnabled"] = True
        settings["VirtualSystemSubType"] = subtype
        machine = Machine(system, settings)
        _apply(settings, given)
        for class_name in (
            "Msvm_ProcessorSettingData",
            "Msvm_MemorySettingData",
            "Msvm_SecuritySettingData",
        ):
            instance_id = f"Microsoft:{guid}\\{str(uuid4()).upper()}\\0"
            given_here = self.defaults.get(class_name, {})
            machine.resources.append(host.make(class_name, InstanceID=instance_id, **given_here))
        if subtype == _GENERATIONS[0]:
            for number in range(2):
                controller = "83F8638B-8DCA-4152-9EDA-2CA8B33039B4"
                row = host.make(
                    "Msvm_ResourceAllocationSettingData",
                    InstanceID=f"Microsoft:{guid}\\{controller}\\{number}",
                    ElementName=f"IDE Controller {number}",
                    ResourceType=5,
                    ResourceSubType="Microsoft:Hyper-V:Emulated IDE Controller",
                    Address=str(number),
                )
                machine.resources.append(row)
        return machine

    def _modify(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        settings = embedded.read(
            given["SystemSettings"], host.schema, VIRTUALIZATION, "Msvm_VirtualSystemSettingData"
        )
        if not settings["InstanceID"]:
            raise Refused(32773, "InstanceID is missing")
        snapshot = next((row for row in self._snapshots(host) if row.ref == settings.ref), None)
        if snapshot is not None:
            # Of a checkpoint only its name and notes change.
            return host.run("Modifying a checkpoint", lambda: _apply(snapshot, settings))
        machine = self.of(settings.ref)
        offline = {"BIOSGUID", "VirtualSystemSubType", "SecureBootEnabled", "BootSourceOrder"}
        if offline & settings.values.keys() and machine.state != OFF:
            raise Refused(32775, "the VM is not off")
        known = {
            _path_key(row["InstanceID"])
            for row in boot_sources(host, machine.resources)
            if row["InstanceID"]
        }
        for path in settings["BootSourceOrder"] or ():
            if machine.generation == 1 or not any(key in path.lower() for key in known):
                raise Refused(32773, f"no boot source {path}")

        def effect() -> None:
            _apply(machine.settings, settings)
            machine.system["ElementName"] = machine.settings["ElementName"]

        return host.run("Modifying virtual machine settings", effect)

    def _snapshots(self, host: Host) -> list[Row]:
        rows = host.rows(VIRTUALIZATION, "Msvm_VirtualSystemSettingData")
        return [row for row in rows if ":Snapshot:" in str(row["VirtualSystemType"])]

    def _destroy(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine = self.of(given.get("AffectedSystem"))
        if machine.state not in (OFF, SAVED):
            raise Refused(32775, "the VM is not off")

        def effect() -> None:
            if machine.state not in (OFF, SAVED):
                raise JobFailed("The virtual machine is not off.", 32775)
            self.by_guid.pop(machine.guid, None)
            for forget in self.on_destruction:
                forget(machine)

        return host.run("Destroying a virtual machine", effect)


def _apply(settings: Row, given: Row) -> None:
    for name, value in given.values.items():
        if name not in (*_READ_ONLY, "InstanceID", "VirtualSystemSubType") and value is not None:
            settings[name] = value


def _path_key(instance_id: str) -> str:
    escaped = instance_id.replace("\\", "\\\\").lower()
    return f'"{escaped}"'
