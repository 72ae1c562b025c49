"""A client that others wrote on the simulator: ``xen-api``, XCP-ng's own, from npm.

It decides for itself how it encodes, which messages it asks for, and how it follows events.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from fixtures import TempDir

from nova_virt_xenapi.testing.harness import FOREIGN

from .pools import SimulatorTestCase

_SOURCE = Path(__file__).parents[1] / "independent"
_SECONDS = 120


class TestXenApi(SimulatorTestCase):
    """Connect, fill the cache by events, start and stop a VM."""

    hosts = 2

    def install(self) -> Path:
        """The client in a folder of its own."""
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            self.skipTest("node and npm are not installed")
        folder = Path(self.useFixture(TempDir()).path)
        for name in ("package.json", "client.mjs"):
            shutil.copy(_SOURCE / name, folder)
        done = subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            self.skipTest(f"npm cannot install xen-api: {done.stderr[-200:]}")
        return folder

    def test_it_follows_a_vm_by_events(self) -> None:
        folder = self.install()
        vm = self.simulator.ask("call", method="VM.create", parameters=[FOREIGN])
        uuid = self.simulator.ask("records", class_name="VM")[vm]["uuid"]
        simulator = self.simulator
        arguments = [simulator.url, simulator.username, simulator.password, uuid]
        done = subprocess.run(
            ["node", "client.mjs", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        self.assertEqual(("", 0), (done.stderr, done.returncode))
        told = json.loads(done.stdout)
        self.assertEqual("foreign", told["label"])
        self.assertLessEqual({"VM", "host", "SR", "network", "pool"}, set(told["types"]))
        calls = simulator.ask("calls")
        self.assertEqual((1, 1), (calls["Async.VM.start"], calls["Async.VM.hard_shutdown"]))
        self.assertGreater(calls["event.from"], 0)
