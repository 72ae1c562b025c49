"""Files on the host, over SMB: there is no other way to bring bytes to it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import smbclient
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import VirtError
from smbprotocol.exceptions import SMBException

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.errors import About, contract_error
from nova_virt_hyperv.pool import Pool

__all__ = ["DISKS", "IMAGES", "MOVES", "ROOT", "File", "Files"]

ROOT = ""
DISKS = "disks"
IMAGES = "images"
MOVES = "moves"

# What smbclient keeps between calls, by host.
_Connections = dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file in one of the driver's folders."""

    name: str
    size_bytes: int
    changed_at: float
    """Seconds since 1970, by the host's clock."""


class Files:
    """The driver's directory on the host; safe from any thread. Signed and encrypted.

    Each operation has a connection to itself: smbprotocol shares the credits of one among the
    requests that are under way, and fails when they run out instead of waiting for more.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Pool[_Connections] = Pool(dict, _hang_up)

    def on_network(self, host: str, folder: str, name: str) -> str:
        r"""The path by which other hosts name a file of the host of this name, ``\\HOST\SHARE``."""
        return rf"\\{host}\{self._settings.share}\{folder}\{name}"

    def on_host(self, folder: str, name: str) -> str:
        """The path of a file as the host names it."""
        return f"{self._settings.storage_path}\\{folder}\\{name}"

    def prepare(self) -> None:
        """Make the folders, unless they are there."""
        with self._translated(About(f"share {self._settings.share}")) as options:
            for folder in (DISKS, IMAGES, MOVES):
                try:
                    # Its `makedirs` never ends when there is no such share.
                    smbclient.mkdir(self._path(folder), **options)
                except OSError as error:
                    if error.errno != errno.EEXIST:
                        raise

    def files(self, folder: str, pattern: str = "*") -> list[File]:
        """The files whose names match a pattern of ``*`` and ``?``."""
        with self._translated(About(f"folder {folder}")) as options:
            return [
                File(
                    name=entry.name,
                    size_bytes=entry.smb_info.end_of_file,
                    changed_at=entry.smb_info.last_write_time.timestamp(),
                )
                for entry in smbclient.scandir(
                    self._path(folder), search_pattern=pattern, **options
                )
                if not entry.is_dir()
            ]

    @contextmanager
    def new(self, folder: str, name: str) -> Iterator[BinaryIO]:
        """Write a new file; nobody else can read, write or delete it meanwhile."""
        with self._translated(About(f"file {name}"), changing=True) as options:
            path = self._path(folder, name)
            # Buffered, because a raw file writes as much as it has credits for, and no more.
            with smbclient.open_file(path, "xb", share_access="", **options) as file:
                yield file

    @contextmanager
    def read(self, folder: str, name: str) -> Iterator[BinaryIO]:
        """Read a file; others may do so, too."""
        with self._translated(About(f"file {name}")) as options:
            path = self._path(folder, name)
            with smbclient.open_file(path, "rb", share_access="r", **options) as file:
                yield file

    def touch(self, folder: str, name: str) -> None:
        """Make an empty file; one that is there is no error."""
        with self._translated(About(f"file {name}"), changing=True) as options:
            path = self._path(folder, name)
            with smbclient.open_file(path, "wb", share_access="rwd", **options):
                pass

    def exists(self, folder: str, name: str) -> bool:
        """Whether there is a file of this name."""
        with self._translated(About(f"file {name}")) as options:
            try:
                smbclient.stat(self._path(folder, name), **options)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
                return False
            return True

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Write a small file, all of it or nothing, in the place of one of the same name."""
        unfinished = f"_{name}"
        self.remove(folder, unfinished)
        with self.new(folder, unfinished) as file:
            file.write(content)
        with self._translated(About(f"file {name}"), changing=True) as options:
            old, new = self._path(folder, unfinished), self._path(folder, name)
            smbclient.replace(old, new, **options)

    def publish(self, folder: str, old: str, new: str) -> bool:
        """Rename a file; False if one of the new name exists, which stays as it is."""
        with self._translated(About(f"file {old}"), changing=True) as options:
            try:
                smbclient.rename(self._path(folder, old), self._path(folder, new), **options)
            except OSError as error:
                if error.errno == errno.EEXIST:
                    return False
                raise
            return True

    def remove(self, folder: str, name: str) -> None:
        """Delete a file; one that is not there is no error."""
        with self._translated(About(f"file {name}"), changing=True) as options:
            try:
                smbclient.remove(self._path(folder, name), **options)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise

    def remove_all(self, folder: str, pattern: str) -> None:
        """Delete all files whose names match."""
        for file in self.files(folder, pattern):
            self.remove(folder, file.name)

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._pool.close()

    def _path(self, *parts: str) -> str:
        root = rf"\\{self._settings.host}\{self._settings.share}"
        return "\\".join((root, *filter(None, parts)))

    @contextmanager
    def _translated(self, about: About, *, changing: bool = False) -> Iterator[dict[str, Any]]:
        current_call().check()
        connections = self._pool.take()
        try:
            options = self._options(connections)
            smbclient.register_session(self._settings.host, **options)
            yield options
        except VirtError:
            self._pool.give_back(connections)
            raise
        except (SMBException, OSError, ValueError) as error:
            self._pool.throw_away(connections)
            raise contract_error(error, about=about, changing=changing) from error
        except BaseException:
            self._pool.throw_away(connections)
            raise
        self._pool.give_back(connections)

    def _options(self, connections: _Connections) -> dict[str, Any]:
        return {
            "username": self._settings.username,
            "password": self._settings.password,
            "port": self._settings.share_port,
            "connection_cache": connections,
            "connection_timeout": min(10, self._settings.timeout_seconds),
            "encrypt": True,
        }


def _hang_up(connections: _Connections) -> None:
    for connection in connections.values():
        # Without logging off, for which a host that is silent would have to answer: it ends the
        # session when the connection ends.
        with suppress(OSError):
            connection.disconnect(close=False)
