from __future__ import annotations

import threading
from datetime import UTC, datetime
from uuid import UUID, uuid4

import fixtures
import testtools
from instances import IMAGE, spawn_request
from nova_virt_interface.errors import NotFound
from nova_virt_interface.services import IEventSink, IImageSource, IServices
from nova_virt_interface.values.events import EventKind, VmEvent
from zope.interface.verify import verifyObject

from nova_core_stub.image_store import ImageStore
from nova_core_stub.services import Services


def event(vm_uuid: UUID | None = None) -> VmEvent:
    return VmEvent(kind=EventKind.STARTED, at=datetime.now(UTC), vm_uuid=vm_uuid or uuid4())


class ServicesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.services = Services(ImageStore())
        self.addCleanup(self.services.close)

    def test_they_are_what_the_contract_promises(self) -> None:
        verifyObject(IServices, self.services)
        verifyObject(IEventSink, self.services.events)
        verifyObject(IImageSource, self.services.images)

    def test_events_arrive_in_order_on_a_thread_of_cores(self) -> None:
        seen: list[tuple[VmEvent, threading.Thread]] = []
        self.services.events.subscribe(lambda item: seen.append((item, threading.current_thread())))
        sent = [event() for _ in range(100)]
        for item in sent:
            self.services.events.deliver(item)
        self.services.close()
        self.assertEqual(sent, [item for item, _ in seen])
        self.assertNotIn(threading.current_thread(), [thread for _, thread in seen])

    def test_delivering_does_not_wait_for_a_subscriber(self) -> None:
        go_on = threading.Event()

        def wait(item: VmEvent) -> None:
            go_on.wait()

        self.services.events.subscribe(wait)
        self.services.events.deliver(event())
        self.services.events.deliver(event())
        go_on.set()

    def test_a_failing_subscriber_costs_the_others_nothing(self) -> None:
        def fail(item: VmEvent) -> None:
            raise OSError("full")

        seen: list[VmEvent] = []
        self.services.events.subscribe(fail)
        self.services.events.subscribe(seen.append)
        sent = [event(), event()]
        for item in sent:
            self.services.events.deliver(item)
        self.services.close()
        self.assertEqual(sent, seen)
        self.assertIn("a subscriber failed", self.log.output)

    def test_an_event_after_the_end_is_only_logged(self) -> None:
        seen: list[VmEvent] = []
        self.services.events.subscribe(seen.append)
        self.services.close()
        self.services.close()
        late = event()
        self.services.events.deliver(late)
        self.assertEqual([], seen)
        self.assertIn(f"event started of {late.vm_uuid}", self.log.output)

    def test_only_an_image_that_core_named_can_be_opened(self) -> None:
        folder = self.useFixture(fixtures.TempDir())
        with open(folder.join("guest"), "wb") as file:
            file.truncate(IMAGE.size_bytes)
        services = Services(ImageStore(folder.path))
        self.addCleanup(services.close)
        for key in (IMAGE.cache_key, IMAGE.image_id, "../etc/passwd"):
            error = self.assertRaises(NotFound, services.images.open, key)
            self.assertEqual(key, error.name)
        services.images.announce_all({"instance_uuid": uuid4(), "request": spawn_request()})
        services.images.open(IMAGE.cache_key).close()
        other = Services(ImageStore(folder.path))
        self.addCleanup(other.close)
        other.images.announce_all({"image": IMAGE})
        other.images.open(IMAGE.cache_key).close()
