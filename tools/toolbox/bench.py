"""Sets up, then measures one subject, beside its peers in the same run.

What is compared takes turns, so that both see the same machine; of every row the median is told.
Nothing passes or fails here: the numbers are for people and for reports. Exit status: 0 measured,
2 nothing could be run.
"""

import argparse
import os
import sys

from toolbox import setup
from toolbox.layout import TOOLS, VENV

__all__ = ["SUBJECTS", "main", "parse"]

SUBJECTS = {
    "checker": "abc-interface-checker: check, diff, and the start of its command",
    "libvirt": "nova-virt-libvirt: bulk questions, and a guest's boot, beside libvirt's own calls",
    "vmware": "nova-virt-vmware: the states of a thousand VMs, beside pyvmomi's own question",
}
"""Name to what is measured; each is a module of `toolbox.benchmarks`."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; argparse ends the process on a wrong one, or after --help."""
    subjects = "\n".join(f"  {name}  {text}" for name, text in SUBJECTS.items())
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description=__doc__,
        epilog=f"subjects:\n{subjects}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subject", choices=sorted(SUBJECTS), help="what to measure")
    parser.add_argument(
        "--rounds", type=int, default=15, help="how often each row is measured (default: 15)"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="of the results (default: text)"
    )
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def main(arguments: list[str]) -> int:
    """Set up, then become the measurement, which needs what set-up installed."""
    options = parse(arguments)
    status = setup.run_beside()
    if status not in (0, setup.INCOMPLETE):
        return status
    python = str(VENV / "bin" / "python")
    environment = {**os.environ, "PYTHONPATH": str(TOOLS)}
    module = f"toolbox.benchmarks.{options.subject}"
    os.execve(  # noqa: S606 - no shell wanted
        python, [python, "-m", module, *arguments], environment
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
