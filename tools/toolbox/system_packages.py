"""System packages: which are missing, why they are wanted, and how they get here."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from toolbox.layout import VENV, Repository, child_environment
from toolbox.progress import SetupError, say

__all__ = ["all_installed", "install", "listed", "missing", "reasons"]

_NO_REASON = "no reason given"


def reasons(bindep_text: str) -> dict[str, str]:
    """Why each package is wanted: the comment directly above it, or above the block it is in."""
    found: dict[str, str] = {}
    comment: list[str] = []
    in_block = False
    for line in bindep_text.splitlines():
        if line.startswith("#"):
            comment = [*([] if in_block else comment), line.lstrip("# ").rstrip()]
            in_block = False
        elif line.strip():
            found[line.split()[0]] = " ".join(comment) or _NO_REASON
            in_block = True
        else:
            comment = []
            in_block = False
    return found


def listed(repository: Repository) -> list[str]:
    """Every package that the repository's list names for this system and its tests."""
    return _bindep(repository.bindep, "--list_all", "newline") if repository.bindep.exists() else []


def missing(repository: Repository) -> list[str]:
    """The listed packages that are neither installed nor provided by one that is."""
    if not repository.bindep.exists():
        return []
    return [name for name in _bindep(repository.bindep, "--brief") if name not in _provided()]


def _provided() -> frozenset[str]:
    """What the installed packages provide beside their own names, which bindep does not look at.

    NodeSource's nodejs, for one, is npm, too, and conflicts with Debian's.
    """
    if not shutil.which("dpkg-query"):
        return frozenset()
    form = "${db:Status-Status} ${Provides}\n"
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", form], capture_output=True, text=True, check=False
    )
    found: set[str] = set()
    for line in done.stdout.splitlines():
        status, _, provides = line.partition(" ")
        if status == "installed":
            found.update(part.split()[0] for part in provides.split(",") if part.strip())
    return frozenset(found)


def _bindep(path: Path, *options: str) -> list[str]:
    # bindep recognizes a missing package by dpkg's English words.
    done = subprocess.run(
        [str(VENV / "bin" / "bindep"), *options, "--file", str(path), "test"],
        env=child_environment(LC_ALL="C.UTF-8"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not done.stdout.strip():
        detail = done.stderr.strip() or "an installed package has a version that does not fit"
        raise SetupError(f"{path}: bindep cannot tell what is missing: {detail}")
    return done.stdout.split()


def all_installed(names: Iterable[str]) -> bool:
    """Whether the packages are still there, cheaply; without dpkg, it is taken for granted."""
    if not shutil.which("dpkg-query"):
        return True
    provided = _provided()
    wanted = [name for name in names if name not in provided]
    if not wanted:
        return True
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and set(done.stdout.split()) == {"installed"}


def install(wanted: Mapping[str, str]) -> None:
    """Install the packages (name to reason) if this user may; otherwise say how, and return.

    Whether they are there afterwards is for the caller to look at: apt can fail, too.
    """
    say("missing system packages:")
    for name, reason in sorted(wanted.items()):
        say(f"  {name}: {reason}")
    command = ["apt-get", "install", "--no-install-recommends", *sorted(wanted)]
    if not shutil.which("apt-get"):
        say("there is no apt-get here: install their equivalents, then repeat.")
    elif os.geteuid() != 0:
        say(f"only root can install them: sudo {' '.join(command)}")
    else:
        _update_lists()
        _apt(*command[1:])


@functools.cache
def _update_lists() -> None:
    # Once is enough, however often packages turn out to be missing.
    _apt("update")


def _apt(*arguments: str) -> None:
    command = ["apt-get", "--quiet", "--yes", "--option", "DPkg::Lock::Timeout=300", *arguments]
    say(" ".join(command))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        say(f"apt-get {arguments[0]} failed with exit status {done.returncode}: see above.")
