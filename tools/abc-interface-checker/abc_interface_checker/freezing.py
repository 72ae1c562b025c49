"""Frozen files: written once for each version of a contract, and never changed again."""

from __future__ import annotations

from pathlib import Path

from abc_interface_checker import configuration as configurations
from abc_interface_checker.configuration import Configuration, Misconfigured
from abc_interface_checker.findings import CouldNotCheck, Finding, Report, Severity
from abc_interface_checker.reports.presentation import nearby
from abc_interface_checker.sides import NoBaseline, of_project
from abc_interface_checker.source import frozen
from abc_interface_checker.source.reader import Read
from abc_interface_checker.suppressions import Suppressions, adjust, check_entries, of_group

__all__ = ["freeze", "verify"]

_MODIFIED = "frozen-modified"


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
    packages = configuration.packages
    if not packages:
        raise Misconfigured(
            f"{project}: no package is named: set 'packages' in [tool.abc-interface-checker]"
        )
    run = _Run(configuration)
    for package in packages:
        # Frozen files are named by their version alone.
        folder = nearby(configuration.frozen_folder) / (package if len(packages) > 1 else "")
        try:
            read = of_project(configuration, package).read(configuration, freezable=True)
        except NoBaseline as error:
            run.unchecked.append(error.as_unchecked())
        else:
            run.take(read)
            run.write(read, folder) if write else run.verify(read, folder)
    return Report(
        command=command,
        subject=", ".join(packages),
        findings=(*run.findings, *run.suppressions.unused()),
        could_not_check=run.unchecked,
        facts=run.facts,
    )


class _Run:
    """What one command found in all packages."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.suppressions = Suppressions(configuration.suppressions, rules=of_group("contract"))
        self.findings: list[Finding] = []
        self.unchecked: list[CouldNotCheck] = []
        self.facts: dict[str, str] = {}

    def take(self, read: Read) -> None:
        """What was found while a package was read."""
        self.unchecked += read.could_not_check
        self.findings += self.suppressions.mark(adjust(read.findings, self.configuration))

    def write(self, read: Read, folder: Path) -> None:
        """Write the package's files, if nothing is wrong with it."""
        contract = read.package
        errors = (
            found.severity is Severity.ERROR for found in self.findings if not found.suppressed
        )
        if read.could_not_check or any(errors):
            self.facts[contract.name] = "not written"
            return
        try:
            path = frozen.write(contract, folder)
        except frozen.AlreadyFrozen as error:
            self.findings.append(
                Finding(
                    rule=_MODIFIED,
                    element=contract.name,
                    message=str(error),
                    severity=Severity.ERROR,
                )
            )
        except (frozen.NoVersion, OSError) as error:
            self.unchecked.append(CouldNotCheck(element=contract.name, reason=str(error)))
        else:
            self.facts[f"{contract.name} {contract.version}"] = str(path)

    def verify(self, read: Read, folder: Path) -> None:
        """Compare the package with its frozen files."""
        for found in frozen.verify(read.package, folder):
            if found.rule in frozen.COULD_NOT_CHECK:
                reason = f"{found.message} ({found.rule})"
                self.unchecked.append(CouldNotCheck(element=found.element, reason=reason))
            else:
                self.findings.append(found)
