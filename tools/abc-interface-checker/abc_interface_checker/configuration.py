"""What a project says in ``[tool.abc-interface-checker]`` of its ``pyproject.toml``.

It is strict: a key that is not known, or of the wrong kind, is an error that names the valid ones.
For two versions of a contract it is read from the new one only, so that a rule cannot be switched
off by what was released long ago.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

__all__ = [
    "ADJUSTABLE",
    "OFF",
    "Configuration",
    "Misconfigured",
    "SuppressionEntry",
    "find",
    "from_table",
    "load",
    "parse",
]

OFF = "off"
ADJUSTABLE: Mapping[str, tuple[str, ...]] = {
    "impl-extra-public": (OFF, "info", "warning", "error"),
    "impl-unannotated": (OFF, "warning", "error"),
    "impl-undeclared-raise": (OFF, "warning", "error"),
    "param-default-changed": ("warning", "error"),
}
"""Rule to the severities that a project may choose from; all other rules are as they are."""

_TABLE = "tool.abc-interface-checker"


class Misconfigured(ValueError):
    """The configuration says what cannot be; the message has the place and the valid choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionEntry:
    """One ``[[tool.abc-interface-checker.suppressions]]``."""

    rule: str
    element: str
    """Of a finding; ``*``, ``?`` and ``[...]`` as in file names."""
    reason: str
    versions: tuple[str, str] | None = None
    """Old and new version, for what `diff` finds; None: for what the other commands find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All settings; what is not said is the default."""

    packages: tuple[str, ...] = ()
    """Dotted names of the interface packages."""
    include: tuple[str, ...] = ()
    """Patterns of modules to read; none: all."""
    exclude: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    """Interfaces that every implementation must provide."""
    owners: tuple[str, ...] = ()
    """Interfaces that the package's own side implements."""
    both: tuple[str, ...] = ()
    """Interfaces that both sides implement."""
    interfaces: tuple[str, ...] = ()
    """Plain classes that are interfaces all the same."""
    version: str = ""
    """Of the contract: itself, or ``module:NAME`` of a literal; empty: the package's
    ``__version__``, or else the project's version.
    """
    freezable: bool = False
    """Whether the contract must keep to what a frozen file can hold."""
    frozen: str = "contracts"
    """Folder of the frozen files, beside ``pyproject.toml``."""
    provider_minor: bool = False
    """Whether what breaks implementers only may be a minor step."""
    severities: Mapping[str, str] = field(default_factory=dict)
    """Rule of `ADJUSTABLE` to a severity, or ``off``."""
    suppressions: tuple[SuppressionEntry, ...] = ()
    folder: Path | None = None
    """Of the ``pyproject.toml``; None if there is none on disk."""

    @property
    def frozen_folder(self) -> Path:
        """Where the frozen files are."""
        return (self.folder or Path()) / self.frozen


def find(start: Path, only: Collection[str] = ()) -> Configuration:
    """The configuration of the nearest ``pyproject.toml``, from the folder ``start`` upward; the
    defaults if there is none. ``only`` and Misconfigured as `parse` has them.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return load(path, only)
    return Configuration()


def load(path: Path, only: Collection[str] = ()) -> Configuration:
    """The configuration of one file; Misconfigured if it cannot be read or says what cannot be."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return parse(text, str(path), path.parent, only)


def parse(
    text: str,
    name: str = "pyproject.toml",
    folder: Path | None = None,
    only: Collection[str] = (),
) -> Configuration:
    """The configuration in the text of a ``pyproject.toml``.

    Args:
        text: of the file.
        name: of the file, for messages.
        folder: that it is in.
        only: read these keys, and let all others say what they want. None given: all are read.

    Raises: Misconfigured.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{name}: {error}") from error
    table = document.get("tool", {}).get("abc-interface-checker", {})
    if only and isinstance(table, dict):
        table = {key: value for key, value in table.items() if key in only}
    return Configuration(**_Reader(name, table).settings(), folder=folder)


def from_table(table: Mapping[str, Any], name: str = _TABLE) -> Configuration:
    """The configuration of a table alone, as an example of a rule has it."""
    return Configuration(**_Reader(name, table).settings())


class _Reader:
    """Reads the table key by key; the first thing that cannot be is raised."""

    def __init__(self, name: str, table: Any) -> None:
        self._name = name
        self._table = self._mapping(_TABLE, table)

    def settings(self) -> dict[str, Any]:
        """The fields of Configuration that the table sets."""
        kinds: dict[str, Callable[[str, Any], Any]] = {
            "packages": self._texts,
            "include": self._texts,
            "exclude": self._texts,
            "mandatory": self._texts,
            "owners": self._texts,
            "both": self._texts,
            "interfaces": self._texts,
            "version": self._text,
            "freezable": self._flag,
            "frozen": self._text,
            "provider-minor": self._flag,
            "severities": self._severities,
            "suppressions": self._suppressions,
        }
        self._known(_TABLE, self._table, kinds)
        return {key.replace("-", "_"): kinds[key](key, value) for key, value in self._table.items()}

    def _known(self, where: str, table: Mapping[str, Any], valid: Mapping[str, Any]) -> None:
        for key in table:
            if key not in valid:
                close = get_close_matches(key, valid, n=1)
                meant = f" (did you mean {close[0]!r}?)" if close else ""
                raise self._error(
                    f"{where} has no key {key!r}{meant}; valid: {', '.join(sorted(valid))}"
                )

    def _severities(self, key: str, value: Any) -> dict[str, str]:
        table = self._mapping(key, value)
        for rule, severity in table.items():
            choices = ADJUSTABLE.get(rule)
            if choices is None:
                raise self._error(
                    f"the severity of {rule!r} cannot be set; valid: {', '.join(ADJUSTABLE)}"
                )
            if severity not in choices:
                raise self._error(f"severity {severity!r} of {rule!r}; valid: {', '.join(choices)}")
        return dict(table)

    def _suppressions(self, key: str, value: Any) -> tuple[SuppressionEntry, ...]:
        if not isinstance(value, list):
            raise self._error(f"{key!r} must be an array of tables")
        return tuple(self._suppression(f"{key}[{at}]", entry) for at, entry in enumerate(value))

    def _suppression(self, where: str, value: Any) -> SuppressionEntry:
        entry = self._mapping(where, value)
        self._known(where, entry, dict.fromkeys(("rule", "element", "versions", "reason")))
        texts = {}
        for key in ("rule", "element", "reason"):
            if key not in entry:
                raise self._error(f"{where} has no {key!r}, which is obligatory")
            texts[key] = self._text(f"{where}.{key}", entry[key]).strip()
            if not texts[key]:
                raise self._error(f"{where}.{key} is empty")
        versions = None
        if "versions" in entry:
            pair = self._texts(f"{where}.versions", entry["versions"])
            if len(pair) != 2:
                raise self._error(f'{where}.versions must be the old and the new: ["1.0", "1.1"]')
            versions = (pair[0], pair[1])
        return SuppressionEntry(**texts, versions=versions)

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self._error(f"{key!r} must be a string, not {value!r}")
        return value

    def _texts(self, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._error(f"{key!r} must be an array of strings, not {value!r}")
        return tuple(value)

    def _flag(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self._error(f"{key!r} must be true or false, not {value!r}")
        return value

    def _mapping(self, key: str, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(f"{key!r} must be a table, not {value!r}")
        return value

    def _error(self, message: str) -> Misconfigured:
        return Misconfigured(f"{self._name}: [{_TABLE}]: {message}")
