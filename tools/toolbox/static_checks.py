"""Lint and types of one repository: one test each, by the one configuration of all repositories."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from toolbox.layout import CACHE, TOOLS, VENV, child_environment
from toolbox.results import Result, Status

__all__ = ["lint", "types"]

_RUFF = TOOLS / "ruff.toml"


def lint(name: str, folder: Path, package: str, cache: Path = CACHE) -> Result:
    """Check style and formatting of the package and of its tests."""
    own_cache = ["--cache-dir", str(cache / "ruff")]
    common = ["--config", str(_RUFF), *own_cache, *_targets(folder, package)]
    return _check(
        name, "lint", folder, ["ruff", "check", *common], ["ruff", "format", "--check", *common]
    )


def types(name: str, folder: Path, package: str, cache: Path = CACHE) -> Result:
    """Check the types of the package and of its tests; other repositories are as installed."""
    config = ["--config-file", str(TOOLS / "mypy.ini"), "--no-error-summary"]
    own_cache = ["--cache-dir", str(cache / "mypy" / name)]
    return _check(name, "types", folder, ["mypy", *config, *own_cache, *_targets(folder, package)])


def _targets(folder: Path, package: str) -> list[str]:
    return [part for part in (package, "tests") if any((folder / part).rglob("*.py"))]


def _check(name: str, step: str, folder: Path, *commands: Sequence[str]) -> Result:
    started = time.monotonic()
    output: list[str] = []
    failed = False
    for program, *arguments in commands:
        done = subprocess.run(
            [str(VENV / "bin" / program), *arguments],
            cwd=folder,
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        failed = failed or done.returncode != 0
        output += [done.stdout.strip(), done.stderr.strip()] if done.returncode else []
    status = Status.FAILED if failed else Status.PASSED
    details = "\n".join(text for text in output if text)
    return Result(name, step, step, status, time.monotonic() - started, details)
