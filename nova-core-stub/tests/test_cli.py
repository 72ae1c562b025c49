from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fixtures
import testtools
from distributions import FACTORY, Distribution
from image_server import Answer, ImageServer
from nova_virt_interface.handshake import DRIVER_GROUP
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.version import CONTRACT_VERSION

from nova_core_stub.cli.app import COMMANDS

PROGRAM = (sys.executable, "-c", "from nova_core_stub.cli import main; main()")
DIGEST = hashlib.sha256(GUEST_IMAGE).hexdigest()
UUID_1 = "11111111-1111-4111-8111-111111111111"
SPAWN = f"server create --image-format raw --disk-bytes 4194304 --uuid {UUID_1}"


class Cli(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        # No configuration of this machine's.
        self.useFixture(fixtures.EnvironmentVariable("HOME", str(self.folder)))
        self.image = self.folder / "guest.raw"
        self.image.write_bytes(GUEST_IMAGE)

    def run_program(self, *arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *arguments]
        return subprocess.run(command, input=script, capture_output=True, text=True, check=False)

    def succeed(self, *arguments: str) -> Any:
        """Run a command with ``-f json``; returns what it printed."""
        done = self.run_program(*arguments, "-f", "json")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return json.loads(done.stdout)

    def fail(self, *arguments: str, status: int = 1) -> str:  # type: ignore[override]
        """Run a command that fails; returns what it said."""
        done = self.run_program(*arguments)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def create(self, *more: str, image: str = "", digest: str = DIGEST) -> tuple[str, ...]:
        """The arguments that make a server."""
        image = image or str(self.image)
        checksum = f"sha256:{digest}"
        return (*SPAWN.split(), "web", "--image", image, "--image-checksum", checksum, *more)


class DriversTest(Cli):
    def test_they_are_listed_from_metadata_with_the_verdict(self) -> None:
        entries = {f"fine-{CONTRACT_VERSION}": "d_fine:Factory", "aged-0.1": "d_fine:Factory"}
        package = Distribution("p-fine", {DRIVER_GROUP: entries}, {"d_fine": "1 / 0"}, "2.5")
        folder = self.useFixture(package).folder
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(folder)))
        rows = {row["driver"]: row for row in self.succeed("drivers")}
        fine = {
            "driver": "fine",
            "package": "p-fine",
            "version": "2.5",
            "contract": CONTRACT_VERSION,
            "verdict": "accepted",
        }
        self.assertEqual(fine, rows["fine"])
        self.assertEqual("accepted", rows["reference"]["verdict"])
        self.assertIn("refused: driver aged (p-fine 2.5) implements", rows["aged"]["verdict"])
        said = self.fail("--backend", "aged", "server", "list")
        self.assertIn("the driver is the old side", said)
        self.assertIn("driver fine is broken", self.fail("--backend", "fine", "server", "list"))

    def test_a_probe_lists_both_levels_and_the_host(self) -> None:
        rows = [tuple(row.values()) for row in self.succeed("drivers", "--probe", "reference")]
        for row in (
            ("driver interface", "IHypervisor", "since 1.0"),
            ("driver interface", "IConsoleLog", "since 1.0"),
            ("core interface", "IVirtDriver", "since 1.0"),
            ("core interface", "IConsoleOutput", "since 1.0"),
            ("host", "hypervisor_type", "reference"),
            ("host", "media_formats", "iso9660, vfat"),
        ):
            self.assertIn(row, rows)
        direct = self.succeed("drivers", "--probe", "reference-direct")
        self.assertNotIn("IHypervisor", [row["name"] for row in direct])

    def test_a_driver_that_cannot_connect(self) -> None:
        source = FACTORY.format(connection="1 / 0")
        entries = {f"down-{CONTRACT_VERSION}": "d_down:Factory"}
        package = Distribution("p-down", {DRIVER_GROUP: entries}, {"d_down": source})
        folder = self.useFixture(package).folder
        self.useFixture(fixtures.EnvironmentVariable("PYTHONPATH", str(folder)))
        self.assertIn("driver down broke the contract", self.fail("drivers", "--probe", "down"))
        done = self.run_program("--debug", "drivers", "--probe", "down")
        self.assertEqual(1, done.returncode)
        self.assertIn("ZeroDivisionError", done.stderr)


class ServerTest(Cli):
    def test_a_server_is_created(self) -> None:
        done = self.succeed("--backend", "reference", *self.create())
        self.assertEqual({"uuid": UUID_1, "name": "web", "power_state": "running"}, done)

    def test_the_life_of_a_server_in_one_session(self) -> None:
        nic = "mac=52:54:00:00:00:01,kind=network,name=private,model=virtio,mtu=1400"
        create = " ".join(self.create("--nic", nic, "--hostname", "host-1"))
        script = f"""{create} -f json
{create} -f value -c name
server list -f json
server console-log {UUID_1}
server reboot --hard {UUID_1}
server stop {UUID_1}
server show {UUID_1} -f value -c power_state
server start {UUID_1}
server delete {UUID_1}
server delete {UUID_1}
server show {UUID_1}
quit
"""
        for driver in ("reference", "reference-direct"):
            done = self.run_program("--backend", driver, script=script)
            self.assertEqual(0, done.returncode)
            self.assertIn('"power_state": "running"', done.stdout)
            self.assertIn("NVG hostname=host-1", done.stdout)
            self.assertIn("NVG mac=52:54:00:00:00:01", done.stdout)
            self.assertIn("stopped\n", done.stdout)
            self.assertEqual(1, done.stderr.count("error: "), done.stderr)
            self.assertIn(f"error: there is no VM {UUID_1}", done.stderr)

    def test_a_configured_backend_and_store_are_used(self) -> None:
        server = self.useFixture(ImageServer())
        server.answers["/images/guest"] = Answer(GUEST_IMAGE)
        path = self.folder / "core.conf"
        path.write_text(
            f"[nova_core_stub]\nbackend = mine\nimage_store = {server.url}/images\n"
            "[mine]\ndriver = reference\n"
        )
        config = ("--config-file", str(path))
        self.succeed(*config, *self.create(image="guest"))
        self.assertEqual(["HEAD /images/guest", "GET /images/guest"], server.asked)
        self.succeed(*config, *self.create(image=f"{server.url}/images/guest"))
        rows = self.succeed(*config, "drivers", "--probe", "mine")
        self.assertIn("mine", [row["value"] for row in rows if row["name"] == "hostname"])

    def test_bad_input_is_answered_with_what_to_do(self) -> None:
        there = ("--backend", "reference")
        for arguments, words in (
            (("server", "list"), "--backend"),
            (("--backend", "nobody", "server", "list"), "use one of these: "),
            (("--config-file", "/nonexistent", "server", "list"), "/nonexistent"),
            ((*there, "server", "show", UUID_1), f"no VM {UUID_1}"),
            ((*there, "server", "start", UUID_1), f"no VM {UUID_1}"),
            ((*there, *self.create(image="/nonexistent/image")), "no image"),
            ((*there, *self.create(image="unknown")), "image_store"),
            ((*there, *self.create(image="..")), "is no image"),
            ((*there, *self.create(digest="0" * 64)), "is not what was promised"),
            ((*there, *self.create("--swap-mib", "8000")), "bytes are needed"),
            ((*there, *self.create("--nic", "mac=x,kind=network,name=n")), "52:54:00:12:34:56"),
            (
                (*there, *self.create("--nic", "mac=52:54:00:00:00:01,kind=user")),
                "does not take user",
            ),
            ((*there, *self.create("--nic", "mac=52:54:00:00:00:01,kind=fax")), "fax"),
            ((*there, *self.create("--user-data", "/nonexistent")), "cannot be read"),
            ((*there, *self.create("--memory-mib", "0")), "memory_bytes"),
            ((*there, *self.create("--disk-bytes", "4194")), "larger flavor"),
        ):
            said = self.fail(*arguments)
            self.assertIn(words, said)

    def test_what_makes_no_sense_is_a_usage_error(self) -> None:
        for arguments in (
            ("server", "show", "no-uuid"),
            ("server", "create", "web"),
            ("server", "unknown"),
            self.create("--nic", "mac=52:54:00:00:00:01"),
            self.create("--nic", "mac=a,kind=b,colour=c"),
            self.create("--property", "alone"),
            self.create(digest="xyz"),
            self.create("--disk-gib", "1"),
        ):
            self.fail(*arguments, status=2)

    def test_time_runs_out(self) -> None:
        said = self.fail("--backend", "reference", "--timeout", "0.0000001", *self.create())
        self.assertIn("deadline", said)

    def test_secrets_appear_nowhere(self) -> None:
        secrets = {"password": "hunter2-password", "data": "hunter2-data"}
        for name, content in secrets.items():
            (self.folder / name).write_text(f"{content}\n")
        log = self.folder / "core.log"
        arguments = self.create(
            "--user-data", str(self.folder / "data"),
            "--admin-password-file", str(self.folder / "password"),
        )  # fmt: skip
        noisy = ("-vv", "--debug", "--log-file", str(log), "--backend", "reference")
        done = self.run_program(*noisy, *arguments)
        self.assertEqual(0, done.returncode, done.stderr)
        written = log.read_text()
        self.assertIn("core.spawn(", written)
        self.assertRegex(written, r"\[ req-[0-9a-f-]{36} \]")
        self.assertNotIn("hunter2", done.stdout + done.stderr + written)
        failed = self.run_program(*noisy, *self.create(*arguments[-4:], digest="0" * 64))
        self.assertEqual(1, failed.returncode)
        self.assertIn("ImageCorrupt", failed.stderr + log.read_text())
        self.assertNotIn("hunter2", failed.stdout + failed.stderr + log.read_text())


class HelpTest(Cli):
    def test_every_command_has_help(self) -> None:
        overview = self.run_program("--help")
        self.assertEqual(0, overview.returncode)
        self.assertNotIn("Could not", overview.stdout)
        for command in COMMANDS:
            self.assertIn(f"  {command}", overview.stdout)
            self.assertEqual(0, self.run_program("help", *command.split()).returncode)

    def test_help_imports_nothing_that_connecting_takes(self) -> None:
        heavy = ("requests", "pycdlib", "oslo_log.log", "nova_core_stub.compute")
        code = (
            "import sys, contextlib\nfrom nova_core_stub.cli.app import CoreApp\n"
            "with contextlib.suppress(SystemExit):\n    CoreApp().run(['--help'])\n"
            f"print('LOADED', [name for name in {heavy!r} if name in sys.modules])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        self.assertIn("LOADED []", done.stdout)
