"""Building the test image: once, found after that, and with a word on what is wrong."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import fixtures
import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from nova_virt_libvirt.testing.guest_image import (
    MODULES,
    BackendUnavailable,
    _modules_in_order,
    build_guest_image,
    default_directory,
    main,
)

GUEST_FILES = Path(str(resources.files("nova_virt_libvirt.testing"))) / "guest"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uuid", "hostname", '"', ":", "{"]), children, max_size=3
        )
    ),
    max_leaves=8,
)


class JsonStringTest(testtools.TestCase):
    """The guest's JSON reader, run by the interpreter that the guest has."""

    def read(self, text: str) -> str:
        script = str(GUEST_FILES / "json_string.awk")
        command = ["busybox", "awk", "-v", "key=uuid", "-f", script]
        done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()

    @given(st.dictionaries(st.text(), JSON, max_size=4), st.none() | st.text(), st.integers(0, 4))
    @settings(deadline=None, max_examples=60)
    def test_finds_the_outermost_member(
        self, others: dict[str, object], value: str | None, place: int
    ) -> None:
        members = [(key, other) for key, other in others.items() if key != "uuid"]
        if value is not None:
            members.insert(place, ("uuid", value))
        expected = "" if value is None else json.dumps(value)[1:-1] + "\n"
        for indent in (None, 2):
            self.assertEqual(expected, self.read(json.dumps(dict(members), indent=indent)))

    def test_takes_only_strings(self) -> None:
        self.assertEqual("", self.read('{"uuid": 1, "a": "uuid", "b": "c"}'))
        self.assertEqual("", self.read('{"uuid": {"uuid": "x"}}'))


class BuildTest(testtools.TestCase):
    """Building once, finding it after that, and saying what is wrong."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.images = self.folder / "images"

    def fake(self, program: str, script: str) -> None:
        folder = self.folder / "fakes"
        folder.mkdir(exist_ok=True)
        (folder / program).write_text(f"#!/bin/sh\n{script}\n")
        (folder / program).chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", f"{folder}:{os.environ['PATH']}"))

    def build_fails(self) -> str:
        error = self.assertRaises(BackendUnavailable, build_guest_image, self.images)
        left = {path.name for path in self.images.glob("*")}
        self.assertLessEqual(left, {"build.lock"})
        return str(error)

    def test_concurrent_builders_make_one_image_that_is_found_later(self) -> None:
        module = "nova_virt_libvirt.testing.guest_image"
        command = [sys.executable, "-m", module, "--directory", str(self.images)]
        builders = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [builder.communicate() for builder in builders]
        path = Path(said[0][0].strip())
        self.assertEqual([path, path], [Path(output.strip()) for output, _ in said])
        self.assertEqual(1, "".join(words for _, words in said).count("writing the disk image"))
        self.assertEqual({path, self.images / "build.lock"}, set(self.images.iterdir()))
        self.assertEqual(0, path.stat().st_mode & 0o222)
        # Neither apt nor any other program is asked for what is there.
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.folder)))
        self.assertEqual(path, build_guest_image(self.images))
        # With another recipe it is another image.
        self.useFixture(fixtures.MonkeyPatch("nova_virt_libvirt.testing.guest_image.RECIPE", 0))
        self.assertIn(
            "missing programs",
            str(self.assertRaises(BackendUnavailable, build_guest_image, self.images)),
        )

    def test_missing_program(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.folder)))
        message = self.build_fails()
        self.assertIn("mcopy (package mtools)", message)
        self.assertIn("qemu-img (package qemu-utils)", message)

    def test_no_network(self) -> None:
        self.fake("apt-get", "echo E: Failed to fetch >&2; exit 100")
        message = self.build_fails()
        self.assertIn("E: Failed to fetch", message)
        self.assertIn("apt-get update", message)

    def test_apt_without_the_kernel(self) -> None:
        self.fake("apt-cache", "echo Package: something-else")
        self.assertIn("linux-image-cloud-amd64", self.build_fails())

    def test_failure_at_the_last_step(self) -> None:
        self.fake("qemu-img", "echo no space left >&2; exit 1")
        self.assertIn("no space left", self.build_fails())

    def test_module_that_the_kernel_lacks(self) -> None:
        (self.folder / "modules.builtin").write_text(
            "kernel/" + "\nkernel/".join(f"{name}.ko" for name in MODULES if name != "isofs")
        )
        error = self.assertRaises(BackendUnavailable, _modules_in_order, self.folder, MODULES)
        self.assertIn("isofs", str(error))

    def test_modules_follow_their_dependencies(self) -> None:
        builtin = [name for name in MODULES if name not in ("virtio_net", "isofs")]
        (self.folder / "modules.builtin").write_text("\n".join(f"k/{name}.ko" for name in builtin))
        for name, depends in (
            ("virtio_net", b"net-failover,virtio"),
            ("net_failover", b"failover"),
            ("failover", b""),
            ("virtio", b""),
            ("isofs", b""),
        ):
            (self.folder / f"{name}.ko").write_bytes(b"\x7fELF\0depends=" + depends + b"\0")
        names = [path.stem for path in _modules_in_order(self.folder, MODULES)]
        self.assertEqual(["failover", "net_failover", "virtio", "virtio_net", "isofs"], names)

    def test_command_line_says_error(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(self.folder)))
        errors = io.StringIO()
        self.useFixture(fixtures.MonkeyPatch("sys.stderr", errors))
        end = self.assertRaises(SystemExit, main, ["--directory", str(self.images)])
        self.assertEqual(1, end.code)
        self.assertIn("error: missing programs", errors.getvalue())

    def test_default_directory_follows_xdg(self) -> None:
        home = self.useFixture(fixtures.TempHomeDir()).path
        for value, expected in (
            ("/c", "/c"),
            ("relative", f"{home}/.cache"),
            (None, f"{home}/.cache"),
        ):
            self.useFixture(fixtures.EnvironmentVariable("XDG_CACHE_HOME", value))
            self.assertEqual(Path(expected) / "nova-virt-libvirt", default_directory())
