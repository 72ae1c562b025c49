"""What the project around a package says: its version, and what it needs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from abc_interface_checker.source.modules import string_of
from abc_interface_checker.source.names import Names

__all__ = ["NoVersion", "Project", "read_project", "version_of"]


class NoVersion(ValueError):
    """The contract's version is not where it was looked for."""


@dataclass(frozen=True, slots=True)
class Project:
    """What of the ``[project]`` table is part of a contract."""

    version: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    """Sorted, with one space where there are several."""
    problem: str = ""
    """Why the table could not be read."""


def read_project(text: str) -> Project:
    """The project of a ``pyproject.toml``; an empty text is an empty project."""
    try:
        table = tomllib.loads(text).get("project", {})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Project(problem=f"pyproject.toml is not valid: {error}")
    if not isinstance(table, dict):
        return Project(problem="pyproject.toml has a [project] that is no table")
    dependencies = table.get("dependencies", [])
    listed = dependencies if isinstance(dependencies, list) else []
    return Project(
        version=_text(table.get("version")),
        requires_python=_text(table.get("requires-python")),
        dependencies=tuple(sorted(" ".join(each.split()) for each in listed if _text(each))),
    )


def version_of(wanted: str, package: str, names: Names, project: Project) -> str:
    """The contract's version.

    Args:
        wanted: itself, or ``module:NAME`` of a string literal, where the module's name may leave
            out the package's. Empty: the package's ``__version__``, or else the project's.
        package: dotted name.
        names: all modules.
        project: the project.

    Raises: NoVersion.
    """
    if not wanted:
        own = next(_literals(names, [package], "__version__"), None)
        return own if own is not None else project.version
    module, colon, name = wanted.partition(":")
    if not colon:
        return wanted
    found = next(_literals(names, [module, f"{package}.{module}"], name), None)
    if found is None:
        raise NoVersion(f"the version should be the literal {name} in {module}, and it is not")
    return found


def _literals(names: Names, modules: list[str], name: str) -> Iterator[str]:
    for module in filter(None, map(names.module, modules)):
        bound = module.names.get(name)
        text = string_of(bound.value) if bound is not None else None
        if text is not None:
            yield text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
