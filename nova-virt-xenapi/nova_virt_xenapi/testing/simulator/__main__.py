"""Runs the simulator: ``python -m nova_virt_xenapi.testing.simulator``.

It prints one line of JSON: ``address``, ``ca_file``, ``user`` and ``password``. Then it answers
lines of JSON on standard input, and ends when standard input does, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from nova_virt_xenapi.testing.simulator.control import Control
from nova_virt_xenapi.testing.simulator.faults import Faults
from nova_virt_xenapi.testing.simulator.listening import (
    Listeners,
    addresses,
    throw_away_certificate,
)
from nova_virt_xenapi.testing.simulator.pool import furnish
from nova_virt_xenapi.testing.simulator.world import World

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run until standard input ends."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(
        prefix="xapi-simulator-", ignore_cleanup_errors=True
    ) as directory:
        # A handler would wait for the main thread, which may just have begun to wait for a line.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_on_sigterm, args=(directory,), daemon=True).start()
        _run(options, Path(directory))
    return 0


def _end_on_sigterm(directory: str) -> None:
    signal.sigwait({signal.SIGTERM})
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def _run(options: argparse.Namespace, directory: Path) -> None:
    world, faults = World(directory, password=options.password), Faults()
    names = addresses(options.hosts)
    furnish(world, names, options.label)
    ca_file = directory / "ca.pem"
    tls = throw_away_certificate(ca_file, names)
    listeners = Listeners(world, faults, tls, options.port)
    listeners.open()
    try:
        _print(
            {
                "address": f"https://{names[0]}:{listeners.port}",
                "ca_file": str(ca_file),
                "user": "root",
                "password": world.password,
            }
        )
        _serve(Control(world, faults, listeners))
    finally:
        listeners.close()


def _serve(control: Control) -> None:
    for line in sys.stdin:
        _print(control.answer(json.loads(line)))


def _print(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nova_virt_xenapi.testing.simulator", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--hosts", type=int, default=1, help="hosts of the pool, on 127.0.0.1 ff.")
    parser.add_argument("--label", default="xcp", help="the hosts are called LABEL-0, LABEL-1 ...")
    parser.add_argument("--password", default="simulated", help="of the user root")
    return parser


if __name__ == "__main__":
    sys.exit(main())
