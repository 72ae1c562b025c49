"""Files on the compute node's datastore: folders by the file manager, contents by HTTPS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import requests
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Conflict, InsufficientResources, NotFound, Resource
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api
from nova_virt_vmware.errors import FileRefused
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.store_choice import root_folder
from nova_virt_vmware.waiting import result_of

__all__ = ["Datastore", "File", "Upload", "path_in"]

_CHUNK_BYTES = 1024 * 1024
ObjectSpec = vmodl.query.PropertyCollector.ObjectSpec


class File(NamedTuple):
    """A file as a search finds it."""

    size_bytes: int
    modified: datetime | None


class Upload:
    """A body for an HTTP request whose length is known before its content: the server wants to be
    told, and refuses chunks.
    """

    def __init__(self, size_bytes: int, chunks: Iterator[bytes]) -> None:
        self._size = size_bytes
        self._chunks = chunks
        self._rest = b""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def read(self, size_bytes: int) -> bytes:
        """The next bytes; empty at the end."""
        while len(self._rest) < size_bytes and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        part, self._rest = self._rest[:size_bytes], self._rest[size_bytes:]
        return part


class Datastore:
    """The driver's files: all are below one folder that is named by the owner."""

    def __init__(self, session: Session, node: Node) -> None:
        self._session = session
        self._node = node
        self._root = PurePosixPath(root_folder(session.settings))
        self.images = self._root / "images"
        self.volumes = self._root / "volumes"

    def vm_folder(self, vm_uuid: UUID) -> PurePosixPath:
        """The folder of one VM's files."""
        return self._root / "vms" / str(vm_uuid)

    def home(self, vm_uuid: UUID, taken: Collection[str] = ()) -> PurePosixPath:
        """A folder for what is one VM's alone, not one of those that are taken: two of this uuid
        may use the disks.
        """
        folder, name = self.vm_folder(vm_uuid), self._node.compute_id
        names = (folder / name, folder / f"{name}.1")
        return next(home for home in names if self.path(home) not in taken)

    def path(self, path: PurePosixPath) -> str:
        """A file as vSphere names it."""
        return f"[{self._node.datastore}] {path}"

    def require_room(self, needed_bytes: int, largest_bytes: int = 0) -> None:
        """Refuse what cannot fit: bytes that are written now, and the size of the largest disk.

        Disks are thin, so that together they may promise more than there is: that is core's matter.
        """
        capacity, free = self.room()
        if needed_bytes > free or largest_bytes > capacity:
            raise InsufficientResources(
                f"datastore {self._node.datastore} has {free} of {capacity} bytes free",
                remedy="free some, or ask for less",
                resource=Resource.STORAGE,
                needed=max(needed_bytes, largest_bytes),
                available=free,
            )

    def room(self) -> tuple[int, int]:
        """Bytes in all, and bytes that are free."""
        paths = ["summary.capacity", "summary.freeSpace"]
        facts = self._session.ask(
            f"the size of datastore {self._node.datastore}",
            lambda api: api.retrieve(
                [ObjectSpec(obj=self._node.datastore_object(api))], {vim.Datastore: paths}
            ),
        )[0][1]
        return facts["summary.capacity"], facts["summary.freeSpace"]

    def make_folder(self, path: PurePosixPath) -> None:
        """Make a folder and those above it; one that exists stays."""

        def make(api: Api) -> None:
            manager = api.content.fileManager
            manager.MakeDirectory(self.path(path), self._node.datacenter(api), True)

        try:
            self._session.change(f"making folder {path}", make)
        except Conflict:
            return

    def remove(self, path: PurePosixPath) -> None:
        """Remove a file, or a folder with all in it; one that is gone is gone."""

        def start(api: Api) -> vim.Task:
            manager = api.content.fileManager
            return manager.DeleteDatastoreFile_Task(self.path(path), self._node.datacenter(api))

        try:
            self._session.run(f"removing {path}", start)
        except NotFound:
            return

    def move(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Give a file or folder another path in one step; raises Conflict if that one exists."""

        def start(api: Api) -> vim.Task:
            datacenter = self._node.datacenter(api)
            return api.content.fileManager.MoveDatastoreFile_Task(
                self.path(source), datacenter, self.path(target), datacenter, False
            )

        self._session.run(f"moving {source} to {target}", start)

    def search(self, path: PurePosixPath) -> dict[str, dict[str, File]]:
        """All files below a folder in one question: name of folder below it → name → file."""
        browser = vim.host.DatastoreBrowser
        details = browser.FileInfo.Details(
            fileSize=True, modification=True, fileType=False, fileOwner=False
        )
        spec = browser.SearchSpec(matchPattern=["*"], details=details)

        def search(api: Api) -> Any:
            task = self._node.browser(api).SearchDatastoreSubFolders_Task(self.path(path), spec)
            return result_of(api.collectors, task)

        try:
            found = self._session.ask(f"searching {path}", search)
        except NotFound:
            return {}
        return {
            folder: {entry.path: _file(entry) for entry in result.file}
            for result in found
            if (folder := _below(result.folderPath, path))
        }

    def there(self, path: PurePosixPath, names: Collection[str]) -> set[str]:
        """Names of the files in one folder that these, which may have wildcards, match."""
        spec = vim.host.DatastoreBrowser.SearchSpec(matchPattern=list(names))

        def search(api: Api) -> Any:
            task = self._node.browser(api).SearchDatastore_Task(self.path(path), spec)
            return result_of(api.collectors, task)

        try:
            found = self._session.ask(f"searching {path}", search)
        except NotFound:
            return set()
        return {file.path for file in found.file}

    def put(self, path: PurePosixPath, size_bytes: int, chunks: Iterator[bytes]) -> None:
        """Write a whole file from exactly so many bytes."""
        self._session.change(
            f"writing {path}",
            lambda api: self._send(api, "PUT", path, data=Upload(size_bytes, chunks)),
        )

    def tail(self, path: PurePosixPath, limit_bytes: int) -> bytes:
        """The last bytes of a file; none if there is no such file."""

        def read(api: Api) -> bytes:
            headers = {"Range": f"bytes=-{limit_bytes}"}
            try:
                content = self._send(api, "GET", path, headers=headers)
            except FileRefused as error:
                # 416: an empty file has no last bytes.
                if error.status in (404, 416):
                    return b""
                raise
            return content[max(0, len(content) - limit_bytes) :]

        return self._session.ask(f"reading {path}", read)

    def stream(self, path: PurePosixPath, write: Callable[[bytes], None]) -> None:
        """Pass a whole file on, part by part; never anew once a part was passed on."""

        def read() -> None:
            with self._asked(self._session.api(), "GET", path) as response:
                for part in response.iter_content(_CHUNK_BYTES):
                    write(part)

        self._session.listen(f"reading {path}", read)

    def _send(self, api: Api, method: str, path: PurePosixPath, **more: Any) -> bytes:
        with self._asked(api, method, path, **more) as response:
            parts = []
            for part in response.iter_content(_CHUNK_BYTES):
                parts.append(part)
                current_call().check()
            return b"".join(parts)

    @contextmanager
    def _asked(
        self, api: Api, method: str, path: PurePosixPath, **more: Any
    ) -> Iterator[requests.Response]:
        settings = api.settings
        with api.http.request(
            method,
            f"https://{settings.host}:{settings.port}/folder/{quote(str(path))}",
            params={"dcPath": self._node.datacenter_path, "dsName": self._node.datastore},
            timeout=settings.request_timeout_seconds,
            stream=True,
            **more,
        ) as response:
            if response.status_code >= 400:
                raise FileRefused(str(path), response.status_code)
            yield response


def path_in(file: str) -> PurePosixPath:
    """The path of a file that vSphere names with its datastore."""
    return PurePosixPath(file.partition("] ")[2])


def _file(entry: Any) -> File:
    return File(entry.fileSize or 0, entry.modification)


def _below(folder_path: str, path: PurePosixPath) -> str:
    """The name of the folder directly below `path`, or empty for any other."""
    found = PurePosixPath(folder_path.partition("] ")[2])
    return found.name if found.parent == path else ""
