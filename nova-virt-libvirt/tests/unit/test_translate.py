"""libvirt's numbers become the contract's values, and what it does not say stays unsaid."""

from __future__ import annotations

from uuid import uuid4

import libvirt
import testtools
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.translate import event_kind, power_state, vm_statistics

RUNNING = PowerState.RUNNING
VM = uuid4()


class TestPowerState(testtools.TestCase):
    def test_every_state_of_libvirt(self) -> None:
        expected = [
            PowerState.UNKNOWN,
            RUNNING,
            RUNNING,
            PowerState.PAUSED,
            RUNNING,
            PowerState.STOPPED,
            PowerState.CRASHED,
            PowerState.PAUSED,
        ]
        found = [power_state(state, is_saved=False) for state in range(8)]
        self.assertEqual(expected, found)

    def test_what_is_new_or_missing_is_unknown(self) -> None:
        self.assertIs(PowerState.UNKNOWN, power_state(99, is_saved=True))
        self.assertIs(PowerState.UNKNOWN, power_state(None, is_saved=False))

    def test_a_saved_domain_is_suspended_only_while_it_is_off(self) -> None:
        self.assertIs(PowerState.SUSPENDED, power_state(libvirt.VIR_DOMAIN_SHUTOFF, is_saved=True))
        self.assertIs(RUNNING, power_state(libvirt.VIR_DOMAIN_RUNNING, is_saved=True))


class TestEventKind(testtools.TestCase):
    def test_lifecycle_events(self) -> None:
        for event, detail, expected in (
            (libvirt.VIR_DOMAIN_EVENT_DEFINED, 0, None),
            (libvirt.VIR_DOMAIN_EVENT_UNDEFINED, 0, EventKind.DELETED),
            (libvirt.VIR_DOMAIN_EVENT_UNDEFINED, 1, None),
            (libvirt.VIR_DOMAIN_EVENT_STARTED, 0, EventKind.STARTED),
            (libvirt.VIR_DOMAIN_EVENT_STARTED, 2, EventKind.RESUMED),
            (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, 0, EventKind.PAUSED),
            (libvirt.VIR_DOMAIN_EVENT_RESUMED, 0, EventKind.RESUMED),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, 0, EventKind.STOPPED),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, 1, EventKind.STOPPED),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, 2, EventKind.CRASHED),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, 4, EventKind.SUSPENDED),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, 5, EventKind.CRASHED),
            (libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, 0, None),
            (libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED, 0, EventKind.PAUSED),
            (libvirt.VIR_DOMAIN_EVENT_CRASHED, 0, EventKind.CRASHED),
            (99, 0, None),
        ):
            self.assertIs(expected, event_kind(event, detail), f"{event}, {detail}")


class TestStatistics(testtools.TestCase):
    def test_all_that_is_measured(self) -> None:
        row = {
            "cpu.time": 7,
            "vcpu.current": 2,
            "balloon.current": 3,
            "balloon.rss": 4,
            "block.count": 2,
            "block.0.path": f"/pool/{VM}-root.qcow2",
            "block.0.rd.bytes": 1,
            "block.0.rd.reqs": 2,
            "block.0.wr.bytes": 3,
            "block.0.wr.reqs": 4,
            "block.1.path": "/somewhere/else.iso",
            "net.count": 1,
            "net.0.name": "nvx",
            "net.0.rx.bytes": 5,
            "net.0.rx.pkts": 6,
            "net.0.tx.bytes": 7,
            "net.0.tx.pkts": 8,
        }
        found = vm_statistics(VM, RUNNING, row, {"nvx": "port"})
        self.assertEqual(
            (7, 2, 3072, 4096),
            (found.cpu_time_ns, found.vcpus, found.memory_bytes, found.memory_used_bytes),
        )
        (disk,), (nic,) = found.disks, found.nics
        self.assertEqual("root", disk.key)
        self.assertEqual(
            (1, 2, 3, 4),
            (disk.read_bytes, disk.read_requests, disk.write_bytes, disk.write_requests),
        )
        self.assertEqual("port", nic.key)
        self.assertEqual(
            (5, 6, 7, 8),
            (nic.received_bytes, nic.received_packets, nic.sent_bytes, nic.sent_packets),
        )

    def test_what_is_not_measured_is_none_or_left_out(self) -> None:
        row = {
            "block.count": 1,
            "block.0.path": f"/pool/{VM}-root.qcow2",
            "block.0.rd.bytes": 1,
            "net.count": 1,
            "net.0.name": "vnet0",
            "net.0.rx.bytes": 5,
        }
        found = vm_statistics(VM, RUNNING, row, {"vnet0": "port"})
        self.assertEqual(((), ()), (found.disks, found.nics))
        self.assertIsNone(found.cpu_time_ns)
        self.assertIsNone(found.vcpus)
        self.assertIsNone(found.memory_bytes)
        self.assertIsNone(found.memory_used_bytes)

    def test_a_stopped_vm_uses_no_memory_now(self) -> None:
        row = {"balloon.current": 3, "balloon.rss": 4, "cpu.time": 5}
        found = vm_statistics(VM, PowerState.STOPPED, row, {})
        self.assertEqual(
            (None, None, None), (found.memory_bytes, found.memory_used_bytes, found.cpu_time_ns)
        )
