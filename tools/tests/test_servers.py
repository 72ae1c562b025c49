"""Servers by hand: core's command line, the libvirt driver and a real guest, as installed."""

import hashlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import fixtures
import testtools
from nova_virt_libvirt.testing.harness import QemuHarness

from toolbox.layout import VENV

PASSWORD = "correct-horse-battery"
MAC = "52:54:00:00:00:77"


class TestServers(testtools.TestCase):
    """Each command is a process of its own, as a user's is."""

    def setUp(self) -> None:
        super().setUp()
        self.harness = QemuHarness()
        self.addCleanup(self.harness.stop)
        self.harness.start()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        settings = self.harness.settings()
        names = ("uri", "virt_type", "storage_pool", "storage_path")
        options = [f"{name} = {getattr(settings, name)}" for name in names]
        self.config = self.folder / "core.conf"
        self.config.write_text("\n".join(["[rack-1]", "driver = libvirt", *options]))
        self.addCleanup(lambda: self.assertEqual(set(), self.left()))

    def left(self) -> set[str]:
        """What exists on the host, but for cached images, which are there to stay."""
        return {name for name in self.harness.leftovers() if " image-" not in name}

    def core(self, *arguments: str, expect: int = 0) -> str:
        """Run the program; return what it printed."""
        program = VENV / "bin" / "nova-core-stub"
        chosen = ("--config-file", str(self.config), "--backend", "rack-1")
        done = subprocess.run(
            [str(program), *chosen, *arguments], capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        self.assertEqual(expect, done.returncode, said)
        self.assertNotIn(PASSWORD, said)
        self.assertNotIn("Traceback", said)
        return said

    def create(self, *more: str, expect: int = 0, disk: str = "40000000", digest: str = "") -> Any:
        """Create a server; return what was said, as an object if it was created."""
        path = self.harness.image().path
        password = self.folder / "password"
        password.write_text(PASSWORD)
        digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
        said = self.core(
            *("server", "create", "web <&'\"", "-f", "json", "--hostname", "web-1"),
            *("--image", str(path), "--image-format", "qcow2"),
            *("--image-checksum", f"sha256:{digest}", "--disk-bytes", disk),
            *("--memory-mib", "128", "--nic", f"mac={MAC},kind=user"),
            *("--admin-password-file", str(password), *more),
            expect=expect,
        )
        return said if expect else json.loads(said)

    def delete(self, uuid: str) -> None:
        """Delete the server, twice."""
        self.core("server", "delete", uuid)
        self.core("server", "delete", uuid)

    def wait_for(self, text: str, uuid: str) -> str:
        """Read the console until the guest has written the text."""
        give_up = time.monotonic() + self.harness.patience_seconds
        while text not in (console := self.core("server", "console-log", uuid)):
            self.assertLess(time.monotonic(), give_up, console)
            time.sleep(0.2)
        return console

    def test_the_life_of_a_server(self) -> None:
        uuid = self.create()["uuid"]
        self.addCleanup(self.delete, uuid)
        console = self.wait_for("NVG ready", uuid)
        for fact in (f"uuid={uuid}", "hostname=web-1", f"mac={MAC}", f"dmi_uuid={uuid}"):
            self.assertIn(f"NVG {fact}", console)
        (listed,) = json.loads(self.core("server", "list", "-f", "json"))
        self.assertEqual((uuid, "web <&'\"", "running"), tuple(listed.values())[:3])
        self.core("server", "reboot", uuid)
        self.wait_for("NVG ready", uuid)
        self.core("server", "stop", uuid)
        self.assertIn("stopped", self.core("server", "show", uuid))
        self.core("server", "start", uuid)
        self.assertIn("running", self.core("server", "show", uuid))

    def test_bad_input_is_refused_with_a_remedy_and_leaves_nothing(self) -> None:
        for refused, words in (
            (self.create(expect=1, digest="0" * 64), "sha256"),
            (self.create(expect=1, disk="512"), "larger flavor"),
            (self.create("--image-format", "vmdk", expect=1), "convert"),
            (self.core("server", "show", "no-uuid", expect=2), "uuid"),
        ):
            self.assertIn(words, refused)
        self.assertEqual([], json.loads(self.core("server", "list", "-f", "json")))

    def test_a_dead_libvirtd_is_said_to_be_dead(self) -> None:
        with self.harness.outage():
            said = self.core("server", "list", expect=1)
        self.assertIn("libvirtd", said)
