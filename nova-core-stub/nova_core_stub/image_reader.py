"""Reads an image and checks it on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import (
    AccessDenied,
    HostUnreachable,
    ImageCorrupt,
    NotFound,
    Resource,
)
from nova_virt_interface.services import IImageReader
from nova_virt_interface.values.instances import Image
from urllib3.exceptions import HTTPError
from zope.interface import implementer

__all__ = ["Stream", "VerifyingReader", "no_such_image", "store_errors"]


class Stream(Protocol):
    """Bytes from a store."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""

    def close(self) -> None:
        """Let go of the file or connection."""


def no_such_image(image_id: str, where: str) -> NotFound:
    """The error about an image that the store does not have."""
    return NotFound(
        f"there is no image {image_id} at {where}",
        remedy="check the image's id, and the option image_store",
        resource=Resource.IMAGE,
        name=image_id,
    )


@contextmanager
def store_errors(image_id: str, where: str) -> Iterator[None]:
    """Turn the errors of files and connections into contract errors.

    Args:
        image_id: the image that is looked for.
        where: the store, in words that may be shown.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise no_such_image(image_id, where) from error
    except PermissionError as error:
        raise AccessDenied(
            f"image {image_id} at {where} may not be read",
            remedy="let the user that core runs as read it",
            detail=error.strerror or "",
        ) from error
    except (OSError, HTTPError) as error:
        raise HostUnreachable(
            f"the image store at {where} failed to deliver image {image_id}",
            remedy="see that the store is up and its certificate is trusted, then repeat",
            detail=_reason(error),
        ) from error


def _reason(error: Exception) -> str:
    # What requests says of an error quotes the URL, and its query may be a token.
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or getattr(error, "strerror", None)
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


@implementer(IImageReader)
class VerifyingReader:
    """Yields an image's bytes; the end only if size and checksum are what they should be.

    Args:
        image: what the bytes should be.
        stream: where they come from; closed with the reader.
        where: the store, in words that may be shown.
    """

    def __init__(self, image: Image, stream: Stream, where: str) -> None:
        self._image = image
        self._stream = stream
        self._where = where
        self._digest = hashlib.new(image.checksum.algorithm)
        self._done_bytes = 0

    def read(self, size_bytes: int) -> bytes:
        """See `IImageReader`."""
        current_call().check()
        with store_errors(self._image.image_id, self._where):
            chunk = self._stream.read(size_bytes)
        self._digest.update(chunk)
        self._done_bytes += len(chunk)
        if self._done_bytes > self._image.size_bytes:
            raise self._corrupt(f"it has more than {self._image.size_bytes} bytes")
        if not chunk:
            self._verify()
        return chunk

    def _verify(self) -> None:
        if self._done_bytes != self._image.size_bytes:
            raise self._corrupt(
                f"it has {self._done_bytes} bytes instead of {self._image.size_bytes}"
            )
        promised, found = self._image.checksum, self._digest.hexdigest()
        if found != promised.hex_digest:
            raise self._corrupt(
                f"its {promised.algorithm} is {found} instead of {promised.hex_digest}"
            )

    def _corrupt(self, problem: str) -> ImageCorrupt:
        return ImageCorrupt(
            f"image {self._image.image_id} at {self._where} is not what was promised: {problem}",
            remedy="correct the promised size and checksum, or upload the image again",
        )

    def close(self) -> None:
        """See `IImageReader`."""
        self._stream.close()
