"""Migration of VMs between simulated hosts.

https://learn.microsoft.com/windows/win32/hyperv_v2/migratevirtualsystemtohost-msvm-virtualsystemmigrationservice
https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-virtualsystemmigrationsettingdata (types)
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

from nova_virt_hyperv.testing.simulator import embedded, vhdx
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import RUNNING, Machine, Machines
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Refused, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Migration"]

_VM, _VM_AND_STORAGE = 32768, 32771
_SETTINGS = "Msvm_VirtualSystemMigrationSettingData"
_FILES = ("Microsoft:Hyper-V:Virtual Hard Disk", "Microsoft:Hyper-V:Virtual CD/DVD Disk")


class Migration:
    """MigrateVirtualSystemToHost."""

    _by_host: ClassVar[dict[int, Migration]] = {}

    def __init__(self, host: Host, machines: Machines) -> None:
        self._host = host
        self.machines = machines
        self.next_seconds: float | None = None
        self._by_host[id(host)] = self
        service = "Msvm_VirtualSystemMigrationService"
        name = host.configuration.name
        addresses = ["127.0.0.1"]
        host.keep(
            host.make(service, SystemName=name, MigrationServiceListenerIPAddressList=addresses)
        )
        host.keep(
            host.make(
                "Msvm_VirtualSystemMigrationServiceSettingData",
                InstanceID=f"Microsoft:{name}",
                EnableVirtualSystemMigration=True,
            )
        )
        host.handlers[(service, "MigrateVirtualSystemToHost")] = self._migrate

    def _migrate(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine = self.machines.of(given.get("ComputerSystem"))
        text = given.get("MigrationSettingData") or ""
        settings = embedded.read(text, host.schema, VIRTUALIZATION, _SETTINGS)
        kind, name = settings["MigrationType"], given.get("DestinationHost") or ""
        if kind not in (_VM, _VM_AND_STORAGE):
            raise Refused(32773, f"MigrationType {kind} is not simulated")
        if machine.state != RUNNING:
            raise Refused(32775, "the VM does not run")
        texts = given.get("NewResourceSettingData") or []
        moved = [embedded.read(item, host.schema, VIRTUALIZATION) for item in texts]
        if (kind == _VM) == bool(moved):
            raise Refused(32773, "new places go with a migration of storage")

        def fails() -> str:
            there = host.neighbours.get(name.lower())
            if there is None or there.away or host.away:
                return f"Failed to establish a connection with host '{name}'. (0x8007274C)."
            return ""

        seconds, self.next_seconds = self.next_seconds, None
        return host.run(
            "Moving Virtual Machine",
            lambda: self._switch_over(machine, name, moved),
            kind="Msvm_MigrationJob",
            seconds=seconds,
            fails=fails,
            VirtualSystemName=machine.guid,
            DestinationHost=name,
            MigrationType=kind,
            Cancellable=True,
        )

    def _switch_over(self, machine: Machine, name: str, moved: Sequence[Row]) -> None:
        there = self._host.neighbours[name.lower()]
        target = self._by_host[id(there)]
        if machine.guid not in self.machines.by_guid or machine.state != RUNNING:
            raise JobFailed("The virtual machine is not running any more. (0x80070490).", 32775)
        if machine.guid in target.machines.by_guid:
            raise JobFailed("A virtual machine of this identity exists. (0x800700B7).")
        if machine.memory_mib() > target.machines.free_memory_mib():
            raise JobFailed("Not enough memory in the destination. (0x8007000E).")
        places = {row["InstanceID"]: row["HostResource"][0] for row in moved}
        self._move_files(machine, there, places)
        del self.machines.by_guid[machine.guid]
        for row in machine.resources:
            _rehome(row, there.configuration.name)
        target.machines.by_guid[machine.guid] = machine

    def _move_files(self, machine: Machine, there: Host, places: dict[str, str]) -> None:
        rows = [row for row in machine.resources if row["ResourceSubType"] in _FILES]
        for row in rows:
            before = str(row["HostResource"][0])
            after = places.get(row["InstanceID"], before)
            source, target = self._host.file(before), there.file(after)
            if row["ResourceSubType"] == _FILES[0]:
                parent = vhdx.read(source).parent_path
                if parent and not there.file(parent).is_file():
                    raise JobFailed(f"'{parent}' is missing there. (0x80070002).")
                if target != source:
                    if target.exists():
                        raise JobFailed(f"'{after}': The file exists. (0x80070050).")
                    shutil.copyfile(source, target)
            elif not target.is_file():
                # Media are not moved.
                raise JobFailed(f"'{after}' is missing there. (0x80070002).")
        for row in rows:
            before = str(row["HostResource"][0])
            after = places.get(row["InstanceID"], before)
            if row["ResourceSubType"] == _FILES[0] and there.file(after) != self._host.file(before):
                self._host.file(before).unlink()
            row["HostResource"] = [after]


def _rehome(row: Row, name: str) -> None:
    """Paths of WMI name the host that they are on."""
    if row["Parent"]:
        row["Parent"] = _path_on(str(row["Parent"]), name)
    if row.cls.name == "Msvm_EthernetPortAllocationSettingData":
        row["HostResource"] = [_path_on(str(path), name) for path in row["HostResource"] or ()]


def _path_on(path: str, name: str) -> str:
    return re.sub(r"^\\\\[^\\]+\\", lambda _: f"\\\\{name}\\", path)
