"""Where everything is: the repositories, the virtual environment, and the toolbox itself."""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["CACHE", "REPOSITORIES", "TOOLS", "TOP", "VENV", "Repository", "child_environment"]

TOOLS = Path(__file__).resolve().parents[1]
TOP = TOOLS.parent
VENV = TOP / ".venv"
CACHE = VENV / "cache"


@dataclass(frozen=True)
class Repository:
    """One folder that is released as a distribution of its own.

    `folder` is absolute.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's and the distribution's name."""
        return self.folder.name

    @property
    def package(self) -> str:
        """The import package: the distribution's name in Python's spelling."""
        return self.name.replace("-", "_")

    @property
    def bindep(self) -> Path:
        """The list of system packages; the file need not exist."""
        return self.folder / "bindep.txt"

    @cached_property
    def project(self) -> dict[str, Any]:
        """The `[project]` table of `pyproject.toml`.

        OSError, ValueError or KeyError if it cannot be read.
        """
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        table: dict[str, Any] = tomllib.loads(text)["project"]
        return table

    @property
    def extras(self) -> tuple[str, ...]:
        """Every extra that `pyproject.toml` declares."""
        return tuple(sorted(self.project.get("optional-dependencies", {})))

    @property
    def needs(self) -> frozenset[str]:
        """The names of the distributions that it cannot be installed without, in lower case."""
        lines = self.project.get("dependencies", [])
        return frozenset(
            re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in lines
        )


# In the order of installation: what others need comes first.
REPOSITORIES = tuple(
    Repository(TOP / name)
    for name in (
        "tools/abc-interface-checker",
        "nova-virt-interface",
        "nova-virt-libvirt",
        "nova-virt-xenapi",
        "nova-virt-hyperv",
        "nova-virt-vmware",
        "nova-core-stub",
    )
)


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a program of `.venv`: its `bin` first, nothing that redirects imports."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHON", "PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH"}
    }
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "VIRTUAL_ENV": str(VENV), **extra}
