"""The private libvirtd: private, restartable, gone without a trace when it or its starter ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import libvirt
import tenacity
import testtools

from nova_virt_libvirt.testing.daemon import PrivateLibvirtd

from .guest_domain import PATIENCE_SECONDS, domain_xml

# A starter that goes on to run a guest, then waits to be killed. With "fork", a fork of it keeps
# every pipe of the starter open.
STARTER = """\
import os, sys, time
import libvirt
from nova_virt_libvirt.testing.daemon import PrivateLibvirtd

daemon = PrivateLibvirtd()
daemon.start()
libvirt.open(daemon.uri).createXML(sys.argv[1])
forked = os.fork() if sys.argv[2] == "fork" else None
if forked != 0:
    print(daemon.root, forked or "", flush=True)
time.sleep(600)
"""


def processes_of(root: Path) -> set[int]:
    """Processes that see the folder's private mounts, or name it on their command line."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "mountinfo").read_text() + (process / "cmdline").read_text()
        except OSError:
            continue
        if str(root) in text:
            found.add(int(process.name))
    return found


def remains(root: Path) -> set[str]:
    """What is left of a private libvirtd: processes and its folder."""
    return {str(number) for number in processes_of(root)} | (
        {str(root)} if root.exists() else set()
    )


def named(root: Path) -> dict[str, int]:
    """The processes of a private libvirtd by their names; of several with one name, any."""
    found = {}
    for number in processes_of(root):
        # One of the short-lived ones may have gone since.
        with contextlib.suppress(OSError):
            found[Path(f"/proc/{number}/comm").read_text().strip()] = number
    return found


class DaemonTest(testtools.TestCase):
    """What one or several private daemons do while they run."""

    def start(self) -> PrivateLibvirtd:
        daemon = PrivateLibvirtd()
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def connect(self, daemon: PrivateLibvirtd) -> libvirt.virConnect:
        connection = libvirt.open(daemon.uri)
        self.addCleanup(connection.close)
        return connection

    def test_two_at_once_share_nothing(self) -> None:
        connections = [self.connect(self.start()) for _ in range(2)]
        domain_uuid = uuid.uuid4()
        for connection in connections:
            self.assertEqual([], connection.listAllDomains())
            connection.defineXML(domain_xml(domain_uuid)).create()
        connections[0].lookupByUUID(domain_uuid.bytes).destroy()
        states = [
            connection.lookupByUUID(domain_uuid.bytes).isActive() for connection in connections
        ]
        self.assertEqual([0, 1], states)
        self.assertEqual(2, len({connection.getHostname() for connection in connections}))

    def test_one_that_has_crashed_is_revived(self) -> None:
        daemon = self.start()
        self.assertFalse(daemon.revive())
        daemon.kill()
        self.assertTrue(daemon.revive())
        self.assertEqual([], self.connect(daemon).listAllDomains())

    def test_guest_survives_restart(self) -> None:
        daemon = self.start()
        domain_uuid = uuid.uuid4()
        before = self.connect(daemon)
        before.createXML(domain_xml(domain_uuid))
        libvirtd = daemon.root / "run" / "libvirtd.pid"
        qemu = daemon.root / "run" / "libvirt" / "qemu" / f"{domain_uuid}.pid"
        numbers = libvirtd.read_text(), qemu.read_text()
        daemon.restart()
        self.assertRaises(libvirt.libvirtError, before.getLibVersion)
        after = self.connect(daemon)
        state, _ = after.lookupByUUID(domain_uuid.bytes).state()
        self.assertEqual(libvirt.VIR_DOMAIN_RUNNING, state)
        self.assertNotEqual(numbers[0], libvirtd.read_text())
        self.assertEqual(numbers[1], qemu.read_text())

    def test_killed_refuses_connections_until_restart(self) -> None:
        daemon = self.start()
        self.connect(daemon).createXML(domain_xml(uuid.uuid4()))
        daemon.kill()
        daemon.kill()
        error = self.assertRaises(libvirt.libvirtError, libvirt.open, daemon.uri)
        self.assertIn("Connection refused", str(error))
        running = named(daemon.root)
        self.assertIn("qemu-system-x86", running)
        self.assertNotIn("libvirtd", running)
        daemon.restart()
        self.assertEqual(1, len(self.connect(daemon).listAllDomains()))

    def test_ended_guest_is_no_zombie(self) -> None:
        daemon = self.start()
        domain = self.connect(daemon).createXML(domain_xml(uuid.uuid4()))
        qemu = Path("/proc", str(named(daemon.root)["qemu-system-x86"]))
        self.assertTrue(qemu.exists())
        domain.destroy()
        self.assertFalse(qemu.exists())

    def test_emulates_in_software_only(self) -> None:
        connection = self.connect(self.start())
        connection.getDomainCapabilities(None, "x86_64", "pc", "qemu")
        error = self.assertRaises(
            libvirt.libvirtError, connection.getDomainCapabilities, None, "x86_64", "pc", "kvm"
        )
        self.assertIn("'kvm' is not supported", str(error))

    def test_storage_path_is_a_pool(self) -> None:
        daemon = self.start()
        target = daemon.storage_path
        xml = f"<pool type='dir'><name>p</name><target><path>{target}</path></target></pool>"
        pool = self.connect(daemon).storagePoolCreateXML(xml)
        pool.createXML("<volume><name>v</name><capacity>4096</capacity></volume>")
        self.assertEqual(4096, (target / "v").stat().st_size)

    def test_says_version(self) -> None:
        daemon = self.start()
        number = self.connect(daemon).getLibVersion()
        parts = [int(part) for part in daemon.version.split(".")]
        self.assertEqual(number, parts[0] * 1_000_000 + parts[1] * 1000 + parts[2])

    def test_log_is_libvirtds_own(self) -> None:
        daemon = self.start()
        error = self.assertRaises(
            libvirt.libvirtError, self.connect(daemon).defineXML, "<nonsense/>"
        )
        self.assertIn(str(error).split(":")[0], daemon.log())
        self.assertEqual(1, len(daemon.log(lines=1).splitlines()))


class EndTest(testtools.TestCase):
    """Nothing is left, however it ends."""

    def assert_vanishes(self, root: Path) -> None:
        waiting = tenacity.retry(
            retry=tenacity.retry_if_result(bool),
            wait=tenacity.wait_fixed(0.05),
            stop=tenacity.stop_after_delay(PATIENCE_SECONDS),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        self.assertEqual(set(), waiting(remains)(root))

    def test_stop_leaves_nothing(self) -> None:
        daemon = PrivateLibvirtd()
        with daemon:
            root = daemon.root
            connection = libvirt.open(daemon.uri)
            domain_uuid = uuid.uuid4()
            connection.defineXML(domain_xml(domain_uuid)).create()
            self.assertLessEqual({"libvirtd", "virtlogd", "qemu-system-x86"}, named(root).keys())
            self.assertTrue((root / "etc" / "libvirt" / "qemu" / f"{domain_uuid}.xml").exists())
        self.assertEqual(set(), remains(root))
        self.assertFalse(Path(f"/etc/libvirt/qemu/{domain_uuid}.xml").exists())
        self.assertNotIn(str(root), Path("/proc/self/mountinfo").read_text())
        daemon.stop()
        self.assertRaises(RuntimeError, lambda: daemon.root)

    def test_starts_again_after_stop(self) -> None:
        daemon = PrivateLibvirtd()
        for _ in range(2):
            with daemon:
                self.assertRaises(RuntimeError, daemon.start)
                libvirt.open(daemon.uri).close()

    def run_and_kill_starter(self, how: str) -> None:
        command = [sys.executable, "-c", STARTER, domain_xml(uuid.uuid4()), how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdout
            try:
                root, _, forked = starter.stdout.readline().rstrip("\n").partition(" ")
                names = named(Path(root))
            finally:
                starter.kill()
        self.assertLessEqual({"libvirtd", "virtlogd", "qemu-system-x86"}, names.keys())
        try:
            self.assert_vanishes(Path(root))
        finally:
            if forked:
                os.kill(int(forked), signal.SIGKILL)

    def test_nothing_outlives_a_killed_starter(self) -> None:
        self.run_and_kill_starter("alone")

    def test_nothing_outlives_a_killed_starter_that_forked(self) -> None:
        self.run_and_kill_starter("fork")

    def test_survives_the_thread_that_started_it(self) -> None:
        daemon = PrivateLibvirtd()
        self.addCleanup(daemon.stop)
        thread = threading.Thread(target=daemon.start)
        thread.start()
        thread.join()
        # The signal would come at once, and ending takes a few milliseconds: look again and again.
        with libvirt.open(daemon.uri) as connection:
            connection.createXML(domain_xml(uuid.uuid4()))
        daemon.restart()
        self.assertIn("virtlogd", named(daemon.root))
