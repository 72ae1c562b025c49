"""Delivery of events: in order, from one thread, and not after the end."""

from __future__ import annotations

import queue
import threading
from uuid import uuid4

import testtools
from fixtures import FakeLogger, MonkeyPatch
from zope.interface import implementer

from nova_virt_interface.dispatch import EventDispatcher
from nova_virt_interface.services import IEventSink
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.doubles import RecordingSink
from nova_virt_interface.values.events import EventKind, VmEvent

PATIENCE_SECONDS = 30.0


@implementer(IEventSink)
class BlockingSink:
    """Holds every event until it is told to go on."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.taken: list[VmEvent] = []

    def deliver(self, event: VmEvent) -> None:
        self.entered.set()
        self.go_on.wait(PATIENCE_SECONDS)
        self.taken.append(event)


class RacingQueue(queue.SimpleQueue[object]):
    """Says that it holds something when that has just been taken."""

    def empty(self) -> bool:
        return False

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        on_thread = threading.current_thread().name == "nova-virt-events"
        return super().get(block, timeout if on_thread else 1.0)


class TestEventDispatcher(testtools.TestCase):
    def dispatcher(self, sink: IEventSink) -> EventDispatcher:
        made = EventDispatcher(sink)
        self.addCleanup(made.close)
        return made

    @rules("EVT-1", "EVT-4")
    def test_events_come_in_order_from_one_other_thread(self) -> None:
        sink, vm_uuid = RecordingSink(), uuid4()
        dispatcher = self.dispatcher(sink)
        order = [EventKind.STARTED, EventKind.STOPPED] * 50 + [EventKind.DELETED]
        for kind in order:
            dispatcher.send(kind, vm_uuid)
        self.assertTrue(sink.wait_for(EventKind.DELETED, vm_uuid, PATIENCE_SECONDS))
        self.assertEqual(order, sink.kinds(vm_uuid))
        self.assertEqual(1, len(sink.threads))
        self.assertNotIn(threading.get_ident(), sink.threads)

    @rules("EVT-4")
    def test_a_sink_that_raises_costs_no_event_and_is_logged(self) -> None:
        log = self.useFixture(FakeLogger())
        sink = RecordingSink()
        sink.raises = True
        dispatcher = self.dispatcher(sink)
        for _ in range(2):
            dispatcher.send(EventKind.EVENTS_LOST)
        self.assertTrue(sink.wait_for(EventKind.EVENTS_LOST, None, PATIENCE_SECONDS, count=2))
        dispatcher.close()
        self.assertEqual(2, log.output.count("the event sink failed"))

    @rules("EVT-4")
    def test_a_sink_that_blocks_does_not_block_the_sender(self) -> None:
        sink = BlockingSink()
        dispatcher = self.dispatcher(sink)
        self.addCleanup(sink.go_on.set)
        for _ in range(3):
            dispatcher.send(EventKind.EVENTS_LOST)
        self.assertTrue(sink.entered.wait(PATIENCE_SECONDS))
        self.assertEqual([], sink.taken)

    @rules("CONN-6")
    def test_close_waits_for_the_delivery_under_way_and_drops_the_rest(self) -> None:
        sink = BlockingSink()
        dispatcher = self.dispatcher(sink)
        for _ in range(3):
            dispatcher.send(EventKind.EVENTS_LOST)
        self.assertTrue(sink.entered.wait(PATIENCE_SECONDS))
        join = dispatcher._thread.join

        def joining() -> None:
            sink.go_on.set()
            join()

        self.useFixture(MonkeyPatch("threading.Thread.join", lambda thread: joining()))
        dispatcher.close()
        self.assertEqual(1, len(sink.taken))

    @rules("CONN-6")
    def test_nothing_is_delivered_after_close_which_may_be_repeated(self) -> None:
        sink = RecordingSink()
        dispatcher = self.dispatcher(sink)
        for _ in range(3):
            dispatcher.close()
            dispatcher.send(EventKind.EVENTS_LOST)
        self.assertEqual([], sink.kinds())

    @rules("CONN-6")
    def test_a_sink_may_close_the_connection(self) -> None:
        closed = threading.Event()

        @implementer(IEventSink)
        class ClosingSink:
            def deliver(self, event: VmEvent) -> None:
                dispatcher.close()
                closed.set()

        dispatcher = EventDispatcher(ClosingSink())
        dispatcher.send(EventKind.RECONNECT)
        self.assertTrue(closed.wait(PATIENCE_SECONDS))
        dispatcher.close()

    def test_close_does_not_wait_for_an_event_that_was_just_taken(self) -> None:
        self.useFixture(MonkeyPatch("nova_virt_interface.dispatch.queue.SimpleQueue", RacingQueue))
        EventDispatcher(RecordingSink()).close()
