"""Frozen files: written once for each version of a contract, and never changed again."""

from __future__ import annotations

from pathlib import Path

from abc_interface_checker import configuration as configurations
from abc_interface_checker.configuration import Configuration, Misconfigured
from abc_interface_checker.findings import CouldNotCheck, Finding, Report, Severity
from abc_interface_checker.sides import NoBaseline, of_project
from abc_interface_checker.source import frozen
from abc_interface_checker.source.reader import Read
from abc_interface_checker.suppressions import Suppressions, adjust, check_entries, of_group

__all__ = ["freeze", "verify"]


def freeze(project: str | Path = ".", *, check: bool = False) -> Report:
    """Write the contract of every package that a project names, each at its version.

    Nothing is written of a package in whose source an error was found, nor over the file of a
    released version that says something else.

    Args:
        project: folder at or below that of the ``pyproject.toml``.
        check: write nothing, only say whether what would be written is there already.

    Raises: Misconfigured.
    """
    return _each("freeze", Path(project), write=not check)


def verify(project: str | Path = ".") -> Report:
    """Compare the source of every package that a project names with the frozen file of its version,
    and all frozen files with their digests.

    Raises: Misconfigured.
    """
    return _each("verify", Path(project), write=False)


def _each(command: str, project: Path, *, write: bool) -> Report:
    configuration = configurations.find(project)
    check_entries(configuration.suppressions)
    if not configuration.packages:
        raise Misconfigured(
            f"{project}: no package is named: set 'packages' in [tool.abc-interface-checker]"
        )
    findings: list[Finding] = []
    unchecked: list[CouldNotCheck] = []
    facts: dict[str, str] = {}
    for package in configuration.packages:
        try:
            side = of_project(configuration, package)
        except NoBaseline as error:
            unchecked.append(error.as_unchecked())
            continue
        read = side.read(configuration)
        unchecked += read.could_not_check
        found, written = _package(read, configuration, write=write)
        findings += found
        if written:
            facts[f"{read.package.name} {read.package.version}"] = str(written)
    suppressions = Suppressions(configuration.suppressions, rules=of_group("contract"))
    marked = suppressions.mark(adjust(findings, configuration)) + suppressions.unused()
    return Report(
        command=command,
        subject=", ".join(configuration.packages),
        findings=marked,
        could_not_check=unchecked,
        facts=facts,
    )
