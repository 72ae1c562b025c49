"""Two versions of a contract, compared by every module that looks at types and values."""

from __future__ import annotations

from textwrap import dedent

from type_strategies import TableOfClasses

from abc_interface_checker.compatibility import (
    aliases,
    enumerations,
    exceptions,
    results,
    values,
)
from abc_interface_checker.compatibility.type_rules import Types
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import (
    Package,
)
from abc_interface_checker.source.reader import read_package
from abc_interface_checker.source.reading import Reading
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.types.classes import Hierarchy

__all__ = ["EMPTY", "compared", "plain_types", "read", "rules", "sides"]

_MODULES = (aliases, enumerations, exceptions, results, values)
EMPTY = Package(name="p")


def read(text: str, reading: Reading | None = None) -> Package:
    sources = Sources.from_texts({"contract.py": dedent(text)})
    return read_package(sources, reading or Reading()).package


def compared(old: Package, new: Package) -> list[Finding]:
    classes = Hierarchy(new, old)
    return [found for module in _MODULES for found in module.compare(old, new, classes)]


def rules(found: list[Finding]) -> list[str]:
    return sorted(finding.rule for finding in found)


def sides(finding: Finding) -> tuple[str, str]:
    return finding.callers.value, finding.implementers.value


def plain_types() -> Types:
    return Types(EMPTY, EMPTY, TableOfClasses())
