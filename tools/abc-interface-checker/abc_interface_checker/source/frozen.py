"""Frozen files: what a contract said when it was released, to the byte.

A version has three files in one folder: ``VERSION.json`` is the contract, ``VERSION.txt`` shows it
to people, ``VERSION.sha256`` has the digests of both, in the format of ``sha256sum``.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from abc_interface_checker.findings import Finding, Severity
from abc_interface_checker.model import Package
from abc_interface_checker.source.listing import listing
from abc_interface_checker.source.plain import NotPlain, from_plain, to_plain

__all__ = [
    "COULD_NOT_CHECK",
    "AlreadyFrozen",
    "NoVersion",
    "Unreadable",
    "digest",
    "dump",
    "from_bytes",
    "is_draft",
    "to_bytes",
    "verify",
    "write",
]

COULD_NOT_CHECK = frozenset({"baseline-missing", "baseline-unreadable"})
"""Rules of `verify` that do not say that something is wrong, but that nobody can tell."""

_FORMAT = 1
_KIND = "abc-interface-checker contract"


class Unreadable(ValueError):
    """The bytes are no frozen contract, or one of a format that is not known."""


class NoVersion(ValueError):
    """A contract without a version, or with one that is no file name, cannot be frozen."""


class AlreadyFrozen(ValueError):
    """This version was released with other content."""


def to_bytes(package: Package) -> bytes:
    """The canonical JSON: the same for equal packages, on every Python and every machine."""
    document = {"kind": _KIND, "format": _FORMAT, "contract": to_plain(package)}
    return json.dumps(document, indent=1).encode("ascii") + b"\n"


def from_bytes(content: bytes) -> Package:
    """The package that `to_bytes` has written. Raises: Unreadable."""
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise Unreadable("it is no frozen contract")
    if document.get("format") != _FORMAT:
        raise Unreadable(
            f"its format is {document.get('format')!r}, and only {_FORMAT} is known: a newer "
            "abc-interface-checker may read it"
        )
    try:
        package: Package = from_plain(Package, document.get("contract"))
    except NotPlain as error:
        raise Unreadable(str(error)) from error
    return package


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def dump(package: Package) -> str:
    """The contract for people to read; a change of the contract is a change of few lines."""
    return listing(package)


def is_draft(version: str) -> bool:
    """Whether a version may still change: one with ``dev`` in it."""
    return "dev" in version


def write(package: Package, folder: str | Path) -> Path:
    """Freeze a contract at its version, and return the path of the JSON file.

    A draft replaces its older files; of a release the same bytes are no error.

    Raises: NoVersion; AlreadyFrozen; OSError.
    """
    version = package.version
    if not version or not all(part.isalnum() for part in version.replace("+", ".").split(".")):
        raise NoVersion(f"the contract {package.name} has the version {version!r}")
    folder = Path(folder)
    contents = _contents(package)
    path = folder / f"{version}.json"
    if path.exists() and not is_draft(version) and path.read_bytes() != contents[path.name]:
        raise AlreadyFrozen(f"{path} was frozen with other content: {version} must not change")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return path


def _contents(package: Package) -> dict[str, bytes]:
    """File name to content, the digests last."""
    contents = {
        f"{package.version}.json": to_bytes(package),
        f"{package.version}.txt": dump(package).encode("utf-8", "backslashreplace"),
    }
    digests = "".join(f"{digest(content)}  {name}\n" for name, content in contents.items())
    return {**contents, f"{package.version}.sha256": digests.encode()}


def verify(package: Package, folder: str | Path) -> tuple[Finding, ...]:
    """Whether a contract is what was frozen for its version, and all frozen files are untouched.

    A file is untouched if its digest is the one that stands beside it and, in a git checkout, if a
    release has the bytes of the commit that added it (in a shallow clone: of the oldest that there
    is).

    Returns: findings of ``frozen-modified``; and of the rules in `COULD_NOT_CHECK`.
    """
    folder = Path(folder)
    found = list(_against_source(package, folder))
    for path in sorted(folder.glob("*.json")):
        found += _against_digests(path)
        if not is_draft(path.stem):
            found += _against_history(path)
    return tuple(found)


def _against_source(package: Package, folder: Path) -> Iterator[Finding]:
    path = folder / f"{package.version}.json"
    if not package.version or not path.is_file():
        version = package.version or "(it has none)"
        yield _finding(
            "baseline-missing",
            package.name,
            f"there is no frozen file of version {version}, {path}",
        )
        return
    content = path.read_bytes()
    try:
        from_bytes(content)
    except Unreadable as error:
        yield _finding("baseline-unreadable", package.name, f"{path}: {error}")
        return
    if content != to_bytes(package):
        advice = (
            "freeze the draft again"
            if is_draft(package.version)
            else "the source needs a new version"
        )
        yield _finding(
            "frozen-modified",
            package.name,
            f"the source is not what {path} says of version {package.version}: {advice}",
        )


def _against_digests(path: Path) -> Iterator[Finding]:
    digests = path.with_suffix(".sha256")
    if not digests.is_file():
        yield _finding("baseline-missing", path.stem, f"there is no {digests} beside {path.name}")
        return
    lines = digests.read_text(encoding="utf-8", errors="replace").splitlines()
    noted = {name: wanted for wanted, _, name in (line.partition("  ") for line in lines)}
    for file in (path, path.with_suffix(".txt")):
        if file.name not in noted:
            yield _finding("baseline-unreadable", path.stem, f"{digests} does not name {file.name}")
        elif not file.is_file():
            yield _finding("frozen-modified", path.stem, f"{file} was removed")
        elif digest(file.read_bytes()) != noted[file.name]:
            yield _finding(
                "frozen-modified", path.stem, f"{file} has another digest than {digests}"
            )


def _against_history(path: Path) -> Iterator[Finding]:
    """Compare the files of a release with those of the commit that added them."""
    for file in (path, path.with_suffix(".txt"), path.with_suffix(".sha256")):
        added = _git(file.parent, "log", "--diff-filter=A", "--format=%H", "--", file.name)
        commits = added.split()
        if commits and file.is_file():
            released = _git(file.parent, "show", f"{commits[-1].decode()}:./{file.name}")
            if released != file.read_bytes():
                commit = commits[-1].decode()[:12]
                yield _finding(
                    "frozen-modified",
                    path.stem,
                    f"{file} is not what commit {commit} released as {path.stem}",
                )


def _git(folder: Path, *arguments: str) -> bytes:
    """What git says; nothing where there is no git, or no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=False
        )
    except OSError:
        return b""
    return b"" if done.returncode else done.stdout


def _finding(rule: str, element: str, message: str) -> Finding:
    return Finding(rule=rule, element=element, message=message, severity=Severity.ERROR)
