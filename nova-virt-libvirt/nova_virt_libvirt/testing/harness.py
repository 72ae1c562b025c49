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
from pathlib import Path

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
from nova_virt_libvirt.testing._libvirt_harness import LibvirtHarness
from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.guest_image import build_guest_image
from nova_virt_libvirt.testing.qemu_storage import QemuStorageAnswers
from nova_virt_libvirt.testing.storage_servers import StorageServers

__all__ = ["LibvirtHarness", "QemuHarness", "TestDriverHarness"]

_NO_SOCKET = "/nonexistent/libvirt-sock"
_STORAGE_MIB = 256


class QemuHarness(QemuStorageAnswers, LibvirtHarness):
    """QEMU in software emulation, behind a private libvirtd."""

    backend_name = "qemu"
    kind = BackendKind.REAL
    patience_seconds = 120.0
    # libvirt closes a socket in its event loop, after the call.
    settle_seconds = 10.0
    _domain_type = "qemu"

    def __init__(self) -> None:
        super().__init__()
        self.libvirtd = PrivateLibvirtd()
        self._image: TestImage | None = None

    def start(self) -> None:
        """See `Harness`."""
        self._image = _described(build_guest_image())
        self.libvirtd.start()
        # A storage that can be filled up without harm to the machine.
        self.libvirtd.run(
            "mount", "-t", "tmpfs", "-o", f"size={_STORAGE_MIB}m", "tmpfs", str(self._disk)
        )
        self.servers = StorageServers(self.libvirtd, self._image.path)
        self.counter.install()

    def stop(self) -> None:
        """See `Harness`."""
        self.counter.remove()
        self.libvirtd.stop()

    def backend(self) -> Backend:
        """See `Harness`."""
        with self.looking() as connection:
            number = connection.getVersion()
        qemu = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
        version = f"QEMU {qemu}, libvirt {self.libvirtd.version}"
        return Backend(name=self.backend_name, version=version, kind=self.kind)

    def settings(self) -> Settings:
        """See `Harness`."""
        return Settings(
            uri=self.libvirtd.uri,
            virt_type="qemu",
            storage_pool=self._pool,
            storage_path=str(self._disk / "pool"),
            reconnect_interval_seconds=0.2,
        )

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

    @property
    def _disk(self) -> Path:
        return self.libvirtd.storage_path

    def _files(self) -> set[str]:
        folders = [str(self._disk), f"{self._disk / 'pool'}-console"]
        listed = self.libvirtd.run("find", *folders, "-type", "f", check=False)
        with self.looking() as connection:
            secrets = {f"secret {secret.UUIDString()}" for secret in connection.listAllSecrets()}
        return secrets | {f"file {Path(line).name}" for line in listed.splitlines()}

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


def _described(path: Path) -> TestImage:
    command = ["qemu-img", "info", "--output=json", str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    size = int(json.loads(told)["virtual-size"])
    return TestImage(path=path, format=DiskFormat.QCOW2, virtual_size_bytes=size, boots=True)
