"""Interfaces and classes that have another name in the new version.

The old version is rewritten to the new names before anything else is compared, so that one move is
reported once, and not again by every signature that names what moved.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from abc_interface_checker.model import Interface, Package

__all__ = ["Moves", "find_moves", "rewritten"]

_T = TypeVar("_T")
_KEPT = frozenset({"doc", "place", "written", "version", "exports"})
"""What is text for people, or says where it was read."""
_KINDS = ("interfaces", "values", "enumerations", "exceptions")


@dataclass(frozen=True, slots=True)
class Moves:
    """Old dotted name to the new one."""

    aliased: Mapping[str, str] = field(default_factory=dict)
    """The old name still leads to it."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Interfaces that seem to be called otherwise: one went, another of the same shape came."""

    @property
    def all(self) -> dict[str, str]:
        """Both."""
        return {**self.aliased, **self.renamed}


def find_moves(old: Package, new: Package) -> Moves:
    """What has another name in the new version."""
    aliased: dict[str, str] = {}
    for kind in _KINDS:
        gone = getattr(old, kind).keys() - getattr(new, kind).keys()
        for name in sorted(gone):
            target = _target(new, name)
            if target in getattr(new, kind):
                aliased[name] = target
    return Moves(aliased, _renamed(old, new, aliased))


def _target(package: Package, name: str) -> str:
    """Where an alias leads in the end."""
    seen: set[str] = set()
    while name in package.aliases and name not in seen:
        seen.add(name)
        name = package.aliases[name].target
    return name


def _renamed(old: Package, new: Package, aliased: Mapping[str, str]) -> dict[str, str]:
    gone = [name for name in old.interfaces if name not in new.interfaces and name not in aliased]
    came = [
        name
        for name in new.interfaces
        if name not in old.interfaces and name not in aliased.values()
    ]
    found: dict[str, str] = {}
    for name in gone:
        alike = [
            other
            for other in came
            if other not in found.values() and _alike(old.interfaces[name], new.interfaces[other])
        ]
        same_name = [o for o in alike if o.rpartition(".")[2] == name.rpartition(".")[2]]
        candidates = same_name or alike
        if len(candidates) == 1:
            found[name] = candidates[0]
    return found


def _alike(old: Interface, new: Interface) -> bool:
    """The same methods and attributes, at least one; of the same last name also half of them."""
    before, after = _shape(old), _shape(new)
    if old.name.rpartition(".")[2] == new.name.rpartition(".")[2]:
        names_before, names_after = {n for n, _ in before}, {n for n, _ in after}
        return 2 * len(names_before & names_after) >= max(len(names_before), len(names_after), 1)
    return bool(before) and before == after


def _shape(interface: Interface) -> set[tuple[str, str]]:
    # A move may change the types too, where they name what moved: names and parameters will do.
    methods = {
        (method.name, ",".join(p.name for p in method.signature.parameters))
        for method in interface.methods
    }
    return methods | {(attribute.name, "") for attribute in interface.attributes}


def rewritten(package: Package, names: Mapping[str, str]) -> Package:
    """The package with these dotted names replaced wherever they are meant."""
    if not names:
        return package
    alternatives = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.])(?:{alternatives})(?!\w)")
    return _rewrite(package, lambda text: pattern.sub(lambda match: names[match[0]], text))


def _rewrite(thing: _T, replace: Callable[[str], str]) -> _T:
    made: Any = thing
    if isinstance(thing, str) and type(thing) is str:
        made = replace(thing)
    elif isinstance(thing, tuple):
        made = tuple(_rewrite(item, replace) for item in thing)
    elif isinstance(thing, Mapping):
        made = {_rewrite(k, replace): _rewrite(v, replace) for k, v in thing.items()}
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        made = dataclasses.replace(
            thing,
            **{
                each.name: _rewrite(getattr(thing, each.name), replace)
                for each in dataclasses.fields(thing)
                if each.name not in _KEPT
            },
        )
    return made  # type: ignore[no-any-return]
