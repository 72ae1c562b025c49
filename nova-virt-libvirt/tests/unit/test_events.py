"""A domain that libvirt told of is not kept: a connection stays open as long as one of its is."""

from __future__ import annotations

import threading
import weakref
from typing import Any, cast
from uuid import UUID

import libvirt
import testtools
from nova_virt_interface.services import IEventSink
from nova_virt_interface.values.events import VmEvent

from nova_virt_libvirt.census import Census
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.events import Events
from nova_virt_libvirt.session import Session


class _Connection:
    """Remembers who wants to know."""

    def __init__(self) -> None:
        self.callbacks: dict[int, Any] = {}

    def domainEventRegisterAny(  # noqa: N802 - the name in libvirt
        self, domain: Any, kind: int, callback: Any, opaque: Any
    ) -> None:
        """As libvirt's."""
        self.callbacks[kind] = callback

    def tell_of(self, domain: Any) -> None:
        """Tell of a domain that was shut off."""
        self.callbacks[libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE](
            self, domain, libvirt.VIR_DOMAIN_EVENT_STOPPED, 0, None
        )


class _Domain:
    def UUIDString(self) -> str:  # noqa: N802 - the name in libvirt
        return str(UUID(int=1))


class _Census:
    def entry(self, domain: Any) -> None:
        """Knows of no VM."""


class _Session:
    def is_broken(self) -> bool:
        return False


class _Sink:
    def deliver(self, event: VmEvent) -> None:
        """See `IEventSink`."""


class TestDomains(testtools.TestCase):
    """Whether anything holds a domain that there was an event about."""

    def setUp(self) -> None:
        super().setUp()
        self.connection = _Connection()
        self.events = Events(cast("IEventSink", _Sink()), cast("Census", _Census()), Settings())
        self.events.start(cast("Session", _Session()))
        self.addCleanup(self.events.stop)
        self.events.subscribe(self.connection)

    def test_one_that_was_told_of_is_let_go(self) -> None:
        released = threading.Event()
        domain = _Domain()
        weakref.finalize(domain, released.set)
        self.connection.tell_of(domain)
        del domain
        self.assertTrue(released.wait(timeout=60))

    def test_one_that_is_told_of_after_the_end_is_not_taken(self) -> None:
        self.events.stop()
        domain = _Domain()
        self.connection.tell_of(domain)
        held = weakref.ref(domain)
        del domain
        self.assertIsNone(held())
