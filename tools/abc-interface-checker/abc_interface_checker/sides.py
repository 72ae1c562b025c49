"""One version of a contract, wherever it is: a frozen file, a revision of git, or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from abc_interface_checker import configuration as configurations
from abc_interface_checker.configuration import Configuration, Misconfigured
from abc_interface_checker.findings import CouldNotCheck
from abc_interface_checker.model import Package
from abc_interface_checker.source.frozen import Unreadable, from_bytes
from abc_interface_checker.source.reader import Read, Reading, read_package
from abc_interface_checker.source.sources import Sources, SourcesUnavailable

__all__ = ["MISSING", "UNREADABLE", "NoBaseline", "Side", "of_project", "open_side", "read_frozen"]

_GIT = "git:"
_OWN = ("packages", "version")
"""What an old version may say of itself."""


MISSING = "baseline-missing"
UNREADABLE = "baseline-unreadable"


class NoBaseline(ValueError):
    """There is no contract that can be read where it was looked for.

    ``rule`` says which of the two it is: `MISSING` or `UNREADABLE`.
    """

    def __init__(self, rule: str, where: str, problem: str) -> None:
        super().__init__(problem)
        self.rule = rule
        self.where = where

    def as_unchecked(self) -> CouldNotCheck:
        """What a report says of it."""
        return CouldNotCheck(element=self.where, reason=f"{self} ({self.rule})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A version that was found, but is not read yet: how is for the new side to say."""

    label: str
    configuration: Configuration
    source: Sources | Read

    @property
    def is_frozen(self) -> bool:
        """Whether it is a frozen file, of which the source is not known."""
        return isinstance(self.source, Read)

    def read(self, rules: Configuration, *, freezable: bool = False) -> Read:
        """The contract, by the rules of ``rules``; only the version is this side's own to say.

        ``freezable``: it must keep to what a frozen file can hold, whatever the rules say.
        """
        if isinstance(self.source, Read):
            return self.source
        # A version that the new side says of itself is not the old side's.
        computed = rules.version if ":" in rules.version else ""
        return read_package(
            self.source,
            Reading(
                include=rules.include,
                exclude=rules.exclude,
                mandatory=rules.mandatory,
                owners=rules.owners,
                both=rules.both,
                interfaces=rules.interfaces,
                version=self.configuration.version or computed,
                freezable=freezable or rules.freezable,
            ),
        )


def open_side(
    where: str | Path, package: str = "", folder: str | Path = ".", *, is_old: bool = False
) -> Side:
    """Find one version.

    Args:
        where: a frozen file, a folder (of the package, or with a ``pyproject.toml`` that names it),
            a module's file, or ``git:REVISION`` or ``git:REVISION:PATH`` of a repository.
        package: which of the packages that the project's configuration names, if there are several.
        folder: of the project, for ``git:REVISION``.
        is_old: nothing of its configuration counts but where the package is, and its version.

    Raises: NoBaseline, Misconfigured.
    """
    text = str(where)
    opening = _Opening(package, Path(folder), _OWN if is_old else ())
    try:
        if text.startswith(_GIT):
            return opening.from_git(text)
        path = Path(where)
        is_source = path.is_dir() or path.suffix == ".py"
        return opening.from_folder(path) if is_source else opening.from_file(path)
    except SourcesUnavailable as error:
        raise NoBaseline(MISSING, text, str(error)) from error


def of_project(configuration: Configuration, package: str) -> Side:
    """A package that the configuration names, as it is on disk; NoBaseline if it is not."""
    folder = configuration.folder or Path()
    parts = Path(*package.split("."))
    for candidate in (folder / parts, folder / "src" / parts):
        if candidate.is_dir():
            try:
                sources = Sources.from_folder(candidate, package)
            except SourcesUnavailable as error:
                raise NoBaseline(MISSING, package, str(error)) from error
            return Side(label=package, configuration=configuration, source=sources)
    raise NoBaseline(
        MISSING, package, f"there is no folder {parts} below {folder} or {folder / 'src'}"
    )


def read_frozen(path: Path) -> Package:
    """The contract of a frozen file; NoBaseline."""
    if not path.is_file():
        raise NoBaseline(MISSING, str(path), "there is no such file or folder")
    try:
        return from_bytes(path.read_bytes())
    except (OSError, Unreadable) as error:
        raise NoBaseline(UNREADABLE, str(path), str(error)) from error


@dataclass(frozen=True, slots=True)
class _Opening:
    """How one version is looked for."""

    package: str
    folder: Path
    only: tuple[str, ...]
    """Keys of the configuration that are read; none: all."""

    def from_file(self, path: Path) -> Side:
        contract = read_frozen(path)
        return Side(
            label=f"{contract.name} {contract.version}".strip(),
            configuration=configurations.find(path.resolve().parent, self.only),
            source=Read(contract),
        )

    def from_folder(self, folder: Path) -> Side:
        configuration = configurations.find(folder, self.only)
        is_project = configuration.folder == folder.resolve() and configuration.packages
        if is_project and not (folder / "__init__.py").is_file():
            return of_project(configuration, _chosen(configuration, self.package))
        sources = Sources.from_folder(folder, self.package or None)
        return Side(label=str(folder), configuration=configuration, source=sources)

    def from_git(self, where: str) -> Side:
        revision, _, path = where.removeprefix(_GIT).partition(":")
        if path:
            return self._revision(where, revision, path, self.package or None)
        here = configurations.find(self.folder, _OWN)
        name = _chosen(here, self.package)
        project = _below_repository(here.folder or self.folder.resolve())
        problems = []
        for source in (project, project / "src"):
            try:
                folder = source.joinpath(*name.split(".")).as_posix()
                return self._revision(where, revision, folder, name)
            except SourcesUnavailable as error:
                problems.append(str(error))
        raise NoBaseline(MISSING, where, "; ".join(dict.fromkeys(problems)))

    def _revision(self, where: str, revision: str, path: str, package: str | None) -> Side:
        sources = Sources.from_revision(self.folder, revision, path, package)
        name = f"pyproject.toml of {where}"
        configuration = configurations.parse(sources.project, name, only=self.only)
        return Side(label=where, configuration=configuration, source=sources)


def _chosen(configuration: Configuration, package: str) -> str:
    """The one package that is meant; Misconfigured if that is not clear."""
    known = configuration.packages
    if package:
        return package
    if len(known) == 1:
        return known[0]
    choices = ", ".join(known)
    raise Misconfigured(
        f"say with --package which one is meant: {choices}"
        if known
        else "no package is named: set 'packages' in [tool.abc-interface-checker], or give its path"
    )


def _below_repository(folder: Path) -> PurePosixPath:
    """The folder as seen from the top of its clone."""
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return PurePosixPath(folder.relative_to(top).as_posix())
    raise NoBaseline(MISSING, str(folder), "it is in no git repository")
