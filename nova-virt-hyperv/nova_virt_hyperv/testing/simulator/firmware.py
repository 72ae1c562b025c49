"""What the firmware of a VM boots.

Second generation: https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-virtualsystemsettingdata
(BootSourceOrder). First: BootOrder of the same page, and the slots of the IDE controllers in turn.
"""

from __future__ import annotations

from nova_virt_hyperv.testing.simulator.machines import Machine
from nova_virt_hyperv.testing.simulator.model import Row
from nova_virt_hyperv.testing.simulator.resources import (
    HARD_DISK,
    PHYSICAL_DRIVE,
    ancestor,
    children,
)

__all__ = ["booted_file"]

_CD, _DISK = 1, 2
_IDE_TYPE = 5
_DVD = "Microsoft:Hyper-V:Virtual CD/DVD Disk"


def booted_file(machine: Machine) -> str:
    """The file that the VM's firmware boots; empty if there is none."""
    contents = [row for row in machine.resources if row["ResourceSubType"] in (HARD_DISK, _DVD)]
    found = _by_list(machine) if machine.generation != 1 else _by_kind(machine, contents)
    return str(found["HostResource"][0]) if found else ""


def _by_list(machine: Machine) -> Row | None:
    for path in machine.settings["BootSourceOrder"] or ():
        for drive in machine.resources:
            source = f"{drive['InstanceID']}\\BootSource".replace("\\", "\\\\")
            if f'"{source}"'.lower() in path.lower():
                if drive["ResourceSubType"] == PHYSICAL_DRIVE:
                    return drive
                return next(iter(children(machine, drive)), None)
    return None


def _by_kind(machine: Machine, contents: list[Row]) -> Row | None:
    def place(row: Row) -> tuple[str, str]:
        controller = ancestor(machine, row, 2)
        return str(controller["Address"]), str(ancestor(machine, row, 1)["AddressOnParent"])

    on_ide = [row for row in contents if ancestor(machine, row, 2)["ResourceType"] == _IDE_TYPE]
    for kind in machine.settings["BootOrder"] or ():
        wanted = {_CD: _DVD, _DISK: HARD_DISK}.get(kind)
        of_kind = sorted((row for row in on_ide if row["ResourceSubType"] == wanted), key=place)
        if of_kind:
            return of_kind[0]
    return None
