"""Volumes for tests, and the servers that offer them, in a private libvirtd's namespace."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    ChapUser,
    FileVolume,
    IscsiVolume,
    NbdVolume,
    VolumeConnection,
    VolumeProtocol,
)

from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.prerequisites import require_programs

__all__ = ["PROGRAMS", "StorageServers"]

PROGRAMS = {
    "losetup": "mount",
    "qemu-img": "qemu-utils",
    "qemu-nbd": "qemu-utils",
    "tgtadm": "tgt",
    "tgtd": "tgt",
}
_LOOPBACK = "127.0.0.1"
_USER = "tester"
_CONTROL = "7"
"""tgt's number of the daemon: its socket is a private one."""
_START_SECONDS = 10.0


class StorageServers:
    """Offers files as volumes: as they are, as block devices, by NBD and by iSCSI."""

    def __init__(self, libvirtd: PrivateLibvirtd, image: Path) -> None:
        self._libvirtd = libvirtd
        self._image = image
        self._numbers = count(1)
        self._files: dict[VolumeConnection, Path] = {}
        self._users: dict[VolumeConnection, Callable[[], bool]] = {}
        self._iscsi_port = 0

    @property
    def folder(self) -> Path:
        """Where the volumes' files are."""
        path = self._libvirtd.root / "volumes"
        path.mkdir(exist_ok=True)
        return path

    @contextmanager
    def volume(self, wish: VolumeWish) -> Iterator[TestVolume]:
        """A volume inside the context."""
        require_programs(PROGRAMS)
        path = self.folder / f"volume-{next(self._numbers)}"
        self._make(path, wish)
        offers = {
            VolumeProtocol.FILE: self._file,
            VolumeProtocol.BLOCK_DEVICE: self._block_device,
            VolumeProtocol.NBD: self._nbd,
            VolumeProtocol.ISCSI: self._iscsi,
        }
        try:
            with offers[wish.protocol](path, wish) as connection:
                self._files[connection] = path
                yield TestVolume(connection=connection, size_bytes=wish.size_bytes)
        finally:
            path.unlink()

    @contextmanager
    def overlay(self, volume: TestVolume) -> Iterator[FileVolume]:
        """A file that is built on a volume's."""
        base = volume.connection
        if not isinstance(base, FileVolume):
            raise TypeError("only a file has an overlay")
        path = self.folder / f"overlay-{next(self._numbers)}"
        self._qemu_img(
            *("create", "-q", "-u", "-f", "qcow2", "-b", base.path, "-F", base.format.value),
            str(path),
            str(volume.size_bytes),
        )
        connection = FileVolume(path=str(path), format=DiskFormat.QCOW2)
        self._files[connection] = path
        self._users[connection] = lambda: self._is_open(str(path))
        try:
            yield connection
        finally:
            path.unlink()

    def content(self, volume: TestVolume) -> bytes:
        """What is in the file."""
        return self._files[volume.connection].read_bytes()

    def is_used(self, volume: TestVolume) -> bool:
        """Whether QEMU uses the volume."""
        return self._users[volume.connection]()

    def grow(self, volume: TestVolume, size_bytes: int) -> None:
        """Enlarge the file, and the device that it is."""
        path = self._files[volume.connection]
        with path.open("r+b") as file:
            file.truncate(size_bytes)
        if isinstance(volume.connection, BlockDeviceVolume):
            self._libvirtd.run("losetup", "-c", str(Path(volume.connection.path).resolve()))

    def _make(self, path: Path, wish: VolumeWish) -> None:
        if wish.encryption is not None:
            secret = path.with_suffix(".key")
            secret.write_text(wish.passphrase)
            try:
                self._qemu_img(
                    *("create", "-q", "--object", f"secret,id=key,file={secret}", "-f", "luks"),
                    *("-o", "key-secret=key,iter-time=10", str(path), str(wish.size_bytes)),
                )
            finally:
                secret.unlink()
        elif wish.boots:
            self._qemu_img("convert", "-O", "raw", str(self._image), str(path))
        else:
            with path.open("wb") as file:
                file.truncate(wish.size_bytes)

    @contextmanager
    def _file(self, path: Path, wish: VolumeWish) -> Iterator[VolumeConnection]:
        connection = FileVolume(path=str(path), format=DiskFormat.RAW)
        self._users[connection] = lambda: self._is_open(str(path))
        yield connection

    @contextmanager
    def _block_device(self, path: Path, wish: VolumeWish) -> Iterator[VolumeConnection]:
        device = self._libvirtd.run("losetup", "--show", "-f", str(path)).strip()
        # The device itself stays when nothing is behind it any more.
        link = path.with_suffix(".device")
        link.symlink_to(device)
        connection = BlockDeviceVolume(path=str(link))
        self._users[connection] = lambda: self._is_open(device)
        try:
            yield connection
        finally:
            link.unlink()
            self._libvirtd.run("losetup", "-d", device)

    @contextmanager
    def _nbd(self, path: Path, wish: VolumeWish) -> Iterator[VolumeConnection]:
        port = _free_port()
        connection = NbdVolume(host=_LOOPBACK, port=port, export=path.name)
        listen = ("-b", _LOOPBACK, "-p", str(port), "-x", path.name)
        pid_file = path.with_suffix(".pid")
        server = self._libvirtd.start_program(
            *("qemu-nbd", "-t", "-e", "8", "-f", "raw", *listen),
            *(f"--pid-file={pid_file}", str(path)),
        )
        self._users[connection] = lambda: _is_connected(port)
        try:
            _wait_for(port)
            yield connection
        finally:
            # Its number inside the namespace; what was started here is only the way into it.
            self._libvirtd.run("kill", pid_file.read_text().strip())
            server.wait()
            pid_file.unlink(missing_ok=True)

    @contextmanager
    def _iscsi(self, path: Path, wish: VolumeWish) -> Iterator[VolumeConnection]:
        self._start_tgtd()
        number = str(next(self._numbers))
        name = f"iqn.2010-10.org.openstack:{path.name}"
        self._tgtadm("new", "target", "-t", number, "-T", name)
        self._tgtadm("new", "logicalunit", "-t", number, "-l", "1", "-b", str(path))
        self._tgtadm("bind", "target", "-t", number, "-I", "ALL")
        user = None
        if wish.password:
            user = ChapUser(name=f"{_USER}-{number}")
            self._tgtadm("new", "account", "--user", user.name, "--password", wish.password)
            self._tgtadm("bind", "account", "-t", number, "--user", user.name)
        portal = f"{_LOOPBACK}:{self._iscsi_port}"
        connection = IscsiVolume(portals=(portal,), target_iqn=name, lun=1, user=user)
        self._users[connection] = lambda: self._has_session(name)
        try:
            yield connection
        finally:
            self._tgtadm("delete", "target", "-t", number, "--force")
            if user is not None:
                self._tgtadm("delete", "account", "--user", user.name)

    def _start_tgtd(self) -> None:
        if not self._iscsi_port:
            self._iscsi_port = _free_port()
            portal = f"portal={_LOOPBACK}:{self._iscsi_port}"
            (self._libvirtd.root / "run" / "tgtd").mkdir()
            self._libvirtd.start_program("tgtd", "-f", "-C", _CONTROL, "--iscsi", portal)
            _wait_for(self._iscsi_port)

    def _has_session(self, name: str) -> bool:
        shown = self._tgtadm("show", "target")
        found = next(part for part in shown.split("Target ") if name in part)
        return "Connection:" in found

    def _tgtadm(self, operation: str, mode: str, *options: str) -> str:
        what = ("--lld", "iscsi", "--op", operation, "--mode", mode)
        return self._libvirtd.run("tgtadm", "-C", _CONTROL, *what, *options)

    def _qemu_img(self, *arguments: str) -> None:
        self._libvirtd.run("qemu-img", *arguments)

    def _is_open(self, path: str) -> bool:
        # Of every process of the machine: the user may be another private libvirtd's.
        return any(_target(file) == path for file in Path("/proc").glob("[0-9]*/fd/*"))


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        # It was closed meanwhile.
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex((_LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def _is_connected(port: int) -> bool:
    """Whether a client has an established connection to a port of this machine."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
