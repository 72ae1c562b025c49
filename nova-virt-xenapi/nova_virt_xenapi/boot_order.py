"""Keeps the disk that is to boot in the first place, which is the only one that boots.

A VBD's number is fixed when it is made, so that one moves by being made again: first the new one,
then away with the old one, so that no disk is ever without a VM. What a crash leaves, the next call
puts right.
"""

from __future__ import annotations

from typing import Any, Final

from nova_virt_interface.errors import Unsupported

from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.marks import device_mark
from nova_virt_xenapi.records import Found
from nova_virt_xenapi.session import Session

__all__ = ["BootOrder"]

_FIRST: Final = "0"
_MOST: Final = 16
# fmt: off
_COPIED: Final = (
    "VM", "VDI", "bootable", "mode", "type", "unpluggable", "empty", "other_config",
    "qos_algorithm_type", "qos_algorithm_params",
)
# fmt: on

Rows = dict[str, dict[str, Any]]


class BootOrder:
    """Of VMs that are stopped."""

    def __init__(self, session: Session, cache: Cache) -> None:
        self._session = session
        self._cache = cache

    def arrange(self, vm: Found) -> None:
        """Bring the disk of the lowest boot index to the first place."""
        if vm.record["power_state"] != "Halted":
            return
        records = self._cache.rows("VBD")
        mine = {
            ref: row
            for ref, row in records.items()
            if row["VM"] == vm.ref and device_mark(row) is not None
        }
        self._remove_doubles(mine)
        boots = {ref: index for ref, row in mine.items() if (index := _boot_index(row)) is not None}
        if not boots:
            return
        wanted = min(boots, key=lambda ref: boots[ref])
        first = next((ref for ref, row in mine.items() if row["userdevice"] == _FIRST), None)
        if first == wanted:
            return
        if first is not None:
            self._move(mine, first, _free(mine))
        self._move(mine, wanted, _FIRST)

    def _remove_doubles(self, mine: Rows) -> None:
        """Of two connections of one disk, the one with the higher number goes."""
        seen: set[str] = set()
        for ref in sorted(mine, key=lambda ref: int(mine[ref]["userdevice"])):
            if mine[ref]["VDI"] in seen:
                self._session.call("VBD.destroy", ref)
                del mine[ref]
            else:
                seen.add(mine[ref]["VDI"])

    def _move(self, mine: Rows, ref: str, device: str) -> None:
        row = mine.pop(ref)
        record = {name: row[name] for name in _COPIED} | {"userdevice": device}
        mine[self._session.call("VBD.create", record)] = {**row, "userdevice": device}
        self._session.call("VBD.destroy", ref)


def _boot_index(row: dict[str, Any]) -> int | None:
    mark = device_mark(row)
    return None if mark is None else mark.boot_index


def _free(mine: Rows) -> str:
    used = {row["userdevice"] for row in mine.values()}
    for number in range(1, _MOST):
        if str(number) not in used:
            return str(number)
    raise Unsupported("a VM here has at most 16 disks", field="disks")
