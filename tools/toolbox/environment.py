"""The virtual environment: made with this Python, filled with pinned tools and real wheels."""

import importlib.util
import platform
import subprocess
import sys
import tempfile
from collections.abc import Container
from pathlib import Path

from toolbox import system_packages
from toolbox.layout import TOOLS, VENV, Repository, child_environment
from toolbox.progress import SetupError, say

__all__ = ["PINS", "REQUIREMENTS", "identity", "install_package", "install_tools", "make"]

PINS = TOOLS / "constraints.txt"
REQUIREMENTS = TOOLS / "requirements.txt"


def identity() -> str:
    """Which interpreter the environment is made with: another one needs another environment."""
    return f"{platform.python_version()} {sys.base_prefix}"


def make() -> None:
    """Make `.venv` anew; SetupError if this Python cannot."""
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        system_packages.install({package: "makes .venv (this Python has no ensurepip of its own)"})
        importlib.invalidate_caches()
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                f"{sys.executable} cannot make a virtual environment: install {package}, "
                "then repeat."
            )
    say(f"making {VENV} with Python {identity()}")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if done.returncode:
        raise SetupError(
            f"{sys.executable} -m venv failed with exit status {done.returncode}: see above."
        )


def install_tools() -> None:
    """Install what the toolbox itself needs; SetupError if pip cannot."""
    say("installing the toolbox's own requirements")
    # First what installs: whatever this Python brought, the rest is done by the pinned versions.
    for arguments in (["pip", "setuptools"], ["--requirement", str(REQUIREMENTS)]):
        if not _pip("install", *arguments):
            raise SetupError(
                "pip could not install the toolbox's requirements: its words are above."
            )


def install_package(
    repository: Repository, failed: Container[str], *, with_dependencies: bool
) -> str:
    """Build the repository's wheel and install it; return why that failed, or an empty string.

    `failed` are the repositories that could not be installed: what needs one of them is not tried,
    because pip would look for it in the package index. A package whose dependencies cannot be had
    stays installed: a core then finds it and says what is wrong with it.
    """
    say(f"installing {repository.name}" + (" and what it depends on" if with_dependencies else ""))
    try:
        extras = ",".join(repository.extras)
        for name in sorted(repository.needs):
            if name in failed:
                return f"it needs {name}, which could not be installed"
    except (OSError, ValueError, KeyError) as error:
        return f"its pyproject.toml cannot be read: {error}"
    with tempfile.TemporaryDirectory() as folder:
        building = ("--no-deps", "--no-build-isolation", "--wheel-dir", folder)
        if not _pip("wheel", *building, str(repository.folder)):
            return "its wheel could not be built"
        (wheel,) = Path(folder).glob("*.whl")
        if not _pip("install", "--no-deps", "--force-reinstall", str(wheel)):
            return "its wheel could not be installed"
        if with_dependencies and not _pip(
            "install", "--build-constraint", str(PINS), f"{wheel}[{extras}]"
        ):
            return "what it depends on could not be installed"
    return ""


def _pip(*arguments: str) -> bool:
    environment = child_environment(PIP_CONSTRAINT=str(PINS))
    command = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
    ]
    return (
        subprocess.run(
            [*command, *arguments], env=environment, stdin=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )
