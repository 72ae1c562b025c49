"""What must be on the machine before a real backend can start, and how to say that it is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from nova_virt_interface.testing.harness import BackendUnavailable

__all__ = ["require_programs", "system_environment"]


def system_environment() -> dict[str, str]:
    """The environment for system programs: only their path, and the language that we can parse.

    Daemons and mkfs are in folders that are often not in the path of who runs the tests.
    """
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return {"PATH": path, "LC_ALL": "C"}


def require_programs(packages: Mapping[str, str]) -> None:
    """Raise `BackendUnavailable` unless each program (key) is there; values: Debian packages."""
    path = system_environment()["PATH"]
    missing = [program for program in packages if shutil.which(program, path=path) is None]
    if missing:
        listed = ", ".join(f"{program} (package {packages[program]})" for program in missing)
        wanted = " ".join(sorted({packages[program] for program in missing}))
        raise BackendUnavailable(
            f"missing programs: {listed}; as root: apt-get install --no-install-recommends {wanted}"
        )
