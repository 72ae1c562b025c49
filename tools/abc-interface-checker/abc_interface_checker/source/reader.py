"""Reads an interface package from its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import ParamSpec, TypeVar

from abc_interface_checker.findings import CouldNotCheck, Finding
from abc_interface_checker.model import (
    Alias,
    Enumeration,
    ExceptionClass,
    Interface,
    Package,
    Place,
    Value,
)
from abc_interface_checker.source.aliases import aliases_of
from abc_interface_checker.source.enumerations import read_enumeration
from abc_interface_checker.source.exceptions import read_exception
from abc_interface_checker.source.exports import ComputedExports, exports_of
from abc_interface_checker.source.flows import with_flows
from abc_interface_checker.source.freezable import unfreezable, unknown_types
from abc_interface_checker.source.functional import Computed, functional_classes
from abc_interface_checker.source.interfaces import InterfaceReader
from abc_interface_checker.source.kinds import Kind, Kinds, is_builtin_exception
from abc_interface_checker.source.modules import ClassSource, Module
from abc_interface_checker.source.names import Names
from abc_interface_checker.source.project import NoVersion, Project, read_project, version_of
from abc_interface_checker.source.raising import ExceptionNames
from abc_interface_checker.source.reading import Read, Reading
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.source.transforms import Transforms
from abc_interface_checker.source.values import ValueReader

__all__ = ["Read", "Reading", "read_package"]

_Taken = ParamSpec("_Taken")
_Result = TypeVar("_Result")
_INTERFACES = (Kind.ABC, Kind.PROTOCOL, Kind.ZOPE)
_VALUES = (Kind.DATACLASS, Kind.NAMED_TUPLE, Kind.TYPED_DICT)


def read_package(sources: Sources, reading: Reading | None = None) -> Read:
    """All that the modules of a package say, without importing any of them.

    What cannot be read is in ``could_not_check``, with its place; nothing is raised for it.
    """
    return _Reader(sources, reading or Reading()).read()


@dataclass(slots=True)
class _Reader:
    """Gathers the parts of one package."""

    sources: Sources
    reading: Reading
    findings: list[Finding] = field(default_factory=list)
    could_not_check: list[CouldNotCheck] = field(default_factory=list)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    enumerations: dict[str, Enumeration] = field(default_factory=dict)
    exceptions: dict[str, ExceptionClass] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    exports: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self) -> Read:
        """Read it all."""
        names = Names(self.sources)
        kinds = Kinds(names, Transforms(names), self.reading.interfaces)
        modules = self._modules(names)
        self._classes(modules, kinds)
        for module in modules:
            self._guarded(module.name, _top(module), self._module, module, kinds)
        project = self._project()
        package = Package(
            name=self.sources.name,
            version=self._version(names, project),
            interfaces=_sorted(self.interfaces),
            values=_sorted(self.values),
            enumerations=_sorted(self.enumerations),
            exceptions=_sorted(self.exceptions),
            aliases=_sorted(self.aliases),
            exports=self.exports,
            requires_python=project.requires_python,
            dependencies=project.dependencies,
        )
        flowing = self._guarded(package.name, None, with_flows, package)
        package = flowing or package
        if self.reading.freezable:
            for module in modules:
                checked = self._guarded(
                    module.name, _top(module), _listed, unfreezable, module, kinds
                )
                self.findings += checked or ()
            self.findings += unknown_types(package)
        self.findings.sort(key=_by_place)
        return Read(package, tuple(self.findings), tuple(self.could_not_check))

    def _modules(self, names: Names) -> list[Module]:
        """Those that are asked for and can be parsed."""
        wanted = []
        for name in self.sources:
            if self._is_wanted(name):
                found = names.parsed(name)
                if isinstance(found, Module):
                    wanted.append(found)
                else:
                    place = Place(self.sources[name].path, found.line)
                    self._not_checked(name, found.reason, place)
        return wanted

    def _is_wanted(self, module: str) -> bool:
        package = self.sources.name
        include, exclude = self.reading.include, self.reading.exclude
        if include and not any(_covers(pattern, module, package) for pattern in include):
            return False
        return not any(_covers(pattern, module, package) for pattern in exclude)

    def _classes(self, modules: Iterable[Module], kinds: Kinds) -> None:
        sorted_out: dict[Kind, list[ClassSource]] = {}
        for module in modules:
            for source in module.classes.values():
                place = Place(module.file.path, source.node.lineno)
                kind = self._guarded(source.name, place, kinds.kind, source)
                sorted_out.setdefault(kind or Kind.OTHER, []).append(source)
        own = [source.name for source in sorted_out.get(Kind.EXCEPTION, ())]
        exceptions = ExceptionNames(own, self._is_external_exception)
        interfaces = InterfaceReader(kinds, self.reading, exceptions, self.findings)
        values = ValueReader(kinds)
        readers: list[tuple[tuple[Kind, ...], Callable[[ClassSource], None]]] = [
            (_INTERFACES, lambda source: _put(self.interfaces, interfaces.read(source))),
            (_VALUES, lambda source: _put(self.values, values.read(source))),
            (
                (Kind.ENUMERATION,),
                lambda source: _put(self.enumerations, read_enumeration(source, kinds)[0]),
            ),
            (
                (Kind.EXCEPTION,),
                lambda source: _put(self.exceptions, read_exception(source, kinds)),
            ),
        ]
        for wanted, read in readers:
            for kind in wanted:
                for source in sorted_out.get(kind, ()):
                    place = Place(source.module.file.path, source.node.lineno)
                    self._guarded(source.name, place, read, source)

    def _module(self, module: Module, kinds: Kinds) -> None:
        """What a module exports, and what is at its top beside classes."""
        scope = kinds.scope(module)
        exported: tuple[str, ...] = ()
        try:
            exported = exports_of(module, kinds.names)
        except ComputedExports as error:
            self._not_checked(module.name, str(error), scope.at(error.node))
        if not module.is_private:
            self.exports[module.name] = exported
        for alias in aliases_of(module, exported, scope):
            if alias.name != self._version_name():
                self.aliases[alias.name] = alias
        try:
            for found in functional_classes(module, scope):
                if isinstance(found, Enumeration):
                    self.enumerations[found.name] = found
                else:
                    self.values[found.name] = found
        except Computed as error:
            self._not_checked(error.name, str(error), scope.at(error.node))

    def _version_name(self) -> str:
        """The constant that holds the version, which is no other part of the contract."""
        module, colon, name = self.reading.version.partition(":")
        package = self.sources.name
        if not colon:
            return f"{package}.__version__"
        return f"{module}.{name}" if module in self.sources else f"{package}.{module}.{name}"

    def _is_external_exception(self, name: str) -> bool:
        package = self.sources.name.partition(".")[0]
        return is_builtin_exception(name) or ("." in name and name.partition(".")[0] != package)

    def _project(self) -> Project:
        project = read_project(self.sources.project)
        if project.problem:
            self._not_checked(self.sources.name, project.problem, None)
        return project

    def _version(self, names: Names, project: Project) -> str:
        try:
            return version_of(self.reading.version, self.sources.name, names, project)
        except NoVersion as error:
            self._not_checked(self.sources.name, str(error), None)
            return ""

    def _guarded(
        self,
        element: str,
        place: Place | None,
        function: Callable[_Taken, _Result],
        *args: _Taken.args,
        **kwargs: _Taken.kwargs,
    ) -> _Result | None:
        """What the function gives; None if Python's recursion does not suffice for it."""
        try:
            return function(*args, **kwargs)
        except RecursionError:
            self._not_checked(element, "it is nested too deeply, or defined by itself", place)
            return None

    def _not_checked(self, element: str, reason: str, place: Place | None) -> None:
        self.could_not_check.append(CouldNotCheck(element=element, reason=reason, place=place))


def _listed(
    check: Callable[[Module, Kinds], Iterable[Finding]], module: Module, kinds: Kinds
) -> list[Finding]:
    return list(check(module, kinds))


def _put(where: dict[str, _Result], what: _Result) -> None:
    name: str = what.name  # type: ignore[attr-defined]
    where[name] = what


def _sorted(found: dict[str, _Result]) -> dict[str, _Result]:
    return dict(sorted(found.items()))


def _top(module: Module) -> Place:
    return Place(module.file.path, 1)


def _by_place(finding: Finding) -> tuple[str, int, str]:
    place = finding.place
    return (place.path, place.line, finding.element) if place else ("", 0, finding.element)


def _covers(pattern: str, module: str, package: str) -> bool:
    """Whether a pattern names the module or one that it is in."""
    parts = module.split(".")
    above = [".".join(parts[: end + 1]) for end in range(len(parts))]
    return any(
        fnmatchcase(each, pattern) or fnmatchcase(each, f"{package}.{pattern}") for each in above
    )
