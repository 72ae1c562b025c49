"""Makes or refreshes .venv: system packages, tools, and the wheels of all repositories.

Only what changed since the last time is done again. As root on Debian, missing system packages are
installed; otherwise they are named, and everything that can do without them is still set up.

Exit status: 0 all is in place, 2 set-up could not go on, 3 set-up is done as far as possible.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from toolbox import environment, stamps, system_packages
from toolbox.layout import REPOSITORIES, TOOLS, TOP, VENV
from toolbox.progress import SetupError, say
from toolbox.stamps import PackageStamp, State

__all__ = ["INCOMPLETE", "STAMPS", "main", "outdated", "run", "run_beside"]

INCOMPLETE = 3
STAMPS = VENV / "setup-stamps.json"


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status."""
    argparse.ArgumentParser(
        prog="tools/setup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(arguments)
    try:
        state = run()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted; repeat the command to go on.", file=sys.stderr)
        return 130
    return INCOMPLETE if state.problems() else 0


def run() -> State:
    """Bring everything up to date; return what is in place and what is not.

    SetupError if there can be no working `.venv`.
    """
    started = time.monotonic()
    with _alone():
        current = {repository.name: stamps.package_stamp(repository) for repository in REPOSITORIES}
        state = _environment(stamps.load(STAMPS))
        _system_packages(state)
        _packages(state, current)
    for name, reason in state.problems().items():
        say(f"{name} could not be set up: {reason}")
    say(f"{'incomplete' if state.problems() else 'ready'} after {time.monotonic() - started:.1f} s")
    return state


def run_beside() -> int:
    """Run set-up as a process of its own, telling all on standard error; return its exit status.

    For commands whose own standard output may be read by a program.
    """
    return subprocess.run(
        [sys.executable, "-m", "toolbox.setup"], stdout=sys.stderr, check=False
    ).returncode


def outdated(
    installed: Mapping[str, PackageStamp], current: Mapping[str, PackageStamp]
) -> dict[str, bool]:
    """Which packages to install again, and for each whether its dependencies may have changed."""
    return {
        name: name not in installed or installed[name].metadata != stamp.metadata
        for name, stamp in current.items()
        if installed.get(name) != stamp
    }


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second set-up out until this one is done; the lock goes with the process."""
    handle = os.open(TOOLS, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _environment(state: State) -> State:
    if state.python != environment.identity() or not (VENV / "bin" / "python").exists():
        environment.make()
        state = State(python=environment.identity())
        stamps.save(state, STAMPS)
    tools = stamps.digest([environment.PINS, environment.REQUIREMENTS], TOP)
    if state.tools != tools:
        environment.install_tools()
        # Other pins may mean other dependencies, so every package is looked at again.
        state.packages.clear()
        state.tools = tools
        stamps.save(state, STAMPS)
    return state


def _system_packages(state: State) -> None:
    lists = stamps.digest([repository.bindep for repository in REPOSITORIES], TOP)
    if (
        state.system == lists
        and not state.missing
        and system_packages.all_installed(state.system_packages)
    ):
        return
    missing = {repository.name: system_packages.missing(repository) for repository in REPOSITORIES}
    wanted = {
        name: f"{reason} ({repository.name})"
        for repository in REPOSITORIES
        if missing[repository.name]
        for name, reason in system_packages.reasons(
            repository.bindep.read_text(encoding="utf-8")
        ).items()
        if name in missing[repository.name]
    }
    if wanted:
        system_packages.install(wanted)
        missing = {
            repository.name: system_packages.missing(repository) for repository in REPOSITORIES
        }
    state.missing = {name: names for name, names in missing.items() if names}
    state.system_packages = sorted(
        {name for repository in REPOSITORIES for name in system_packages.listed(repository)}
    )
    state.system = lists
    stamps.save(state, STAMPS)


def _packages(state: State, current: Mapping[str, PackageStamp]) -> None:
    state.failed.clear()
    changed = outdated(state.packages, current)
    for repository in REPOSITORIES:
        name = repository.name
        if name not in changed:
            continue
        # Gone before the step begins: an interrupted one must not have a stamp to vouch for it.
        state.packages.pop(name, None)
        stamps.save(state, STAMPS)
        reason = environment.install_package(
            repository, state.failed, with_dependencies=changed[name]
        )
        if reason:
            state.failed[name] = reason
        else:
            state.packages[name] = current[name]
    stamps.save(state, STAMPS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
