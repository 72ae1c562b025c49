"""A private smbd on loopback: the file share of the simulated host, over real SMB."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path

from nova_virt_interface.testing.harness import BackendUnavailable

__all__ = ["Samba"]

_PROGRAMS = ("smbd", "pdbedit")
_PATIENCE_SECONDS = 20.0


class Samba:
    """An smbd that shares one directory and nothing of the machine's own configuration.

    Signing and encryption are required, as on a Windows share with encryption switched on.

    Args:
        state: an existing empty directory for the daemon's own files.
        shared: the directory to share.
        share: the share's name.
        user: the Windows user who may log in; mapped to the user who runs the tests.
        password: that user's password.
        encryption: samba's word for it: ``required``, or ``off`` to see that a client insists.
    """

    def __init__(
        self,
        state: Path,
        shared: Path,
        share: str,
        user: str,
        password: str,
        encryption: str = "required",
    ) -> None:
        self._state = state
        self._shared = shared
        self._share = share
        self._user = user
        self._password = password
        self._encryption = encryption
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def _configuration(self) -> Path:
        return self._state / "smb.conf"

    def start(self) -> None:
        """Start it, the first time on a free port, later on the same; BackendUnavailable if not."""
        programs = {name: _program(name) for name in _PROGRAMS}
        if not self.port:
            self.port = _free_port()
            self._configure(programs["pdbedit"])
        arguments = ["--foreground", "--no-process-group", f"--configfile={self._configuration}"]
        with (self._state / "smbd.out").open("ab") as output:
            # smbd in the foreground ends when its standard input does: it cannot outlive the tests.
            self._process = subprocess.Popen(
                [programs["smbd"], *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # It ends its children by a signal to its whole process group.
                start_new_session=True,
            )
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        """Stop it and all its children. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            process.terminate()
            process.wait()

    def _configure(self, pdbedit: str) -> None:
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self._state / name).mkdir()
        (self._state / "users.map").write_text(
            f"{getpass.getuser()} = {self._user}\n", encoding="utf-8"
        )
        self._configuration.write_text(self._smb_conf(), encoding="utf-8")
        told = f"{self._password}\n" * 2
        command = [pdbedit, f"--configfile={self._configuration}", "--create"]
        command += ["--password-from-stdin", f"--user={getpass.getuser()}"]
        done = subprocess.run(command, input=told.encode(), capture_output=True, check=False)
        if done.returncode:
            raise BackendUnavailable(
                f"pdbedit cannot make the share's user: {done.stderr.decode(errors='replace')}"
            )

    def _smb_conf(self) -> str:
        state = self._state
        return f"""[global]
server role = standalone server
server min protocol = SMB3
server signing = mandatory
server smb encrypt = {self._encryption}
map to guest = never
username map = {state}/users.map
passdb backend = tdbsam
interfaces = 127.0.0.1/8
bind interfaces only = yes
smb ports = {self.port}
disable netbios = yes
load printers = no
disable spoolss = yes
private dir = {state}/private
lock directory = {state}/lock
state directory = {state}/state
cache directory = {state}/cache
pid directory = {state}/pid
ncalrpc dir = {state}/ncalrpc
log file = {state}/smbd.log
usershare max shares = 0

[{self._share}]
path = {self._shared}
read only = no
"""

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except ConnectionRefusedError:
                time.sleep(0.05)
            else:
                return
        output = (self._state / "smbd.out").read_text(encoding="utf-8", errors="replace")
        self.stop()
        raise BackendUnavailable(f"smbd did not come up: {output[-2000:]}")


def _program(name: str) -> str:
    # smbd is in a directory that only an administrator's PATH names.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise BackendUnavailable(f"there is no {name}: install samba")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
