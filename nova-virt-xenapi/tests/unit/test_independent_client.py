"""A client that others wrote on the simulator: ``xen-api``, XCP-ng's own, from npm.

It decides for itself how it encodes, which messages it asks for, and how it follows events.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from fixtures import TempDir
from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_xenapi.testing.harness import FOREIGN

from .pools import SimulatorTestCase

_SOURCE = Path(__file__).parents[1] / "independent"


def modules() -> Path:
    """The client and what it depends on, fetched once for this Python environment at the versions
    of the lock file; two processes that ask at once fetch it once.
    """
    digest = hashlib.sha256(_SOURCE.joinpath("package-lock.json").read_bytes()).hexdigest()
    # Node looks for what the client depends on in a folder of this name.
    place = Path(sys.prefix, "share", "nova-virt-xenapi", digest[:12], "node_modules")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _fetch(place)
    return place


def _fetch(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise BackendUnavailable("node or npm is missing: install what bindep.txt lists")
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_SOURCE / name, folder)
        # What the packages would run while they are installed is not needed, and not trusted.
        command = [npm, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BackendUnavailable(f"npm cannot fetch xen-api: {done.stderr.strip()[-500:]}")
        Path(folder, "node_modules").rename(place)


class TestXenApi(SimulatorTestCase):
    """Connect, fill the cache by events, start and stop a VM."""

    hosts = 2

    def told(self, transport: str) -> dict[str, Any]:
        """What the client says after all of it."""
        folder = Path(self.useFixture(TempDir()).path)
        # A module is looked for beside the file that imports it.
        shutil.copy(_SOURCE / "client.mjs", folder)
        folder.joinpath("node_modules").symlink_to(modules())
        simulator = self.simulator
        vm = simulator.ask("call", method="VM.create", parameters=[FOREIGN])
        self.addCleanup(simulator.ask, "call", method="VM.destroy", parameters=[vm])
        uuid = simulator.ask("records", class_name="VM")[vm]["uuid"]
        done = subprocess.run(
            [
                *("node", "client.mjs", simulator.url, simulator.username, simulator.password),
                *(uuid, transport),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"NODE_EXTRA_CA_CERTS": simulator.ca_file},
        )
        self.assertEqual(("", 0), (done.stderr, done.returncode))
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def test_it_follows_a_vm_by_events(self) -> None:
        # Left to itself, it uses JSON if the host speaks it.
        for transport, uses_json in (("auto", True), ("xml-rpc", False)):
            before = self.simulator.ask("calls")
            told = self.told(transport)
            self.assertEqual("foreign", told["label"])
            self.assertLessEqual({"VM", "host", "SR", "network", "pool"}, set(told["types"]))
            self.assertEqual(["Halted", "Running", "Halted"], told["states"])
            self.assertEqual("VM_BAD_POWER_STATE", told["refusal"])
            after = self.simulator.ask("calls")
            for method in ("Async.VM.start", "Async.VM.hard_shutdown"):
                self.assertEqual(before.get(method, 0) + 1, after[method])
            self.assertGreater(after["event.from"], before.get("event.from", 0))
            in_json = after.get("POST /jsonrpc", 0) - before.get("POST /jsonrpc", 0)
            self.assertEqual(uses_json, in_json > 0)
