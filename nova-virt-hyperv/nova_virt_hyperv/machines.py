"""Finds VMs on the host and says what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from nova_virt_interface.errors import BackendError, NotFound, Resource
from nova_virt_interface.states import ON, PLUGGABLE, require_state
from nova_virt_interface.values.guest_settings import Firmware
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.cim import Instance, Reference, equals, select
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.faults import WmiFault
from nova_virt_hyperv.mark import Copied, Mark
from nova_virt_hyperv.translate import bios_guid, firmware_named, is_changing, power_state
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["SETTINGS", "Entry", "Machine", "Machines", "Services", "about_vm"]

SETTINGS = "Msvm_VirtualSystemSettingData"
_REALIZED = equals("VirtualSystemType", "Microsoft:Hyper-V:System:Realized")
# RequestedInformation of GetSummaryInformation.
_NAME, _ELEMENT_NAME, _NOTES, _PROCESSORS = 0, 1, 3, 4
_ENABLED_STATE, _LOAD, _MEMORY_USAGE, _UPTIME = 100, 101, 103, 105
_ASKED = (_NAME, _ELEMENT_NAME, _NOTES, _PROCESSORS, _ENABLED_STATE, _LOAD, _MEMORY_USAGE, _UPTIME)
_Result = TypeVar("_Result")
# Many fewer than fit into one response of the smallest size that a host may be set to.
_CHUNK = 40


@dataclass(frozen=True)
class Services:
    """The host's own objects, found while connecting; they stay the same as long as the host."""

    host_name: str
    machines: Reference
    """Msvm_VirtualSystemManagementService."""
    disk_files: Reference
    """Msvm_ImageManagementService."""
    checkpoints: Reference
    """Msvm_VirtualSystemSnapshotService."""
    migration: Reference
    """Msvm_VirtualSystemMigrationService."""
    security: Reference | None = None
    """Msvm_SecurityService; None: the host is older than Windows Server 2016."""


@dataclass(frozen=True)
class Machine:
    """A VM as its settings describe it."""

    guid: str
    """The host's own identity of the VM, upper case."""
    mark: Mark | None
    """None for one that nobody marked, or that is a copy of a marked one."""
    copied: Copied | None = None
    """That a cold migration has copied it."""
    firmware: Firmware = Firmware.UEFI
    """What it boots by; known of one whose settings were read."""

    @property
    def spec(self) -> str:
        """The digest of the description that it was made of; empty when it is not complete."""
        return self.mark.spec if self.mark else ""

    @property
    def mark_of_ours(self) -> Mark:
        """The mark of a VM that is ours."""
        if self.mark is None:
            raise BackendError(f"VM {self.guid} has lost its mark")
        return self.mark

    @property
    def system(self) -> Reference:
        """Its Msvm_ComputerSystem."""
        keys = (("CreationClassName", "Msvm_ComputerSystem"), ("Name", self.guid))
        return Reference("Msvm_ComputerSystem", keys)

    @property
    def settings(self) -> Reference:
        """Its Msvm_VirtualSystemSettingData."""
        return Reference(SETTINGS, (("InstanceID", f"Microsoft:{self.guid}"),))


@dataclass(frozen=True)
class Entry:
    """What one of our VMs is at the moment."""

    uuid: UUID
    machine: Machine
    name: str
    state: PowerState
    vcpus: int | None
    memory_mib: int | None
    uptime_ms: int
    load_percent: int | None = None
    is_changing: bool = False
    """It is on the way to another state, and ``state`` is the one that it leaves, or a guess: a VM
    that starts was off, or was saved.
    """


class Machines:
    """The VMs of one host."""

    def __init__(self, wmi: Wmi, services: Services, owner: str) -> None:
        self._wmi = wmi
        self._service = services.machines
        self._owner = owner
        # Which VM was ours when all were looked at last; events look every few seconds.
        self._hints: dict[UUID, Machine] = {}

    def find(self, vm_uuid: UUID) -> list[Machine]:
        """All VMs of this uuid, ours first; also those that are not ours, or not complete."""
        guid = equals("BIOSGUID", bios_guid(vm_uuid))
        name = equals("VirtualSystemIdentifier", str(vm_uuid).upper())
        query = select(SETTINGS, f"{_REALIZED} AND ({guid} OR {name})")
        rows = self._wmi.query(query, about=about_vm(vm_uuid))
        found = [_machine(row) for row in rows]
        return sorted(found, key=lambda machine: not self.is_ours(machine, vm_uuid))

    def is_ours(self, machine: Machine, vm_uuid: UUID) -> bool:
        """Whether the VM is one that this driver made under this uuid."""
        mark = machine.mark
        return mark is not None and (mark.owner, mark.uuid) == (self._owner, vm_uuid)

    def ours(self, vm_uuid: UUID) -> Machine:
        """Our complete VM of this uuid; raises NotFound."""
        for machine in self.find(vm_uuid):
            if self.is_ours(machine, vm_uuid) and machine.mark and machine.mark.spec:
                return machine
        raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))

    def on(
        self, vm_uuid: UUID, act: Callable[[Machine], _Result], *, reads: bool = False
    ) -> _Result:
        """Do something to our complete VM of this uuid; raises NotFound.

        It is looked for only if it was not seen lately, or is not there any more: a GUID never
        names another VM later.

        Args:
            vm_uuid: of the VM.
            act: does it, maybe twice.
            reads: it changes nothing, so that it is tried again whatever went wrong.
        """
        hint = self._hints.get(vm_uuid)
        if hint is not None:
            try:
                return act(hint)
            except (NotFound, BackendError) as error:
                if isinstance(error, BackendError) and not reads:
                    raise
                self._hints.pop(vm_uuid, None)
        machine = self.ours(vm_uuid)
        self._hints[vm_uuid] = machine
        return act(machine)

    def census(self) -> list[Entry]:
        """All our complete VMs: one request, unless they are too many for one response."""
        found = [entry for row in self._everybody() if (entry := self._entry(row)) is not None]
        self._hints = {entry.uuid: entry.machine for entry in found}
        return found

    def executing(self) -> int:
        """How many VMs of anybody are in the host's memory."""
        states = [power_state(row.number("EnabledState")) for row in self._everybody()]
        return sum(state in ON for state in states)

    def _everybody(self) -> list[Instance]:
        try:
            return self._summaries([])
        except BackendError as error:
            if (
                not isinstance(error.__cause__, WmiFault)
                or error.__cause__.subcode != "EncodingLimit"
            ):
                raise
            return self._summaries_in_chunks()

    def entry(self, machine: Machine, vm_uuid: UUID) -> Entry:
        """What one of our VMs is; raises NotFound."""
        for row in self._summaries([machine.settings], about_vm(vm_uuid)):
            entry = self._entry(row)
            if entry is not None:
                return entry
        raise NotFound(f"there is no VM {vm_uuid}", resource=Resource.VM, name=str(vm_uuid))

    def require_pluggable(self, machine: Machine, vm_uuid: UUID) -> None:
        """Raise InvalidState in a state in which no devices come and go."""
        require_state(vm_uuid, self.entry(machine, vm_uuid).state, *PLUGGABLE)

    def _summaries(self, of: list[Reference], about: About | None = None) -> list[Instance]:
        named: list[tuple[str, Parameter]] = [("SettingData", item) for item in of]
        named += [("RequestedInformation", number) for number in _ASKED]
        output = self._wmi.invoke(
            self._service, "GetSummaryInformation", named, about=about, changing=False
        )
        return list(output.instances("SummaryInformation"))

    def _summaries_in_chunks(self) -> list[Instance]:
        rows = self._wmi.query(select(SETTINGS, _REALIZED))
        settings = [_machine(row).settings for row in rows]
        found: list[Instance] = []
        for start in range(0, len(settings), _CHUNK):
            found += self._summaries(settings[start : start + _CHUNK])
        return found

    def _entry(self, row: Instance) -> Entry | None:
        mark = Mark.read(row.text("Notes"))
        if mark is None or mark.owner != self._owner or not mark.spec:
            return None
        if not mark.is_of(row.text("Name")):
            return None
        return Entry(
            uuid=mark.uuid,
            machine=Machine(row.text("Name").upper(), mark),
            name=row.text("ElementName"),
            state=power_state(row.number("EnabledState")),
            vcpus=row.number("NumberOfProcessors"),
            # Hyper-V reports 0 for a VM that has no memory now.
            memory_mib=row.number("MemoryUsage") or None,
            uptime_ms=row.number("UpTime") or 0,
            load_percent=row.number("ProcessorLoad"),
            is_changing=is_changing(row.number("EnabledState")),
        )


def _machine(row: Instance) -> Machine:
    guid = row.text("VirtualSystemIdentifier").upper()
    notes = "\n".join(row.texts("Notes"))
    mark = Mark.read(notes)
    return Machine(
        guid=guid,
        mark=mark if mark is not None and mark.is_of(guid) else None,
        copied=Copied.read(notes),
        firmware=firmware_named(row.text("VirtualSystemSubType")),
    )


def about_vm(vm_uuid: UUID) -> About:
    """For errors of requests about a VM."""
    return About(str(vm_uuid), Resource.VM)
