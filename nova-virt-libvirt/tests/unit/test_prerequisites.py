"""What a private libvirtd lacks, or what is broken in it, is named, and nothing is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import fixtures
import testtools
from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.prerequisites import require_programs


class PrerequisitesTest(testtools.TestCase):
    """Each start fails for one reason."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch("tempfile.tempdir", str(self.folder)))

    def start_fails(self) -> str:
        daemon = PrivateLibvirtd()
        self.addCleanup(daemon.stop)
        error = self.assertRaises(BackendUnavailable, daemon.start)
        self.assertEqual([], list(self.folder.glob("nvl-*")))
        self.assertRaises(RuntimeError, lambda: daemon.root)
        return str(error)

    def fake(self, program: str, script: str) -> None:
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", f"{folder}:{os.environ['PATH']}"))

    def test_missing_program(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.folder)))
        message = self.start_fails()
        self.assertIn("qemu-system-x86_64 (package qemu-system-x86)", message)
        self.assertIn("apt-get install --no-install-recommends", message)

    def test_names_missing_programs_only(self) -> None:
        error = self.assertRaises(
            BackendUnavailable, require_programs, {"sh": "dash", "no-such-program": "its-package"}
        )
        self.assertIn("its-package", str(error))
        self.assertNotIn("dash", str(error))

    def test_no_root(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("os.geteuid", lambda: 65534))
        self.assertIn("needs root", self.start_fails())

    def test_namespaces_forbidden(self) -> None:
        self.fake("unshare", "echo unshare: Operation not permitted >&2; exit 1")
        self.assertIn("unshare: Operation not permitted", self.start_fails())

    def test_daemon_that_fails(self) -> None:
        for program in ("virtlogd", "libvirtd"):
            self.fake(program, f"echo {program} is out of order >&2; exit 3")
            message = self.start_fails()
            self.assertIn(f"{program} does not start (exit status 3)", message)
            self.assertIn(f"{program} is out of order", message)
            self.useFixture(
                fixtures.EnvironmentVariable("PATH", os.environ["PATH"].partition(":")[2])
            )

    def test_path_too_long_for_a_socket(self) -> None:
        long = self.folder / ("l" * 80)
        long.mkdir()
        self.useFixture(fixtures.MonkeyPatch("tempfile.tempdir", str(long)))
        self.assertIn("set TMPDIR", self.start_fails())
        self.assertEqual([], list(long.iterdir()))
