"""``python -m nova_virt_hyperv.testing.simulator``: a simulated Hyper-V host on loopback.

It prints one line of JSON with its address, then obeys commands from its standard input (see
`controls`), and ends when that ends, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from nova_virt_hyperv.testing.simulator.authentication import Account
from nova_virt_hyperv.testing.simulator.catalogue import simulate
from nova_virt_hyperv.testing.simulator.certificates import make_authority
from nova_virt_hyperv.testing.simulator.consoles import ConsoleListener
from nova_virt_hyperv.testing.simulator.controls import Controls
from nova_virt_hyperv.testing.simulator.host import Configuration
from nova_virt_hyperv.testing.simulator.server import WinRm
from nova_virt_hyperv.testing.simulator.wsman import Service

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator until its input ends."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    consoles = ConsoleListener()
    configuration = Configuration(
        name=options.name,
        drive=options.drive,
        switches=tuple(options.switch or ("external",)),
        job_seconds=options.job_seconds,
        console_port=consoles.port,
    )
    password = os.environ.pop("SIMULATOR_PASSWORD", "")
    if not password:
        sys.stderr.write("error: put the account's password into SIMULATOR_PASSWORD\n")
        return 2
    account = Account(options.user, password, options.state / "account")
    authority, tls = make_authority(options.state)
    simulated = simulate(configuration)
    consoles.machines = simulated.machines
    winrm = WinRm(Service(simulated.host), account, None if options.plain else tls, options.port)
    winrm.start()
    print(json.dumps({"port": winrm.port, "authority": str(authority)}), flush=True)
    Controls(simulated, winrm, consoles).serve(sys.stdin, sys.stdout)
    winrm.stop()
    consoles.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nova_virt_hyperv.testing.simulator",
        description="A simulated Hyper-V host: WS-Management on the loopback interface.",
        epilog="The account's password is taken from the environment variable SIMULATOR_PASSWORD.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0: any")
    parser.add_argument("--drive", type=Path, required=True, help="directory that is drive C:")
    parser.add_argument("--state", type=Path, required=True, help="directory for its own files")
    parser.add_argument("--name", default="HYPERV-1", help="the host's NetBIOS name")
    parser.add_argument("--user", default="Administrator", help="the account that may log in")
    parser.add_argument("--switch", action="append", help="a virtual switch; repeatable")
    parser.add_argument("--job-seconds", type=float, default=0.02, help="0: no jobs")
    parser.add_argument(
        "--plain", action="store_true", help="HTTP with encrypted messages instead of HTTPS"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
