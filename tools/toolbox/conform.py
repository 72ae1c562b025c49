"""Sets up, then runs `nova-core-stub conform`, the conformance suite, against installed drivers.

All arguments are passed on, among them --driver NAME (repeatable), --report DIR and --format; the
exit status is the command's, but never 0 if a repository could not be set up in full.
"""

import subprocess
import sys

from toolbox import setup
from toolbox.layout import VENV, child_environment

__all__ = ["main"]

_COMMAND = VENV / "bin" / "nova-core-stub"


def main(arguments: list[str]) -> int:
    """Run the command; --help is answered without set-up, as far as that is possible."""
    if {"-h", "--help"} & set(arguments):
        print(f"usage: tools/conform [argument ...]\n\n{__doc__}", flush=True)
        return _conform(arguments) if _COMMAND.exists() else 0
    status = setup.run_beside()
    if status not in (0, setup.INCOMPLETE):
        return status
    if not _COMMAND.exists():
        print(
            "error: could not check: nova-core-stub is not installed, see above for the reason.",
            file=sys.stderr,
        )
        return 1
    return _conform(arguments) or status


def _conform(arguments: list[str]) -> int:
    process = subprocess.Popen([str(_COMMAND), "conform", *arguments], env=child_environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has interrupted the command, too: it gets the time to stop its guests.
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
