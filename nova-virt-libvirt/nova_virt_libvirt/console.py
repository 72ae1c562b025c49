"""What guests wrote to their serial console: a file of virtlogd's, which it rotates, read through
libvirt.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call

from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.session import Session
from nova_virt_libvirt.storage import Storage
from nova_virt_libvirt.streams import CHUNK_BYTES

__all__ = ["Console"]


class Console:
    """The console logs of one backend's VMs."""

    def __init__(self, session: Session, storage: Storage, domains: Domains) -> None:
        self._session = session
        self._storage = storage
        self._domains = domains

    def console_log(self, vm_uuid: UUID, limit_bytes: int) -> bytes:
        """See `IConsoleLog.console_log`."""
        with self._session.use(about=f"the console log of VM {vm_uuid}") as connection:
            self._domains.ours(connection, vm_uuid)
            log = b""
            for volume in self._storage.console_volumes(connection, vm_uuid):
                wanted = limit_bytes - len(log)
                if wanted <= 0:
                    break
                log = _end_of(connection, volume, wanted) + log
            return log


def _end_of(connection: Any, volume: Any, limit_bytes: int) -> bytes:
    _, size, _ = volume.info()
    wanted = min(size, limit_bytes)
    if wanted == 0:
        return b""
    stream = connection.newStream(0)
    volume.download(stream, size - wanted, wanted, 0)
    parts = []
    while part := stream.recv(CHUNK_BYTES):
        parts.append(part)
        current_call().check()
    stream.finish()
    return b"".join(parts)
