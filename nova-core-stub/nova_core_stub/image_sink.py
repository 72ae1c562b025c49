"""Where exported disks go: into the directory of the image store."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    HostUnreachable,
    InsufficientResources,
    NotFound,
    Resource,
)
from nova_virt_interface.services import IImageSink, IImageWriter
from zope.interface import implementer

from nova_core_stub.guard import Arguments

__all__ = ["ImageSink"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@implementer(IImageSink)
class ImageSink:
    """Takes the images that core has announced. Thread-safe.

    Args:
        folder: of the image store; None where the store is read only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._expected: set[str] = set()

    def expect_all(self, arguments: Arguments) -> None:
        """From now on a driver may write the images that a call to it names as ``sink_key``."""
        for content in arguments.values():
            key = getattr(content, "sink_key", None)
            if isinstance(key, str):
                self._expected.add(key)

    def create(self, key: str) -> IImageWriter:
        """See `IImageSink`."""
        if key not in self._expected or self._folder is None:
            raise NotFound(
                f"core takes no image {key}",
                remedy="write what a request names as sink_key, into a store that is a directory",
                resource=Resource.IMAGE,
                name=key,
            )
        with _store_errors():
            return _Writer(self._folder / key)


@implementer(IImageWriter)
class _Writer:
    """A file that gets its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=path.parent)
        self._file = os.fdopen(handle, "wb")
        self._unfinished: Path | None = Path(name)

    def write(self, content: bytes) -> None:
        """See `IImageWriter`."""
        current_call().check()
        with _store_errors():
            self._file.write(content)

    def commit(self) -> None:
        """See `IImageWriter`."""
        with _store_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self._unfinished is not None:
                self._unfinished.rename(self._path)
                self._unfinished = None

    def abort(self) -> None:
        """See `IImageWriter`."""
        # What is still to be written has no room on a full disk, and closing says so.
        with suppress(OSError):
            self._file.close()
        if self._unfinished is not None:
            self._unfinished.unlink(missing_ok=True)
            self._unfinished = None


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise InsufficientResources(
                "the image store is full",
                resource=Resource.STORAGE,
                remedy="free some space in it, then repeat",
                detail=str(error),
            ) from error
        raise HostUnreachable(
            "the image store cannot be written",
            remedy="see that it exists and that core may write it, then repeat",
            detail=str(error),
        ) from error
