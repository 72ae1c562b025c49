"""A libvirtd of one's own: private, and gone with the process that started it.

It runs with its virtlogd and its guests in namespaces of its own, in which its own folders hide
those of the machine's libvirt. The network is the machine's: a guest's console, a migration or
iSCSI on loopback can be reached. Guests are emulated in software: KVM is hidden.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import libvirt
import tenacity
from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_libvirt.testing import _private_namespace
from nova_virt_libvirt.testing._private_namespace import PrivateNamespace
from nova_virt_libvirt.testing.prerequisites import (
    require_programs,
    system_environment,
)

__all__ = ["BackendUnavailable", "PrivateLibvirtd"]

PROGRAMS = {
    **_private_namespace.PROGRAMS,
    "libvirtd": "libvirt-daemon-system",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "swtpm": "swtpm",
    "swtpm_setup": "swtpm-tools",
    "virtlogd": "libvirt-daemon-system",
}

# All of /run: there are also the system's D-Bus, by which libvirtd would register its guests with
# the machine's systemd, and the daemons' lock files. All of /var/log: libvirtd makes a folder for
# swtpm in it.
HIDDEN = {
    "/run": "base-files",
    "/etc/libvirt": "libvirt-daemon-system",
    "/var/lib/libvirt": "libvirt-daemon-system",
    "/var/lib/swtpm-localca": "swtpm-tools",
    "/var/log": "base-files",
    "/var/cache/libvirt": "libvirt-daemon-system",
}
FIRMWARE = {"/usr/share/OVMF": "ovmf"}

# Root throughout: for any other user libvirtd would probe QEMU again before every start of a guest.
# No cgroups and no ownership marks: both would be left on the machine.
QEMU_CONF = """\
user = "root"
group = "root"
swtpm_user = "root"
swtpm_group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "logd"
remote_display_port_min = {first_display_port}
remote_display_port_max = {last_display_port}
migration_port_min = {first_migration_port}
migration_port_max = {last_migration_port}
"""

# Below those that Linux gives to clients. A half for consoles, a half for arriving guests.
PORTS = (10_000, 32_000)
PORTS_EACH = 200

LIBVIRTD_CONF = """\
host_uuid = "{host_uuid}"
listen_tls = 0
listen_tcp = 0
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
"""

PID_FILE = "run/libvirtd.pid"
# Linux allows 107 bytes for a socket's path.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 60


class PrivateLibvirtd:
    """A libvirtd for tests; also a context manager. Each start makes a new host with its own uuid.

    Needs root and `PROGRAMS`. Everything that it starts, guests included, ends with `stop` or with
    this process, however that ends; so does `root`, the folder that all its files are in.
    """

    def __init__(self) -> None:
        self._root: Path | None = None
        self._version = ""
        self._namespace: PrivateNamespace | None = None
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def root(self) -> Path:
        """The folder that holds all its files, at the same path for libvirtd and for us."""
        if self._root is None:
            raise RuntimeError("this libvirtd is not started")
        return self._root

    @property
    def storage_path(self) -> Path:
        """A folder for disks, empty at first, fit for a storage pool of type dir."""
        return self.root / "storage"

    @property
    def uri(self) -> str:
        """What to give to `libvirt.open`; the same after `restart`."""
        return f"qemu+unix:///system?socket={self._socket('libvirt-sock')}"

    @property
    def version(self) -> str:
        """libvirtd's version, as in "9.0.0"; empty before the first start."""
        return self._version

    def start(self) -> None:
        """Start it; return when it answers. After `BackendUnavailable` nothing is left of it."""
        if self._root is not None:
            raise RuntimeError("this libvirtd is started already")
        if os.geteuid() != 0:
            raise BackendUnavailable("a private libvirtd needs root: run this as root")
        require_programs(PROGRAMS)
        self._root = Path(tempfile.mkdtemp(prefix="nvl-"))
        try:
            host_uuid = uuid.uuid4()
            self._write_files(host_uuid)
            # With a dot, or libvirtd would ask the name service for the rest of the name.
            hostname = f"host-{host_uuid.hex[:8]}.invalid"
            self._namespace = PrivateNamespace(self._root, hostname, HIDDEN)
            self._start_daemon(self._namespace, "virtlogd", "virtlogd-sock")
            self.restart()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything and remove `root`; idempotent."""
        if self._namespace is not None:
            self._namespace.stop()
            self._namespace = None
        for daemon in self._daemons.values():
            daemon.wait()
        self._daemons.clear()
        if self._root is not None:
            # The namespace has taken it along, unless there was none or its keeper was killed.
            if self._root.exists():
                shutil.rmtree(self._root)
            self._root = None

    def kill(self) -> None:
        """Kill libvirtd alone; its socket then refuses connections. Guests run on. Idempotent."""
        daemon = self._daemons.get("libvirtd")
        if self._namespace is not None and daemon is not None and daemon.poll() is None:
            number = (self.root / PID_FILE).read_text().strip()
            kill = self._namespace.command("sh", "-c", f"kill -KILL {number}")
            subprocess.run(kill, env=system_environment(), check=True)
            # nsenter stops itself when it learns, perhaps late, that libvirtd was stopped.
            while daemon.poll() is None:
                self.signal(signal.SIGCONT)
                time.sleep(0.01)

    def revive(self) -> bool:
        """Start libvirtd again if it has crashed, as systemd does on a host; say whether it had."""
        crashed = self._daemons["libvirtd"].poll() is not None
        if crashed:
            self.restart()
        return crashed

    def restart(self) -> None:
        """Kill libvirtd, unless it is dead, and start it again where it was; guests run on."""
        if self._namespace is None:
            raise RuntimeError("this libvirtd is not started")
        self.kill()
        pid_file = f"/{PID_FILE}"
        self._start_daemon(self._namespace, "libvirtd", "libvirt-sock", "--pid-file", pid_file)
        try:
            with closing(libvirt.open(self.uri)) as connection:
                number = connection.getLibVersion()
        except libvirt.libvirtError as error:
            raise BackendUnavailable(f"libvirtd fails: {error}; its log:\n{self.log()}") from error
        self._version = f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command where libvirtd sees its storage; return what it prints."""
        if self._namespace is None:
            raise RuntimeError("this libvirtd is not started")
        done = subprocess.run(
            self._namespace.command(*command),
            env=system_environment(),
            check=check,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def start_program(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command there that goes on until it is ended, at the latest with this."""
        if self._namespace is None:
            raise RuntimeError("this libvirtd is not started")
        with (self.root / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(
                self._namespace.command(*command),
                env=system_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send libvirtd, and what waits for it here, a signal that does not end it."""
        os.killpg(self._daemons["libvirtd"].pid, number)

    def log(self, lines: int = 40, *, daemon: str = "libvirtd") -> str:
        """The last lines that the daemon (libvirtd, virtlogd) wrote; empty if it has not run."""
        path = self.root / f"{daemon}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _socket(self, name: str) -> Path:
        return self.root / "run" / "libvirt" / name

    def _write_files(self, host_uuid: uuid.UUID) -> None:
        longest = str(self._socket("libvirt-admin-sock"))
        if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
            raise BackendUnavailable(
                f"{longest} is too long for a socket: set TMPDIR to a shorter path"
            )
        for folder, package in (HIDDEN | FIRMWARE).items():
            if not Path(folder).is_dir():
                raise BackendUnavailable(f"no folder {folder}: install {package}")
        for folder in HIDDEN:
            (self.root / folder.lstrip("/")).mkdir(parents=True)
        self.storage_path.mkdir()
        etc = self.root / "etc" / "libvirt"
        # libvirt looks whether a port is free, and QEMU takes it later: two daemons on one network
        # must not count from the same number.
        first = random.randrange(*PORTS, PORTS_EACH)  # noqa: S311 - no secret
        middle = first + PORTS_EACH // 2
        ports = {
            "first_display_port": first,
            "last_display_port": middle - 1,
            "first_migration_port": middle,
            "last_migration_port": first + PORTS_EACH - 1,
        }
        (etc / "qemu.conf").write_text(QEMU_CONF.format(**ports))
        (etc / "libvirtd.conf").write_text(LIBVIRTD_CONF.format(host_uuid=host_uuid))

    def _start_daemon(
        self, namespace: PrivateNamespace, name: str, socket_name: str, *options: str
    ) -> None:
        with (self.root / f"{name}.log").open("ab") as log:
            daemon = subprocess.Popen(
                namespace.command(name, *options),
                env=system_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._daemons[name] = daemon
        connecting = tenacity.retry(
            retry=tenacity.retry_if_result(lambda answers: not answers and daemon.poll() is None),
            wait=tenacity.wait_fixed(0.02),
            stop=tenacity.stop_after_delay(START_SECONDS),
            retry_error_callback=lambda _state: False,
        )(_answers)
        if not connecting(str(self._socket(socket_name))):
            status = f"exit status {daemon.poll()}"
            raise BackendUnavailable(
                f"{name} does not start ({status}); its log:\n{self.log(daemon=name)}"
            )


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0
