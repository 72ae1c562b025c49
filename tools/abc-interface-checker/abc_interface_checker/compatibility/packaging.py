"""Rules of the package around it: what modules export, and what it needs to be installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.moves import Moves
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import Package

__all__ = ["compare"]

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;@)]*)")
_LOWER_BOUND = re.compile(r"(?:>=|~=|===?|>)\s*(\d+(?:\.\d+)*)")


def compare(old: Package, new: Package, moves: Moves) -> Iterator[Finding]:
    """All changes of exports and requirements; ``old`` is the old version as it was."""
    yield from _exports(old, new, moves)
    yield from _requirements(old, new)


def _exports(old: Package, new: Package, moves: Moves) -> Iterator[Finding]:
    before, after = _exported(old), _exported(new)
    for dotted in sorted(before - after):
        if dotted in moves.aliased or not _is_told(old, new, dotted):
            message = "the module does not export it any more"
            shown = witness.missing_name(dotted)
            yield change("export-removed", dotted, message, witness=shown)
    for dotted in sorted(after - before):
        is_moved = dotted in moves.aliased.values() and dotted not in new.interfaces
        if is_moved or not _is_told(new, old, dotted):
            yield change("export-added", dotted, "the module exports it too")


def _exported(package: Package) -> set[str]:
    """Dotted names, but for those that say that they are private."""
    return {
        f"{module}.{name}"
        for module, names in package.exports.items()
        for name in names
        if not name.startswith("_")
    }


def _is_told(has: Package, has_not: Package, dotted: str) -> bool:
    """Whether it is an interface or exception that came or went, which has rules of its own."""
    return any(
        dotted in having and dotted not in lacking
        for having, lacking in (
            (has.interfaces, has_not.interfaces),
            (has.exceptions, has_not.exceptions),
        )
    )


def _requirements(old: Package, new: Package) -> Iterator[Finding]:
    before, after = _lower_bound(old.requires_python), _lower_bound(new.requires_python)
    if after is not None and (before is None or after > before):
        was = old.requires_python or "none"
        message = f"Python {new.requires_python} is required, formerly {was}"
        yield change("python-requires-raised", new.name, message)
    needed = dict(map(_requirement, old.dependencies))
    for text in new.dependencies:
        name, specifier = _requirement(text)
        if name not in needed:
            continue
        least, formerly = _lower_bound(specifier), _lower_bound(needed[name])
        if least is not None and (formerly is None or least > formerly):
            message = f"{text} is required, formerly {needed[name] or 'any version'}"
            yield change("dependency-raised", new.name, message)


def _requirement(text: str) -> tuple[str, str]:
    """The normalized name and the version specifier of a dependency."""
    match = _REQUIREMENT.match(text)
    if match is None:
        return text, ""
    return re.sub(r"[-_.]+", "-", match[1]).lower(), match[2].strip()


def _lower_bound(specifier: str) -> tuple[int, ...] | None:
    """The highest version that it demands at least; without zeros at its end."""
    bounds = [_release(version) for version in _LOWER_BOUND.findall(specifier)]
    return max(bounds, default=None)


def _release(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
