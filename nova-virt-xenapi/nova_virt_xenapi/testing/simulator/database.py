"""The tables, with what an event stream needs: a generation for each change."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from nova_virt_xenapi.testing.simulator.datamodel import DataModel, datamodel
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.types import NULL

__all__ = ["Database", "Row"]

# (class, field) of a reference → (class, field) of the set that mirrors it
_MIRRORED = {
    ("VBD", "VM"): "VBDs",
    ("VBD", "VDI"): "VBDs",
    ("VIF", "VM"): "VIFs",
    ("VTPM", "VM"): "VTPMs",
    ("VIF", "network"): "VIFs",
    ("VDI", "SR"): "VDIs",
    ("PBD", "SR"): "PBDs",
    ("PBD", "host"): "PBDs",
    ("PIF", "host"): "PIFs",
    ("PIF", "network"): "PIFs",
    ("host_cpu", "host"): "host_CPUs",
    ("console", "VM"): "consoles",
    ("VM", "resident_on"): "resident_VMs",
}


@dataclass
class Row:
    """An object, and when it was made and changed last, in generations."""

    values: dict[str, Any]
    created: int
    modified: int


@dataclass
class Database:
    """All objects by class and reference. Whoever uses it holds ``lock``."""

    model: DataModel = field(default_factory=datamodel)
    lock: threading.Condition = field(default_factory=threading.Condition)
    generation: int = 1
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    deleted: list[tuple[str, str, int, int]] = field(default_factory=list)
    """Class, reference, and the generations of making and deleting."""

    def __post_init__(self) -> None:
        self.tables = {name: {} for name in self.model.classes}

    def create(self, class_name: str, /, **values: Any) -> str:
        """Make an object of the given values and the model's defaults; returns its reference."""
        model = self.model.classes[class_name]
        ref = f"OpaqueRef:{uuid.uuid4()}"
        row = {name: described.default() for name, described in model.fields.items()}
        row["uuid"] = str(uuid.uuid4())
        assert values.keys() <= row.keys(), values.keys() - row.keys()  # noqa: S101
        born = self._next()
        self.tables[class_name][ref] = Row(row, born, born)
        for name, value in values.items():
            self.write(class_name, ref, name, value)
        return ref

    def destroy(self, class_name: str, ref: str) -> None:
        """Remove an object."""
        row = self.row(class_name, ref)
        for name in row.values:
            self._unmirror(class_name, ref, name)
        del self.tables[class_name][ref]
        self.deleted.append((class_name, ref, row.created, self._next()))

    def write(self, class_name: str, ref: str, name: str, value: Any) -> None:
        """Set a field. A value that is there already changes nothing and tells nobody."""
        row = self.row(class_name, ref)
        if row.values[name] != value:
            self._unmirror(class_name, ref, name)
            row.values[name] = value
            row.modified = self._next()
            self._mirror(class_name, ref, name)

    def row(self, class_name: str, ref: str) -> Row:
        """The object; raises HANDLE_INVALID."""
        row = self.tables[class_name].get(ref)
        if row is None:
            raise XapiError("HANDLE_INVALID", class_name, ref)
        return row

    def get(self, class_name: str, ref: str) -> dict[str, Any]:
        """The fields of an object; not to be changed."""
        return self.row(class_name, ref).values

    def exists(self, class_name: str, ref: str) -> bool:
        """Whether the reference is of an object."""
        return ref in self.tables[class_name]

    def record(self, class_name: str, ref: str) -> dict[str, Any]:
        """A copy of an object."""
        return deepcopy(self.get(class_name, ref))

    def where(self, class_name: str, /, **values: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """All objects that have these values."""
        for ref, row in list(self.tables[class_name].items()):
            if all(row.values[name] == value for name, value in values.items()):
                yield ref, row.values

    def touch(self, class_name: str, ref: str) -> None:
        """Count an object as changed."""
        self.row(class_name, ref).modified = self._next()

    def _next(self) -> int:
        self.generation += 1
        self.lock.notify_all()
        return self.generation

    def _mirror(self, class_name: str, ref: str, name: str) -> None:
        if (found := self._other_side(class_name, ref, name)) is not None:
            found.values[_MIRRORED[class_name, name]].append(ref)
            found.modified = self._next()

    def _unmirror(self, class_name: str, ref: str, name: str) -> None:
        found = self._other_side(class_name, ref, name)
        if found is not None and ref in found.values[_MIRRORED[class_name, name]]:
            found.values[_MIRRORED[class_name, name]].remove(ref)
            found.modified = self._next()

    def _other_side(self, class_name: str, ref: str, name: str) -> Row | None:
        if (class_name, name) not in _MIRRORED:
            return None
        described = self.model.classes[class_name].fields[name]
        target = self.tables[class_name][ref].values[name]
        return None if target == NULL else self.tables[described.type.name].get(target)
