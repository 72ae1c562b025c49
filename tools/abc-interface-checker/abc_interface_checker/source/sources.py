"""Where source comes from: a folder, texts at hand, or a revision of a git repository."""

from __future__ import annotations

import io
import os
import subprocess
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

__all__ = ["SourceFile", "Sources", "SourcesUnavailable"]

_AnyPath = TypeVar("_AnyPath", Path, PurePosixPath)
_PROJECT = "pyproject.toml"
_INIT = "__init__"


class SourcesUnavailable(ValueError):
    """There is no source where it was looked for; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file with Python source."""

    path: str
    """As a message shows it."""
    text: str
    problem: str = ""
    """Why there is no text, where it could not be decoded."""

    @property
    def is_package(self) -> bool:
        """Whether it is a package's own module, for relative imports."""
        return PurePosixPath(self.path.replace(os.sep, "/")).stem == _INIT


class Sources(Mapping[str, SourceFile]):
    """The modules of a package by dotted name, in alphabetical order.

    ``project`` is the text of the ``pyproject.toml`` that belongs to it; empty if there is none.
    """

    def __init__(self, modules: Mapping[str, SourceFile], *, project: str = "") -> None:
        self._modules = dict(sorted(modules.items()))
        self.project = project

    def __getitem__(self, name: str) -> SourceFile:
        return self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    @property
    def name(self) -> str:
        """The package's dotted name: what all module names begin with. Where they have nothing in
        common, all their first parts with commas between.
        """
        parts = [name.split(".") for name in self._modules]
        common: list[str] = []
        for same in zip(*parts, strict=False):
            if len(set(same)) > 1:
                break
            common.append(same[0])
        return ".".join(common) or ", ".join(dict.fromkeys(first for first, *_ in parts))

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Sources:
        """Of file names, with ``/`` and relative to the folder that Python would search, to texts.

        A ``pyproject.toml`` among them is the project's.
        """
        modules = {
            name: SourceFile(file, text)
            for file, text in texts.items()
            if (name := _module_name(PurePosixPath(file))) is not None
        }
        return cls(modules, project=texts.get(_PROJECT, ""))

    @classmethod
    def from_folder(cls, path: str | Path, name: str | None = None) -> Sources:
        """Of a package's folder, of a folder that holds packages, or of one file.

        Args:
            path: messages name files below it as it is given.
            name: the package's dotted name, where ``__init__.py`` files in the folders above do
                not tell it (namespace packages).

        Raises: SourcesUnavailable.
        """
        path = Path(path)
        if not path.exists():
            raise SourcesUnavailable(f"there is no file or folder {str(path)!r}")
        prefix = _prefix(path, name, lambda folder: (folder / "__init__.py").is_file())
        if path.is_file():
            files = [(PurePosixPath(path.name), path)]
        else:
            files = [(relative, path / relative) for relative in _python_files(path)]
        modules = {}
        for relative, file in files:
            module = _module_name(relative, prefix)
            if module is not None:
                modules[module] = _decoded(str(file), file.read_bytes())
        if not modules:
            raise SourcesUnavailable(f"there is no Python source in {str(path)!r}")
        return cls(modules, project=_project_on_disk(path.resolve()))

    @classmethod
    def from_revision(
        cls, repository: str | Path, revision: str, path: str, name: str | None = None
    ) -> Sources:
        """Of a folder or file as a git revision has it.

        Args:
            repository: any folder of the clone.
            revision: a commit, tag or branch.
            path: relative to the top of the repository, with ``/``.
            name: as for `from_folder`.

        Raises: SourcesUnavailable: no repository, no such revision, nothing at that path.
        """
        tree = _Tree(Path(repository), revision)
        root = PurePosixPath(path)
        listed = tree.files(root)
        parents = [folder for folder in root.parents if str(folder) != "."]
        inits = tree.read([folder / "__init__.py" for folder in (root, *parents)])
        prefix = _prefix(root, name, lambda folder: folder / "__init__.py" in inits)
        wanted: dict[PurePosixPath, str] = {}
        for file in listed:
            relative = file.relative_to(root) if file != root else PurePosixPath(root.name)
            module = _module_name(relative, prefix)
            if module is not None and file.suffix == ".py":
                wanted[file] = module
        if not wanted:
            raise SourcesUnavailable(f"revision {revision!r} has no Python source in {path!r}")
        read = tree.read(wanted)
        modules = {
            module: _decoded(str(file), read[file])
            for file, module in wanted.items()
            if file in read
        }
        projects = tree.read([folder / _PROJECT for folder in (root, *root.parents)][:4])
        nearest = next(iter(projects.values()), b"")
        return cls(modules, project=nearest.decode("utf-8", "replace"))


def _python_files(folder: Path) -> Iterator[PurePosixPath]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name.isidentifier())
        for name in sorted(files):
            if name.endswith(".py"):
                yield PurePosixPath((Path(here) / name).relative_to(folder).as_posix())


def _module_name(relative: PurePosixPath, prefix: tuple[str, ...] = ()) -> str | None:
    """None for what Python could not import under a name."""
    parts = [*prefix, *relative.with_suffix("").parts]
    if relative.suffix != ".py" or not all(part.isidentifier() for part in parts):
        return None
    if parts[-1] == _INIT and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def _prefix(
    path: _AnyPath, name: str | None, is_package: Callable[[_AnyPath], bool]
) -> tuple[str, ...]:
    """The parts that go before the names of the files below ``path``."""
    is_file = path.suffix == ".py"
    if name is not None:
        parts = tuple(name.split("."))
        return parts[:-1] if is_file else parts
    if isinstance(path, Path):
        path = path.resolve()
    above: list[str] = []
    folder = path.parent if is_file else path
    while is_package(folder) and folder.name:
        above.insert(0, folder.name)
        folder = folder.parent
    return tuple(above)


def _decoded(path: str, content: bytes) -> SourceFile:
    """The text by the encoding that the file declares."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = io.TextIOWrapper(io.BytesIO(content), encoding).read()
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        return SourceFile(path, "", f"it cannot be decoded: {error}")
    return SourceFile(path, text)


def _project_on_disk(path: Path) -> str:
    for folder in (path, *path.parents)[:4]:
        file = folder / _PROJECT
        if file.is_file():
            return file.read_text(encoding="utf-8", errors="replace")
    return ""


class _Tree:
    """The files of one revision, read by two git processes however many there are."""

    def __init__(self, repository: Path, revision: str) -> None:
        self._repository = repository
        self._revision = revision
        try:
            found = self._git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        except SourcesUnavailable as error:
            raise SourcesUnavailable(
                f"there is no revision {revision!r} in {str(repository)!r}: {error}"
            ) from error
        self._commit = found.decode().strip()

    def files(self, root: PurePosixPath) -> list[PurePosixPath]:
        """All files at or below a path."""
        paths = [] if str(root) == "." else ["--", str(root)]
        listed = self._git(
            "ls-tree", "-r", "-z", "--full-tree", "--name-only", self._commit, *paths
        )
        names = listed.decode("utf-8", "surrogateescape").split("\0")
        return [PurePosixPath(name) for name in names if name]

    def read(self, files: Iterable[PurePosixPath]) -> dict[PurePosixPath, bytes]:
        """The content of those files that exist."""
        files = [file for file in files if "\n" not in str(file)]
        asked = "".join(f"{self._commit}:{file}\n" for file in files)
        answer = io.BytesIO(self._git("cat-file", "--batch", stdin=asked.encode("utf-8")))
        contents = {}
        for file in files:
            # OBJECT TYPE SIZE, or WHAT WAS ASKED missing.
            kind, size = answer.readline().split()[-2:]
            if size == b"missing":
                continue
            content = answer.read(int(size))
            answer.read(1)
            if kind == b"blob":
                contents[file] = content
        return contents

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        try:
            done = subprocess.run(
                ["git", "-C", str(self._repository), *arguments],
                input=stdin,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise SourcesUnavailable(f"git cannot be run: {error}") from error
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip()
            raise SourcesUnavailable(words or f"git {arguments[0]} failed")
        return done.stdout
