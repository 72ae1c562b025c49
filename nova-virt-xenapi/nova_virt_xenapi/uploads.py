"""Brings content onto a VDI, by xapi's HTTP handler."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

import tenacity
from nova_virt_interface.errors import Conflict, NotFound

from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session
from nova_virt_xenapi.tasks import Tasks

__all__ = ["Body", "Bytes", "Uploads", "destroy_vdi"]

_LET_GO_SECONDS: Final = 30.0


class Body(Protocol):
    """Content of known length: what requests sends with a Content-Length, as xapi wants it."""

    def __len__(self) -> int:
        """How many bytes there are in all."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes; empty at the end."""


class Bytes:
    """Content that is at hand."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def __len__(self) -> int:
        return len(self._content)

    def read(self, size: int = -1) -> bytes:
        """See `Body`."""
        end = len(self._content) if size < 0 else self._position + size
        chunk = self._content[self._position : end]
        self._position += len(chunk)
        return chunk


class Uploads:
    """Uploads to VDIs of one pool."""

    def __init__(self, session: Session, tasks: Tasks, pool: Pool) -> None:
        self._session = session
        self._host = pool.host_address
        self._tasks = tasks

    def begin(self, about: str) -> str:
        """A task for an upload. xapi answers an upload before it has the content: only the task
        tells how it went.
        """
        task: str = self._session.call("task.create", "nova-virt upload", about)
        return task

    def send(self, task: str, vdi: str, body: Body, format: str, about: str) -> None:
        """Send content and wait until xapi has stored it; after an error xapi may still hold the
        VDI for a moment.
        """
        query = {"vdi": vdi, "format": format, "task_id": task}
        try:
            self._session.put("/import_raw_vdi", query, body, host=self._host)
        except BaseException:
            self.discard(task)
            raise
        self._tasks.finish(task, about=about)

    def discard(self, task: str) -> None:
        """Forget the task of an upload that failed."""
        self._tasks.discard(task)


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(Conflict),
    stop=tenacity.stop_after_delay(_LET_GO_SECONDS),
    wait=tenacity.wait_fixed(0.2),
    reraise=True,
)
def destroy_vdi(session: Session, vdi: str) -> None:
    """Destroy a VDI; one that is gone is destroyed. dom0 lets go of a VDI only some time after an
    upload to it broke off.
    """
    with suppress(NotFound):
        session.call("VDI.destroy", vdi)
