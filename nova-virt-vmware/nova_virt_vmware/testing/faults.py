"""Breaks the connection at a chosen request, before or after the server has done it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["connection_cut_at"]


@contextmanager
def connection_cut_at(number: int, *, after: bool) -> Iterator[list[int]]:
    """Inside, this thread's request of this number (the first is 0) ends in a broken connection.

    Args:
        number: which request.
        after: whether the server gets it and only the reply is lost.

    Returns: a list with one item for each request so far.
    """
    thread, seen = threading.get_ident(), list[int]()
    putrequest, getresponse = (
        http.client.HTTPConnection.putrequest,
        http.client.HTTPConnection.getresponse,
    )

    def put(connection: Any, *args: Any, **kwargs: Any) -> None:
        if threading.get_ident() == thread:
            seen.append(len(seen))
            if seen[-1] == number and not after:
                raise ConnectionResetError("cut before the request")
        putrequest(connection, *args, **kwargs)

    def get(connection: Any) -> Any:
        response = getresponse(connection)
        if threading.get_ident() == thread and after and seen[-1] == number:
            # Once only, also when nothing is sent any more.
            seen.append(len(seen))
            raise ConnectionResetError("cut before the reply")
        return response

    http.client.HTTPConnection.putrequest = put  # type: ignore[assignment, method-assign]
    http.client.HTTPConnection.getresponse = get  # type: ignore[assignment, method-assign]
    try:
        yield seen
    finally:
        http.client.HTTPConnection.putrequest = putrequest  # type: ignore[method-assign]
        http.client.HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]
