"""Images by id, in a directory or behind a web address: what stands in for an image service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import AccessDenied, HostUnreachable, InvalidRequest
from nova_virt_interface.values.instances import Image

from nova_core_stub.image_reader import Stream, VerifyingReader, no_such_image, store_errors

__all__ = ["ImageStore"]

_IMAGE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class ImageStore:
    """A store of images. Thread-safe.

    Args:
        base: a directory, or an address, under which each image has its id as name; empty for none.
        ca_file: certificates to trust instead of the usual ones.
        timeout_seconds: how long the store may be silent.

    Raises: InvalidRequest.
    """

    def __init__(
        self, base: str = "", *, ca_file: str | None = None, timeout_seconds: float = 30.0
    ) -> None:
        if ca_file is not None and not Path(ca_file).is_file():
            raise InvalidRequest(
                f"there is no file {ca_file} with certificates",
                remedy="correct the option image_store_ca_file",
                field="image_store_ca_file",
            )
        self._base = _without_password(base)
        self._ca_file = ca_file
        self._timeout_seconds = timeout_seconds
        self._registered: dict[str, str] = {}

    @property
    def folder(self) -> Path | None:
        """The directory that the store is; None for one that can only be read."""
        return None if not self._base or _is_url(self._base) else Path(self._base)

    @staticmethod
    def is_url(location: str) -> bool:
        """Whether a location is a web address; anything else is a path."""
        return _is_url(location)

    def register(self, image_id: str, location: str) -> None:
        """Say where one image is, whatever its name there.

        Raises: InvalidRequest.
        """
        self._registered[_checked(image_id)] = _without_password(location)

    def open(self, image: Image) -> VerifyingReader:
        """Begin to read an image; its size and checksum are verified on the way.

        Raises: NotFound; HostUnreachable; AccessDenied; InvalidRequest.
        """
        location = self._location(image.image_id)
        where = _shown(location)
        with store_errors(image.image_id, where):
            stream: Stream
            if _is_url(location):
                stream = self._request("GET", image.image_id, location).raw
            else:
                stream = _regular(location).open("rb")
        return VerifyingReader(image, stream, where)

    def size_bytes(self, image_id: str) -> int | None:
        """How many bytes an image has; None when the store does not say.

        Raises: NotFound; HostUnreachable; AccessDenied; InvalidRequest.
        """
        location = self._location(image_id)
        with store_errors(image_id, _shown(location)):
            if not _is_url(location):
                return _regular(location).stat().st_size
            with self._request("HEAD", image_id, location) as response:
                length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def _location(self, image_id: str) -> str:
        location = self._registered.get(_checked(image_id))
        if location is None and self._base:
            location = f"{self._base.rstrip('/')}/{image_id}"
        if location is None:
            raise no_such_image(image_id, "the store, for no store is configured")
        return location

    def _request(self, method: str, image_id: str, url: str) -> requests.Response:
        remaining = current_call().remaining_seconds()
        silence = min(self._timeout_seconds, remaining or self._timeout_seconds)
        response = requests.request(
            method,
            url,
            # The bytes as they are: the checksum is not of a compressed form of them.
            headers={"Accept-Encoding": "identity"},
            stream=True,
            timeout=silence,
            verify=self._ca_file or True,
            allow_redirects=True,
        )
        if response.status_code == requests.codes.ok:
            return response
        with response:
            raise _refused(response, image_id, _shown(url))


def _is_url(location: str) -> bool:
    return location.lower().startswith(("http://", "https://"))


def _refused(response: requests.Response, image_id: str, where: str) -> Exception:
    said = f"HTTP {response.status_code}"
    if response.status_code in (requests.codes.not_found, requests.codes.gone):
        return no_such_image(image_id, where)
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        return AccessDenied(
            f"the image store refused to give image {image_id} at {where}",
            remedy="let core read it",
            detail=said,
        )
    return HostUnreachable(
        f"the image store failed to give image {image_id} at {where}",
        remedy="see what the store's log says, then repeat",
        detail=said,
    )


def _regular(location: str) -> Path:
    """The path, if it is of a file: a pipe or device would never end."""
    path = Path(location)
    if path.exists() and not path.is_file():
        raise IsADirectoryError(location)
    return path


def _checked(image_id: str) -> str:
    if _IMAGE_ID.fullmatch(image_id) is None:
        raise InvalidRequest(
            f"{image_id!r} is no image id",
            remedy="an image id has letters, digits, and inner hyphens or underscores",
            field="image_id",
        )
    return image_id


def _without_password(location: str) -> str:
    if _is_url(location) and "@" in urlsplit(location).netloc:
        raise InvalidRequest(
            f"the address of the image store at {_shown(location)} holds credentials",
            remedy="keep them in a netrc file",
            field="image_store",
        )
    return location


def _shown(location: str) -> str:
    """The location without what may be secret in it."""
    if not _is_url(location):
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
