"""Bytes of volumes on their way through libvirt's streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import libvirt
from nova_virt_interface.call import current_call

__all__ = ["CHUNK_BYTES", "copy_bytes"]

CHUNK_BYTES = 256 * 1024
_HOLE = -3
"""What libvirt-python returns in place of bytes where there are none."""


def copy_bytes(
    connection: Any, volume: Any, peer: Any, target: Any, on_bytes: Callable[[int], None]
) -> None:
    """Write all bytes of a volume, as they are stored, over those of another one.

    Args:
        connection: to the host of the volume.
        volume: which is read.
        peer: a connection to the host of the target, which may be the same.
        target: which is written.
        on_bytes: told how many more have crossed.
    """
    with _stream(connection) as source, _stream(peer) as sink:
        volume.download(source, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
        target.upload(sink, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        while chunk := source.recvFlags(CHUNK_BYTES, libvirt.VIR_STREAM_RECV_STOP_AT_HOLE):
            current_call().check()
            if chunk == _HOLE:
                sink.sendHole(source.recvHole(0), 0)
                continue
            sent = 0
            while sent < len(chunk):
                sent += sink.send(chunk[sent:])
            on_bytes(len(chunk))


@contextmanager
def _stream(connection: Any) -> Iterator[Any]:
    """A stream that has come to its end after the block, or is given up."""
    stream = connection.newStream(0)
    try:
        yield stream
    except BaseException:
        # It may not have begun, or have ended already.
        with suppress(libvirt.libvirtError):
            stream.abort()
        raise
    stream.finish()
