"""The conformance harnesses: QEMU behind a private libvirtd, and libvirt's own test driver.

They look at libvirt by connections of their own, and at the storage's files themselves.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import libvirt
from nova_virt_interface.testing.harness import (
    Backend,
    BackendKind,
    BackendUnavailable,
    CannotProvoke,
    TestImage,
)
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind

from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.testing._libvirt_harness import LibvirtHarness, objects
from nova_virt_libvirt.testing._power_answers import QemuPowerAnswers
from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.guest_image import build_guest_image
from nova_virt_libvirt.testing.qemu_storage import QemuStorageAnswers
from nova_virt_libvirt.testing.storage_servers import StorageServers
from nova_virt_libvirt.testing.tpm_answers import held_passphrases

__all__ = ["LibvirtHarness", "QemuHarness", "TestDriverHarness"]

_NO_SOCKET = "/nonexistent/libvirt-sock"
_SAVED_MEMORY = "/var/lib/libvirt/qemu/save"
_TPM_STATE = "/var/lib/libvirt/swtpm"
_STORAGE_MIB = 256


class QemuHarness(QemuPowerAnswers, QemuStorageAnswers, LibvirtHarness):
    """QEMU in software emulation, behind a private libvirtd."""

    backend_name = "qemu"
    kind = BackendKind.REAL
    # A guest that boots with UEFI on a busy machine takes minutes.
    patience_seconds = 300.0
    # libvirt closes a socket in its event loop, after the call.
    settle_seconds = 30.0
    _domain_type = "qemu"

    def __init__(self) -> None:
        super().__init__()
        self.libvirtd = PrivateLibvirtd()
        self._second: PrivateLibvirtd | None = None
        self._image: TestImage | None = None

    def start(self) -> None:
        """See `Harness`."""
        self._image = _described(build_guest_image())
        _start(self.libvirtd)
        self.servers = StorageServers(self.libvirtd, self._image.path)
        self.counter.install()

    def stop(self) -> None:
        """See `Harness`."""
        self.counter.remove()
        self.libvirtd.stop()
        if self._second is not None:
            self._second.stop()
            self._second = None

    def backend(self) -> Backend:
        """See `Harness`."""
        with self.looking() as connection:
            number = connection.getVersion()
        qemu = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
        version = f"QEMU {qemu}, libvirt {self.libvirtd.version}"
        return Backend(name=self.backend_name, version=version, kind=self.kind)

    def settings(self) -> Settings:
        """See `Harness`."""
        return self._settings(self.libvirtd)

    def second_settings(self) -> Settings:
        """See `Harness`."""
        if self._second is None:
            self._second = PrivateLibvirtd()
            _start(self._second)
        return self._settings(self._second)

    def shared_hosts(self) -> tuple[Settings, Settings]:
        """See `Harness`."""
        # In a folder that both see under one path.
        folder = self.libvirtd.root / "shared"
        folder.mkdir(exist_ok=True)
        pool, path = f"{self._pool}-shared", str(folder / "pool")
        first, second = (
            replace(one, storage_pool=pool, storage_path=path, storage_id="shared")
            for one in (self.settings(), self.second_settings())
        )
        return first, second

    def _settings(self, libvirtd: PrivateLibvirtd) -> Settings:
        return Settings(
            uri=libvirtd.uri,
            virt_type="qemu",
            storage_pool=self._pool,
            storage_path=str(libvirtd.storage_path / "pool"),
            peer_uri=libvirtd.uri,
            migration_address="127.0.0.1",
            reconnect_interval_seconds=0.2,
            agent_answer_seconds=4,
        )

    def leftovers(self) -> frozenset[str]:
        """See `Harness`."""
        found = super().leftovers()
        if self._second is None:
            return found
        with self.looking(self._second.uri) as connection:
            more = objects(connection, self._pool)
        more |= _files(self._second)
        return found | {f"{thing} on the second host" for thing in more}

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        return Settings(uri=f"qemu+unix:///system?socket={_NO_SOCKET}", virt_type="qemu")

    def image(self) -> TestImage:
        """See `Harness`."""
        if self._image is None:
            raise BackendUnavailable("the harness is not started")
        return self._image

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.USER)

    @contextmanager
    def outage(self) -> Iterator[None]:
        """See `Harness`."""
        self.libvirtd.kill()
        try:
            yield
        finally:
            with self.counter.paused():
                self.libvirtd.restart()

    @contextmanager
    def full_storage(self) -> Iterator[None]:
        """See `Harness`."""
        ballast = str(self._disk / "ballast")
        # Ends with "no space left", which is what it is for.
        self.libvirtd.run("dd", "if=/dev/zero", f"of={ballast}", "bs=4k", check=False)
        try:
            yield
        finally:
            self.libvirtd.run("rm", ballast)

    def console_file(self, vm_uuid: UUID) -> bytes:
        """See `QemuPowerAnswers`."""
        file = Path(f"{self._disk / 'pool'}-console", f"{vm_uuid}-console.log")
        return self.libvirtd.run("cat", str(file)).encode()

    def secrets_of(self, vm_uuid: UUID) -> frozenset[bytes]:
        """See `Harness`. Of TPMs alone."""
        return held_passphrases(vm_uuid, self.counter.secrets)

    def read_disk(self, settings: Settings, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """See `Harness`."""
        daemon, path = self._stored(settings, vm_uuid, key)
        copy = daemon.root / "copy"
        form = path.rpartition(".")[2]
        daemon.run(
            *("qemu-img", "dd", "-f", form, "-O", "raw", f"bs={size_bytes}", "count=1"),
            *(f"if={path}", f"of={copy}"),
        )
        return copy.read_bytes()[:size_bytes]

    def write_disk(self, settings: Settings, vm_uuid: UUID, key: str, content: bytes) -> None:
        """See `Harness`."""
        daemon, path = self._stored(settings, vm_uuid, key)
        copy = daemon.root / "copy"
        copy.write_bytes(content)
        order = f"write -s {copy} 0 {len(content)}"
        daemon.run("qemu-io", "-f", path.rpartition(".")[2], "-c", order, path)

    def _stored(self, settings: Settings, vm_uuid: UUID, key: str) -> tuple[PrivateLibvirtd, str]:
        """The libvirtd of these settings, and the file of a disk there."""
        daemon = self.daemon(settings)
        name = f"{vm_uuid}-{key}.*"
        found = daemon.run("find", settings.storage_path, "-name", name, "-not", "-name", "*.*.*")
        return daemon, found.strip()

    def daemon(self, settings: Settings) -> PrivateLibvirtd:
        """The libvirtd of these settings."""
        daemons = (self.libvirtd, self._second)
        return next(one for one in daemons if one is not None and one.uri == settings.uri)

    @property
    def _disk(self) -> Path:
        return self.libvirtd.storage_path

    def _files(self) -> set[str]:
        with self.looking() as connection:
            secrets = {f"secret {secret.UUIDString()}" for secret in connection.listAllSecrets()}
        return secrets | _files(self.libvirtd)

    def _connections(self) -> set[str]:
        """The sockets of this process whose other end is a libvirtd."""
        found: set[str] = set()
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
                    continue
                with socket.socket(fileno=os.dup(int(number))) as copy:
                    if str(copy.getpeername()).endswith("/libvirt-sock"):
                        found.add(f"connection {len(found)}")
        return found


class TestDriverHarness(LibvirtHarness):
    """libvirt's test driver, inside this process: a simulator of domains, networks and pools."""

    __test__ = False

    backend_name = "test"
    kind = BackendKind.SIMULATED
    patience_seconds = 5.0
    _domain_type = "test"

    def start(self) -> None:
        """See `Harness`."""
        # The simulated host exists as long as a connection to it does.
        self._keeper = libvirt.open(self.settings().uri)
        self.counter.install()

    def stop(self) -> None:
        """See `Harness`."""
        self.counter.remove()
        if hasattr(self, "_keeper"):
            self._keeper.close()
            del self._keeper

    def backend(self) -> Backend:
        """See `Harness`."""
        number = libvirt.getVersion()
        version = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
        return Backend(name=self.backend_name, version=version, kind=self.kind)

    def settings(self) -> Settings:
        """See `Harness`."""
        return Settings(
            uri="test:///default", storage_pool=self._pool, storage_path=f"/{self._pool}"
        )

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        return Settings(uri=f"test+unix:///default?socket={_NO_SOCKET}")

    def image(self) -> TestImage:
        """See `Harness`."""
        raise CannotProvoke("libvirt's test driver takes no images")

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name="default")

    def outage(self) -> AbstractContextManager[None]:
        """See `Harness`."""
        raise CannotProvoke("libvirt's test driver is in the process: there is nothing to cut")

    def full_storage(self) -> AbstractContextManager[None]:
        """See `Harness`."""
        raise CannotProvoke("libvirt's test driver takes sparse volumes of any size")


def _start(libvirtd: PrivateLibvirtd) -> None:
    libvirtd.start()
    # A storage that can be filled up without harm to the machine.
    disk = str(libvirtd.storage_path)
    libvirtd.run("mount", "-t", "tmpfs", "-o", f"size={_STORAGE_MIB}m", "tmpfs", disk)


def _files(libvirtd: PrivateLibvirtd) -> set[str]:
    disk = libvirtd.storage_path
    folders = [str(disk), f"{disk / 'pool'}-console", _SAVED_MEMORY, _TPM_STATE]
    listed = libvirtd.run("find", *folders, "-type", "f", check=False)
    return {f"file {Path(line).name}" for line in listed.splitlines()}


def _described(path: Path) -> TestImage:
    command = ["qemu-img", "info", "--output=json", str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    size = int(json.loads(told)["virtual-size"])
    return TestImage(path=path, format=DiskFormat.QCOW2, virtual_size_bytes=size, boots=True)
