"""Implementations against the interfaces that they provide."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from abc_interface_checker import configuration as configurations
from abc_interface_checker import targets
from abc_interface_checker.configuration import OFF, Configuration
from abc_interface_checker.conformance import check_object
from abc_interface_checker.findings import CouldNotCheck, Finding, Report
from abc_interface_checker.live.contract import NotAnInterface
from abc_interface_checker.model import Interface, Package, Place
from abc_interface_checker.suppressions import Suppressions, adjust, check_entries, of_group
from abc_interface_checker.targets import Unloadable

__all__ = ["assert_conforms", "check", "check_names"]

_EXTRA = "impl-extra-public"
"""The only rule that is not looked for unless somebody wants it."""


def assert_conforms(interface: Any, implementation: object) -> None:
    """Do nothing if an object, or the instances of a class, keep an interface; for use in a test.

    Args:
        interface: of zope.interface, a Protocol, or an abstract class.
        implementation: a class whose instances are meant, or any other object.

    Raises: AssertionError: they do not, or it could not be checked; with the full report.
    """
    report = check(implementation, interface)
    if report.exit_status:
        # Only a failure needs it.
        from abc_interface_checker.reports import text  # noqa: PLC0415

        raise AssertionError(f"\n{text.render(report)}")


def check(
    implementation: object,
    *interfaces: Any,
    frozen: str | Path | None = None,
    project: str | Path | None = None,
) -> Report:
    """Check an object, or a class whose instances are meant.

    Args:
        implementation: a class or any other object.
        interfaces: of zope.interface, Protocols or abstract classes; none given: all that the
            implementation says it provides.
        frozen: a frozen file; its contract then counts, not the imported one.
        project: the folder whose ``pyproject.toml`` sets severities and suppressions; None: none.

    Raises: Misconfigured.
    """
    run = _Run(_configuration(project), _contract(frozen))
    run.check(implementation, interfaces)
    return run.report()


def check_names(
    names: Iterable[str],
    *,
    groups: Iterable[str] = (),
    interfaces: Sequence[str] = (),
    frozen: str | Path | None = None,
    project: str | Path = ".",
) -> Report:
    """Check what is named as ``module:attr``, and every entry point of some groups.

    Whatever cannot be imported is in the report as not checked. Raises: Misconfigured.
    """
    run = _Run(_configuration(project), _contract(frozen))
    for name in (*names, *run.entry_points(groups)):
        try:
            implementation = targets.load(name)
            wanted = [run.interface(each) for each in interfaces]
        except Unloadable as error:
            run.unchecked.append(CouldNotCheck(element=name, reason=str(error)))
        else:
            run.check(implementation, wanted, name)
    return run.report()


@dataclass(slots=True)
class _Run:
    """One command's checks."""

    configuration: Configuration
    contract: Package | CouldNotCheck | None
    """The frozen one; None: the imported interfaces count."""
    subjects: dict[str, str] = field(default_factory=dict)
    """What the user calls an implementation, to the names of the interfaces."""
    checked: list[str] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    unchecked: list[CouldNotCheck] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_entries(self.configuration.suppressions)
        if isinstance(self.contract, CouldNotCheck):
            self.unchecked.append(self.contract)

    def entry_points(self, groups: Iterable[str]) -> Iterator[str]:
        """What the entry points refer to; a group without any could not be checked."""
        for group in groups:
            try:
                yield from (value for _, value in targets.entry_points(group))
            except Unloadable as error:
                self.unchecked.append(CouldNotCheck(element=group, reason=str(error)))

    def interface(self, name: str) -> Any:
        """The interface of ``module:NAME``: of the frozen contract, else imported; Unloadable."""
        dotted = name.replace(":", ".")
        if isinstance(self.contract, Package):
            alias = self.contract.aliases.get(dotted)
            found = self.contract.interfaces.get(alias.target if alias else dotted)
            if found is not None:
                return found
        return targets.load(name)

    def check(self, implementation: object, interfaces: Iterable[Any], name: str = "") -> None:
        """Check one object; ``name``: what the user calls it."""
        if isinstance(self.contract, CouldNotCheck):
            return
        identifier = targets.identifier(implementation)
        name = name or identifier
        asked = tuple(interfaces) or targets.claimed(implementation)
        wanted = [each for each in map(self._frozen, asked) if each is not None]
        if not wanted:
            self.unchecked.append(CouldNotCheck(element=name, reason=self._why_nothing(asked)))
            return
        try:
            found = check_object(
                wanted,
                implementation,
                package=self.contract,
                extra_public=self.configuration.severities.get(_EXTRA, OFF) != OFF,
            )
        except NotAnInterface as error:
            self.unchecked.append(CouldNotCheck(element=name, reason=str(error)))
            return
        except Exception as error:  # noqa: BLE001 - its metaclass and its hooks are any code
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"looking at it ended in {type(error).__name__}: {error}"
            place = Place(where.filename, where.lineno or 1)
            self.unchecked.append(CouldNotCheck(element=name, reason=reason, place=place))
            return
        self.checked.append(identifier)
        self.subjects[name] = ", ".join(map(_name, wanted))
        self.found += found

    def _frozen(self, interface: Any) -> Any:
        """What the frozen contract says of an interface; None: nothing."""
        if not isinstance(self.contract, Package) or isinstance(interface, Interface):
            return interface
        return self.contract.interfaces.get(targets.identifier(interface))

    def _why_nothing(self, asked: Sequence[Any]) -> str:
        if not asked:
            return "it does not say which interface it provides; name one"
        names = ", ".join(map(_name, asked))
        return f"the frozen contract has none of its interfaces ({names})"

    def report(self) -> Report:
        """The outcome of all checks."""
        suppressions = Suppressions(
            self.configuration.suppressions, below=self.checked, rules=of_group("implementation")
        )
        marked = suppressions.mark(adjust(self.found, self.configuration))
        unused = suppressions.unused() if self.checked else ()
        return Report(
            command="check",
            subject=self._subject(),
            findings=tuple(dict.fromkeys((*marked, *unused))),
            could_not_check=self.unchecked,
            facts=self.subjects if len(self.subjects) > 1 else {},
        )

    def _subject(self) -> str:
        if len(self.subjects) > 1:
            return f"{len(self.subjects)} implementations"
        pairs = (f"{name} against {interfaces}" for name, interfaces in self.subjects.items())
        return next(pairs, "nothing could be checked")


def _configuration(project: str | Path | None) -> Configuration:
    return Configuration() if project is None else configurations.find(Path(project))


def _contract(frozen: str | Path | None) -> Package | CouldNotCheck | None:
    if frozen is None:
        return None
    # Most checks need no frozen file, nor what reads it.
    from abc_interface_checker.sides import NoBaseline, read_frozen  # noqa: PLC0415

    try:
        return read_frozen(Path(frozen))
    except NoBaseline as error:
        return error.as_unchecked()


def _name(interface: Any) -> str:
    return interface.name if isinstance(interface, Interface) else targets.identifier(interface)
