"""Checkpoints of VMs: their settings as they were, and disks that go on in new files.

https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-virtualsystemsnapshotservice and the pages
of its methods
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from nova_virt_hyperv.testing.simulator import embedded, vhdx, vhdx_data
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import OFF, SAVED, Machine, Machines
from nova_virt_hyperv.testing.simulator.model import JobFailed, Outcome, Ref, Refused, Row
from nova_virt_hyperv.testing.simulator.resources import HARD_DISK, PHYSICAL_DRIVE

__all__ = ["Checkpoint", "Checkpoints"]

_FULL = 2
_SNAPSHOT = "Microsoft:Hyper-V:Snapshot:Realized"
# What stays the VM's own when a checkpoint is applied.
_OWN = ("InstanceID", "VirtualSystemType", "VirtualSystemIdentifier", "CreationTime")


@dataclass(eq=False)
class Checkpoint:
    """One checkpoint."""

    machine: Machine
    settings: Row
    resources: list[Row]

    @property
    def guid(self) -> str:
        """The host's name of it."""
        return str(self.settings["InstanceID"]).removeprefix("Microsoft:")


class Checkpoints:
    """CreateSnapshot, ApplySnapshot and DestroySnapshot."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._host = host
        self._machines = machines
        self.all: list[Checkpoint] = []
        service = "Msvm_VirtualSystemSnapshotService"
        host.keep(host.make(service, SystemName=host.configuration.name))
        host.handlers[(service, "CreateSnapshot")] = self._create
        host.handlers[(service, "ApplySnapshot")] = self._apply
        host.handlers[(service, "DestroySnapshot")] = self._destroy
        host.add_source(self._rows, VIRTUALIZATION)
        machines.on_destruction.append(self._forget)

    def _rows(self) -> list[Row]:
        return [row for found in self.all for row in (found.settings, *found.resources)]

    def _of(self, ref: Ref | None) -> Checkpoint:
        keys = dict(ref.keys) if ref else {}
        for found in self.all:
            if keys and found.settings.is_named(keys):
                return found
        raise Refused(32773, f"no checkpoint {keys}")

    def _create(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine = self._machines.of(given.get("AffectedSystem"))
        if given.get("SnapshotType") != _FULL:
            raise Refused(32773, f"SnapshotType {given.get('SnapshotType')} is not simulated")
        if any(row["ResourceSubType"] == PHYSICAL_DRIVE for row in machine.resources):
            raise Refused(32768, "a VM with a physical disk has no checkpoints")
        if text := given.get("SnapshotSettings"):
            wanted = embedded.read(text, host.schema, VIRTUALIZATION)
            if wanted["ConsistencyLevel"] == 1 and not machine.listens:
                raise Refused(32775, "the guest has no VSS service")

        def effect() -> None:
            guid = str(uuid4()).upper()
            made = self._copy(machine, machine.settings, machine.resources, guid)
            made.settings["VirtualSystemType"] = _SNAPSHOT
            made.settings["ElementName"] = f"{machine.settings['ElementName']} - ({guid})"
            for row in machine.resources:
                if row["ResourceSubType"] == HARD_DISK:
                    row["HostResource"] = [self._fork(str(row["HostResource"][0]))]
            self.all.append(made)

        return host.run("Creating Virtual Machine Snapshot", effect)

    def _copy(self, machine: Machine, settings: Row, resources: list[Row], guid: str) -> Checkpoint:
        """A copy of settings whose identities begin with another GUID."""
        before = str(settings["InstanceID"]).removeprefix("Microsoft:")

        def renamed(row: Row) -> Row:
            values = {
                name: re.sub(re.escape(before), guid, value, flags=re.IGNORECASE)
                if isinstance(value, str) and name in ("InstanceID", "Parent")
                else value
                for name, value in row.values.items()
            }
            return Row(row.cls, values)

        return Checkpoint(machine, renamed(settings), [renamed(row) for row in resources])

    def _fork(self, path: str) -> str:
        """Let a disk go on in a new file beside it."""
        stem = re.sub(r"(_[0-9A-F-]{36})?\.a?vhdx$", "", path, flags=re.IGNORECASE)
        child = f"{stem}_{str(uuid4()).upper()}.avhdx"
        file = self._host.file(path)
        try:
            vhdx.create(self._host.file(child), vhdx.read(file).size_bytes, path)
        except (vhdx.NotVhdx, FileNotFoundError) as error:
            raise JobFailed(f"Cannot take a checkpoint of '{path}'. (0x80070002)") from error
        return child

    def _apply(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        found = self._of(given.get("Snapshot"))
        machine = found.machine
        if machine.state not in (OFF, SAVED):
            raise Refused(32775, "the VM is not off")

        def effect() -> None:
            for row in machine.resources:
                if row["ResourceSubType"] == HARD_DISK:
                    self._drop_file(str(row["HostResource"][0]), found)
            restored = self._copy(machine, found.settings, found.resources, machine.guid)
            for name, value in restored.settings.values.items():
                if name not in (*_OWN, "ElementName"):
                    machine.settings[name] = value
            machine.resources = restored.resources
            for row in machine.resources:
                if row["ResourceSubType"] == HARD_DISK:
                    row["HostResource"] = [self._fork(str(row["HostResource"][0]))]

        return host.run("Applying Virtual Machine Snapshot", effect)

    def _drop_file(self, path: str, applied: Checkpoint) -> None:
        """What was written since the last checkpoint is gone; a disk that is in none stays."""
        if path.lower().endswith(".avhdx") and path not in self._paths(applied.resources):
            self._host.file(path).unlink(missing_ok=True)

    @staticmethod
    def _paths(resources: list[Row]) -> list[str]:
        return [
            str(row["HostResource"][0]) for row in resources if row["ResourceSubType"] == HARD_DISK
        ]

    def _destroy(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        found = self._of(given.get("AffectedSnapshot"))

        def effect() -> None:
            if found not in self.all:
                raise JobFailed("The checkpoint is gone.", 32773)
            self.all.remove(found)
            for path in self._paths(found.resources):
                self._merge_into(path, found.machine)

        return host.run("Deleting Virtual Machine Snapshot", effect)

    def _merge_into(self, path: str, machine: Machine) -> None:
        """Merge the one file that is built on this one, unless a checkpoint still has it."""
        others = [c.resources for c in self.all if c.machine is machine]
        rows = [
            row
            for resources in (machine.resources, *others)
            for row in resources
            if row["ResourceSubType"] == HARD_DISK
        ]
        if any(path == row["HostResource"][0] for row in rows):
            return
        children = [row for row in rows if self._parent(str(row["HostResource"][0])) == path]
        if not children or not self._host.file(path).exists():
            return
        child = str(children[0]["HostResource"][0])
        vhdx_data.merge(self._host.file(child), self._host.file(path), self._host.file)
        self._host.file(child).unlink()
        for row in rows:
            if row["HostResource"][0] == child:
                row["HostResource"] = [path]

    def _parent(self, path: str) -> str:
        try:
            return vhdx.read(self._host.file(path)).parent_path
        except (FileNotFoundError, vhdx.NotVhdx):
            return ""

    def _forget(self, machine: Machine) -> None:
        self.all = [found for found in self.all if found.machine is not machine]
