"""Checkpoints of VMs: a moment's settings and disks, which are kept while the VM goes on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from nova_virt_interface.errors import BackendError, NotFound
from nova_virt_interface.rollback import undone_by

from nova_virt_hyperv.cim import Instance, Number, Reference, embedded, equals, select
from nova_virt_hyperv.machines import Machine, Services, about_vm
from nova_virt_hyperv.mark import Mark
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["Checkpoint", "Checkpoints"]

_SETTINGS = "Msvm_VirtualSystemSettingData"
_SNAPSHOT = equals("VirtualSystemType", "Microsoft:Hyper-V:Snapshot:Realized")
# SnapshotType: memory too, where there is some.
_FULL = 2
# ConsistencyLevel of Msvm_VirtualSystemSnapshotSettingData.
_APPLICATION_CONSISTENT = Number(1, "uint8")


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint."""

    settings: Reference
    name: str
    mark: Mark | None
    """That of its VM at that moment."""


class Checkpoints:
    """The snapshot service of one host."""

    def __init__(self, wmi: Wmi, services: Services) -> None:
        self._wmi = wmi
        self._service = services.checkpoints
        self._machines = services.machines

    def find(self, machine: Machine, vm_uuid: UUID, name: str = "") -> list[Checkpoint]:
        """The checkpoints of a VM; those of one name, if it is given."""
        term = equals("VirtualSystemIdentifier", machine.guid)
        query = select(_SETTINGS, f"{_SNAPSHOT} AND {term}")
        found = [_checkpoint(row) for row in self._wmi.query(query, about=about_vm(vm_uuid))]
        return [item for item in found if name in ("", item.name)]

    def make(
        self, machine: Machine, vm_uuid: UUID, name: str, *, quiesced: bool = False
    ) -> Checkpoint:
        """Make a checkpoint, and give it a name of ours."""
        known = {item.settings for item in self.find(machine, vm_uuid)}
        named: list[tuple[str, Parameter]] = [("AffectedSystem", machine.system)]
        if quiesced:
            level = {"ConsistencyLevel": _APPLICATION_CONSISTENT}
            text = embedded("Msvm_VirtualSystemSnapshotSettingData", level)
            named.append(("SnapshotSettings", text))
        named.append(("SnapshotType", _FULL))

        def new() -> list[Checkpoint]:
            # The output names it only when the host made it without a job.
            return [c for c in self.find(machine, vm_uuid) if c.settings not in known]

        def undo() -> None:
            for item in new():
                self.remove(item, vm_uuid)

        with undone_by(undo):
            self._wmi.invoke(self._service, "CreateSnapshot", named, about=about_vm(vm_uuid))
            for item in new():
                self._rename(item, vm_uuid, name)
                return Checkpoint(item.settings, name, item.mark)
        raise BackendError(f"a checkpoint of VM {vm_uuid} vanished", may_have_been_done=True)

    def apply(self, checkpoint: Checkpoint, vm_uuid: UUID) -> None:
        """Bring a VM that is off back to a checkpoint."""
        named = [("Snapshot", checkpoint.settings)]
        self._wmi.invoke(self._service, "ApplySnapshot", named, about=about_vm(vm_uuid))

    def remove(self, checkpoint: Checkpoint, vm_uuid: UUID) -> None:
        """Delete a checkpoint; the VM stays as it is now. One that is gone is no error."""
        named = [("AffectedSnapshot", checkpoint.settings)]
        try:
            self._wmi.invoke(self._service, "DestroySnapshot", named, about=about_vm(vm_uuid))
        except NotFound:
            return

    def _rename(self, item: Checkpoint, vm_uuid: UUID, name: str) -> None:
        settings = {"InstanceID": item.settings.key("InstanceID"), "ElementName": name}
        self._wmi.invoke(
            self._machines,
            "ModifySystemSettings",
            [("SystemSettings", embedded(_SETTINGS, settings))],
            about=about_vm(vm_uuid),
        )


def _checkpoint(row: Instance) -> Checkpoint:
    return Checkpoint(
        settings=Reference(_SETTINGS, (("InstanceID", row.text("InstanceID")),)),
        name=row.text("ElementName"),
        mark=Mark.read("\n".join(row.texts("Notes"))),
    )
