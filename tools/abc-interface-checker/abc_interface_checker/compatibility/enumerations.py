"""Enumerations: a member that one side sends must be known to the other."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.flows import between, reader
from abc_interface_checker.compatibility.wording import last
from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import Enumeration, Package
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare"]


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """The rules ``enum-*`` for enumerations that both versions have."""
    for name, after in new.enumerations.items():
        before = old.enumerations.get(name)
        if before is not None:
            yield from _Pair(before, after).findings()


class _Pair:
    """One enumeration in both versions."""

    def __init__(self, old: Enumeration, new: Enumeration) -> None:
        self._old = old
        self._new = new
        self._flow = between(old.flow, new.flow)

    def findings(self) -> Iterator[Finding]:
        yield from self._class()
        renamed = self._renamed()
        for old_name, new_name in renamed.items():
            yield self._rename(old_name, new_name)
        for name in self._new.members:
            if not self._had(name) and name not in renamed.values():
                yield self._alias(name) if self._is_old(name) else self._added(name)
        for name in (*self._old.members, *self._old.aliases):
            if not self._has(name) and name not in renamed:
                yield self._removed(name)
            elif name not in renamed and self._value(self._old, name) != self._value(
                self._new, name
            ):
                yield self._changed(name)
        for name in self._new.aliases:
            if not self._had(name):
                yield self._alias(name)

    def _class(self) -> Iterator[Finding]:
        old, new = self._old, self._new
        if old.base != new.base:
            yield change(
                "enum-base-changed",
                new.name,
                f"{last(new.name)} is made of {last(new.base)}, formerly of {last(old.base)}",
                place=new.place,
                witness=Witness(
                    side="callers",
                    code=f"isinstance({last(new.name)}.{next(iter(new.members), 'X')}, "
                    f"{last(old.base)})",
                    before="True",
                    after=f"False: it is made of {last(new.base)}",
                ),
            )
        if new.open and not old.open:
            yield change(
                "enum-opened",
                new.name,
                f"{last(new.name)} is open: readers must cope with members that they do not know",
                place=new.place,
                flow=self._flow,
            )

    def _renamed(self) -> dict[str, str]:
        """Old name to the new name of what has the same value; the old one is gone."""
        gone = [name for name in self._old.members if not self._has(name)]
        came = {value: name for name, value in self._new.members.items() if not self._had(name)}
        pairs = ((name, came.get(self._old.members[name])) for name in gone)
        return {name: other for name, other in pairs if other is not None}

    def _rename(self, old_name: str, new_name: str) -> Finding:
        return change(
            "enum-member-renamed",
            f"{self._new.name}.{new_name}",
            f"{last(self._new.name)}.{new_name} was called {old_name}",
            place=self._new.place,
            witness=self._missing(old_name),
        )

    def _added(self, name: str) -> Finding:
        # Whether old readers cope is what the old version asked of them.
        keeps = (Effect.KEEPS, Effect.KEEPS)
        side, other = reader(self._flow)
        return change(
            "enum-member-added",
            f"{self._new.name}.{name}",
            f"{last(self._new.name)} has a new member {name}"
            + (", which readers cope with" if self._old.open else ""),
            place=self._new.place,
            flow=self._flow,
            effects=keeps if self._old.open else None,
            witness=None
            if self._old.open
            else Witness(
                side=side,
                code=f"{last(self._new.name)}({self._new.members[name]})",
                before="no member: it never arrives",
                after=f"{name} arrives from new {other}, and the reader has no case for it",
            ),
        )

    def _is_old(self, name: str) -> bool:
        """Whether a new name is that of an old member, whose old name leads to it."""
        names = (old for old, member in self._new.aliases.items() if member == name)
        return any(old in self._old.members for old in names)

    def _alias(self, name: str) -> Finding:
        return change(
            "enum-alias-added",
            f"{self._new.name}.{name}",
            f"{last(self._new.name)}.{name} is one more name of {self._value(self._new, name)}",
            place=self._new.place,
        )

    def _removed(self, name: str) -> Finding:
        return change(
            "enum-member-removed",
            f"{self._new.name}.{name}",
            f"{last(self._new.name)} has no member {name} any more",
            place=self._new.place,
            witness=self._missing(name),
        )

    def _changed(self, name: str) -> Finding:
        before, after = self._value(self._old, name), self._value(self._new, name)
        return change(
            "enum-value-changed",
            f"{self._new.name}.{name}",
            f"{last(self._new.name)}.{name} is {after}, formerly {before}",
            place=self._new.place,
            witness=Witness(
                side="callers",
                code=f"{last(self._new.name)}({before})",
                before=f"{last(self._new.name)}.{name}",
                after=self._meaning(before),
            ),
        )

    def _meaning(self, value: str | None) -> str:
        """What looking up a value gives in the new version."""
        for name, other in self._new.members.items():
            if other == value:
                return f"{last(self._new.name)}.{name}"
        return "ValueError"

    def _missing(self, name: str) -> Witness:
        enumeration = last(self._new.name)
        return Witness(
            side="callers",
            code=f"{enumeration}.{name}",
            before=self._value(self._old, name) or "",
            after=f"AttributeError: {enumeration} has no {name}",
        )

    def _had(self, name: str) -> bool:
        return name in self._old.members or name in self._old.aliases

    def _has(self, name: str) -> bool:
        return name in self._new.members or name in self._new.aliases

    @staticmethod
    def _value(enumeration: Enumeration, name: str) -> str | None:
        return enumeration.members.get(enumeration.aliases.get(name, name))
