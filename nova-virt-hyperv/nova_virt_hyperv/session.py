"""The way to the host: clients of WS-Management for any thread, and what their errors mean."""

from __future__ import annotations

import logging
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidRequest, VirtError
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import WSMan

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.errors import BACKEND_ERRORS, About, contract_error
from nova_virt_hyperv.faults import Refusal, WmiFault, read_fault
from nova_virt_hyperv.pool import Pool

__all__ = ["Session", "Steps", "new_client", "send", "several_steps"]

_log = logging.getLogger(__name__)
# At the level DEBUG it writes whole messages, and with them the passwords of storage.
logging.getLogger("pypsrp.wsman").addFilter(lambda record: record.levelno > logging.DEBUG)
# Windows' own limit since Server 2012 (MaxEnvelopeSizekb).
_MAX_ENVELOPE_BYTES = 500 * 1024


class Session:
    """Gives each request a client of its own, because one client belongs to one connection.

    It connects anew by itself: a client whose connection broke is thrown away.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.ca_file and not os.path.isfile(settings.ca_file):
            raise InvalidRequest(
                f"option ca_file: there is no file {settings.ca_file}",
                remedy="name a PEM file with the authorities to trust",
                field="ca_file",
            )
        self._pool = Pool(partial(new_client, settings), WSMan.close, _is_connected)

    @contextmanager
    def exchange(self, about: About | None = None, *, changing: bool = False) -> Iterator[WSMan]:
        """Give a client to a block, and turn all backend errors from it into the contract's.

        Args:
            about: what the block is about, for errors.
            changing: whether it may change something on the host.
        """
        current_call().check()
        client = self._pool.take()
        try:
            yield client
        except (WmiFault, Refusal) as error:
            self._pool.give_back(client)
            raise contract_error(error, about=about or About(), changing=changing) from error
        except VirtError:
            self._pool.give_back(client)
            raise
        except BACKEND_ERRORS as error:
            self._pool.throw_away(client)
            raise contract_error(error, about=about or About(), changing=changing) from error
        except BaseException:
            self._pool.throw_away(client)
            raise
        self._pool.give_back(client)

    def require_open(self) -> None:
        """Raise HostUnreachable if the session was closed."""
        self._pool.require_open()

    def close(self) -> None:
        """Close all clients. Idempotent."""
        self._pool.close()


def new_client(settings: Settings) -> WSMan:
    """A client of the host, which connects when it is used first."""
    return WSMan(
        settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password,
        ssl=settings.tls,
        encryption="auto" if settings.tls else "always",
        auth=settings.auth,
        cert_validation=settings.ca_file or True,  # type: ignore[arg-type]
        max_envelope_size=_MAX_ENVELOPE_BYTES,
        operation_timeout=settings.timeout_seconds,
        connection_timeout=min(10, settings.timeout_seconds),
        # The host's own time-out is to come first: it says more.
        read_timeout=settings.timeout_seconds + 5,
        no_proxy=True,
    )


def _is_connected(client: WSMan) -> bool:
    """Whether the host has left an idle client's connection open.

    Windows closes one after two minutes. urllib3 would connect anew, but pypsrp goes on to seal
    messages with the keys of the connection that is gone.
    """
    session = client.transport.session
    if session is None:
        return True
    adapter: Any = session.get_adapter(client.transport.endpoint)
    pools = adapter.poolmanager.pools
    idle = [connection for pool in map(pools.get, pools.keys()) for connection in pool.pool.queue]
    return all(connection is None or connection.is_connected for connection in idle)


def send(
    client: WSMan, action: str, uri: str, body: ET.Element | None, **more: object
) -> ET.Element:
    """Send one request; returns the response's body. Raises WmiFault for a fault."""
    try:
        envelope = client.invoke(action, uri, body, **more)  # type: ignore[arg-type]
    except WSManFaultError as error:
        raw = getattr(error.__context__, "response_text", "")
        fault = read_fault(raw)
        if fault is None:
            raise
        raise fault from error
    found = envelope.find("{http://www.w3.org/2003/05/soap-envelope}Body")
    if found is None:
        raise ET.ParseError("the response has no body")
    return found


class Steps:
    """How far an operation of several steps has come."""

    taken = False


@contextmanager
def several_steps() -> Iterator[Steps]:
    """Say in the block's error that something may have been done, once ``taken`` is set."""
    steps = Steps()
    try:
        yield steps
    except VirtError as error:
        error.may_have_been_done = error.may_have_been_done or steps.taken
        raise
