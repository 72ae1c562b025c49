"""``python -m nova_virt_hyperv.testing.simulator``: a simulated Hyper-V host on loopback.

It prints one line of JSON with its address, then obeys commands from its standard input (see
`controls`), and ends when that ends, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from nova_virt_hyperv.testing.simulator.authentication import Account
from nova_virt_hyperv.testing.simulator.catalogue import Simulated, simulate
from nova_virt_hyperv.testing.simulator.certificates import make_authority
from nova_virt_hyperv.testing.simulator.consoles import ConsoleListener
from nova_virt_hyperv.testing.simulator.controls import Controls, serve
from nova_virt_hyperv.testing.simulator.host import Configuration
from nova_virt_hyperv.testing.simulator.server import WinRm
from nova_virt_hyperv.testing.simulator.wsman import Service

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator until its input ends."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    password = os.environ.pop("SIMULATOR_PASSWORD", "")
    if not password:
        sys.stderr.write("error: put the account's password into SIMULATOR_PASSWORD\n")
        return 2
    account = Account(options.user, password, options.state / "account")
    authority, tls = make_authority(options.state)
    hosts: list[_Running] = []
    for number, drive in enumerate(options.drive):
        host = _Running(options, number, drive, account, None if options.plain else tls, hosts)
        hosts.append(host)
    told = {"ports": [host.winrm.port for host in hosts], "authority": str(authority)}
    print(json.dumps(told), flush=True)
    serve([host.controls for host in hosts], sys.stdin, sys.stdout)
    for host in hosts:
        host.winrm.stop()
        host.consoles.close()
    return 0


class _Running:
    """One host with its listeners."""

    def __init__(
        self,
        options: argparse.Namespace,
        number: int,
        drive: Path,
        account: Account,
        tls: ssl.SSLContext | None,
        others: Sequence[_Running],
    ) -> None:
        self.consoles = ConsoleListener()
        configuration = Configuration(
            name=options.name if number == 0 else f"{options.name[:12]}-{number + 1}",
            drive=drive,
            switches=tuple(options.switch or ("external",)),
            job_seconds=options.job_seconds,
            console_port=self.consoles.port,
        )
        self.simulated: Simulated = simulate(configuration, *(other.simulated for other in others))
        self.consoles.machines = self.simulated.machines
        port = options.port if number == 0 else 0
        self.winrm = WinRm(Service(self.simulated.host), account, tls, port)
        self.winrm.start()
        self.controls = Controls(self.simulated, self.winrm, self.consoles)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nova_virt_hyperv.testing.simulator",
        description="A simulated Hyper-V host: WS-Management on the loopback interface.",
        epilog="The account's password is taken from the environment variable SIMULATOR_PASSWORD.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0: any")
    parser.add_argument(
        "--drive",
        type=Path,
        action="append",
        required=True,
        help="directory that is drive C:; each one makes another host, and hosts of one directory "
        "have a cluster's shared volume",
    )
    parser.add_argument("--state", type=Path, required=True, help="directory for its own files")
    parser.add_argument("--name", default="HYPERV-1", help="the host's NetBIOS name")
    parser.add_argument("--user", default="Administrator", help="the account that may log in")
    parser.add_argument("--switch", action="append", help="a virtual switch; repeatable")
    parser.add_argument("--job-seconds", type=float, default=0.005, help="0: no jobs")
    parser.add_argument(
        "--plain", action="store_true", help="HTTP with encrypted messages instead of HTTPS"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
