"""What set-up has already done: digests of its inputs, kept in the virtual environment.

A stamp is written only after the step that it stands for: an interrupted set-up repeats the step.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from toolbox.layout import Repository

__all__ = ["PackageStamp", "State", "digest", "load", "package_stamp", "save"]

_SHIPPED = ("pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class PackageStamp:
    """Digests of what a repository ships (`content`) and of what it asks for (`metadata`)."""

    content: str
    metadata: str


@dataclass
class State:
    """What is in place.

    Attributes:
        python: the interpreter that `.venv` was made with.
        tools: digest of the tools' requirements and of all pins.
        system: digest of the lists of system packages.
        system_packages: all that those lists name for this system.
        packages: per repository, the stamp of what is installed.
        missing: per repository, the system packages that are not there.
        failed: per repository, why it is not installed.
    """

    python: str = ""
    tools: str = ""
    system: str = ""
    system_packages: list[str] = field(default_factory=list)
    packages: dict[str, PackageStamp] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def problems(self) -> dict[str, str]:
        """Per repository that cannot be checked in full, what is missing."""
        found = {
            name: f"system packages are missing: {' '.join(names)}"
            for name, names in self.missing.items()
        }
        for name, reason in self.failed.items():
            found[name] = "; ".join([reason, found[name]]) if name in found else reason
        return found


def digest(files: Iterable[Path], base: Path) -> str:
    """A digest over names (relative to `base`) and contents of those files that exist."""
    total = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(base)}\0{content}\n".encode())
    return total.hexdigest()


def package_stamp(repository: Repository) -> PackageStamp:
    """The stamp of the repository as it is now."""
    folder = repository.folder
    sources = [
        path
        for path in (folder / repository.package).rglob("*")
        if not any(_is_cache(part) for part in path.relative_to(folder).parts)
    ]
    return PackageStamp(
        content=digest([*sources, *(folder / name for name in _SHIPPED)], folder),
        metadata=digest([folder / "pyproject.toml"], folder),
    )


def _is_cache(part: str) -> bool:
    """Whether a folder or file of this name is left out of wheels."""
    return part == "__pycache__" or part.startswith(".")


def load(path: Path) -> State:
    """Read the stamps; none, or a damaged file, is a state in which nothing has been done."""
    try:
        raw: Mapping[str, dict[str, dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
        packages = {name: PackageStamp(**stamp) for name, stamp in raw["packages"].items()}
        return State(**{**raw, "packages": packages})  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def save(state: State, path: Path) -> None:
    """Write the stamps in one step: a reader sees the old or the new ones."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
    fresh.replace(path)
