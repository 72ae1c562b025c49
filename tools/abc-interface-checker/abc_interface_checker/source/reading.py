"""What is asked of the reader, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field

from abc_interface_checker.findings import CouldNotCheck, Finding
from abc_interface_checker.model import Package

__all__ = ["Read", "Reading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a project's configuration says about reading its contract.

    Modules and interfaces are named by patterns with ``*`` and ``?``. A module's pattern may leave
    out the package's name, and covers the modules below it; an interface's may be the class's name
    alone.
    """

    include: tuple[str, ...] = ()
    """Modules to read; none: all."""
    exclude: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    """Interfaces that every implementation must provide."""
    owners: tuple[str, ...] = ()
    """Interfaces that the package's own side implements."""
    both: tuple[str, ...] = ()
    """Interfaces that both sides implement."""
    interfaces: tuple[str, ...] = ()
    """Plain classes that are interfaces all the same: their methods that only raise
    NotImplementedError are abstract.
    """
    version: str = ""
    """Of the contract: itself, or ``module:NAME`` of a literal. Empty: the package's
    ``__version__``, or else the project's version.
    """
    freezable: bool = False
    """Whether the contract must keep to what a frozen file can hold."""


@dataclass(frozen=True, slots=True)
class Read:
    """A package as far as it could be read."""

    package: Package
    findings: tuple[Finding, ...] = ()
    """Of the rules about contracts."""
    could_not_check: tuple[CouldNotCheck, ...] = field(default=())
