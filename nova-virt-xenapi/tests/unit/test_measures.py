"""What a host measures, and what it tells of itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import testtools
from hypothesis import given
from hypothesis import strategies as some
from nova_virt_interface.errors import BackendError
from nova_virt_interface.values.power import PowerState

from nova_virt_xenapi import translate_measures as translate
from nova_virt_xenapi.marks import VmMark
from nova_virt_xenapi.metrics import Measures, measures, moment

_AT = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def _answer(legend: list[str], *rows: tuple[int, list[Any]]) -> bytes:
    data = [{"t": at, "values": values} for at, values in rows]
    return json.dumps({"meta": {"legend": legend}, "data": data}).encode()


class TestMeasures(testtools.TestCase):
    """The answer of ``/rrd_updates``."""

    def test_the_newest_number_of_every_column_counts(self) -> None:
        legend = ["AVERAGE:vm:a:cpu0", "AVERAGE:host:b:cpu_avg", "nonsense"]
        rows = ((10, [0.2, float("nan"), 1.0]), (5, [0.1, 0.5, 2.0]))
        found = measures(_AT, _answer(legend, *rows))
        self.assertEqual({"cpu0": 0.2}, found.of("vm", "a"))
        self.assertEqual({"cpu_avg": 0.5}, found.of("host", "b"))
        self.assertEqual({}, found.of("vm", "another"))

    def test_nothing_measured_has_three_spellings(self) -> None:
        legend = [f"AVERAGE:vm:a:{name}" for name in ("one", "two", "three", "four")]
        found = measures(_AT, _answer(legend, (1, [float("nan"), "NaN", None, "1.5"])))
        self.assertEqual({"four": 1.5}, found.of("vm", "a"))

    @given(some.binary())
    def test_what_is_not_to_be_understood_is_a_backend_error(self, body: bytes) -> None:
        self.assertRaises(BackendError, measures, _AT, body)

    def test_a_row_that_is_too_short_is_a_backend_error(self) -> None:
        self.assertRaises(BackendError, measures, _AT, _answer(["AVERAGE:vm:a:x"], (1, [])))

    def test_times_are_utc(self) -> None:
        self.assertEqual(_AT, moment("20260501T12:00:00Z"))


class TestStatistics(testtools.TestCase):
    """Of a VM."""

    mark = VmMark("nova", uuid4(), "h")

    def record(self, state: str) -> dict[str, Any]:
        return {"power_state": state, "VCPUs_at_startup": "2", "uuid": "a"}

    def found(self, state: str, values: dict[str, float]) -> Any:
        metrics = {"memory_actual": "1024", "start_time": "20260501T11:59:00Z"}
        vbd = {"other_config": {"nova-virt-key": "k", "nova-virt-spec": "d"}, "device": "xvda"}
        vdi = {"virtual_size": "8", "physical_utilisation": "4"}
        measured = Measures(_AT, {("vm", "a"): values})
        record = self.record(state)
        return translate.vm_statistics(self.mark, record, metrics, measured, [(vbd, vdi)], [])

    def test_rates_and_sizes(self) -> None:
        found = self.found("Running", {"cpu0": 0.5, "cpu1": 0.1, "vbd_xvda_read": 9.9})
        self.assertEqual((PowerState.RUNNING, 60, 1024), (
            found.power_state, found.uptime_seconds, found.memory_used_bytes
        ))  # fmt: skip
        self.assertAlmostEqual(0.3, found.cpu_load)
        [disk] = found.disks
        self.assertEqual((9, None, 8, 4), (
            disk.read_bytes_per_second,
            disk.write_bytes_per_second,
            disk.size_bytes,
            disk.stored_bytes,
        ))  # fmt: skip

    def test_of_a_stopped_vm_there_is_what_does_not_change(self) -> None:
        found = self.found("Halted", {"cpu0": 0.5})
        self.assertEqual((None, None, None, None), (
            found.cpu_load, found.uptime_seconds, found.memory_bytes, found.cpu_time_ns
        ))  # fmt: skip
        self.assertEqual(2, found.vcpus)


class TestHost(testtools.TestCase):
    """Of a host."""

    def test_what_is_not_told_is_none(self) -> None:
        host = {"uuid": "h", "other_config": {}, "cpu_info": {}}
        found = translate.host_status(host, Measures(_AT, {}))
        self.assertEqual((None, None, None), (
            found.uptime_seconds, found.cpu_load, found.cpu_frequency_hz
        ))  # fmt: skip

    def test_uptime_is_by_the_host_s_own_clock(self) -> None:
        booted = (_AT - timedelta(hours=1)).timestamp()
        host = {"uuid": "h", "other_config": {"boot_time": f"{int(booted)}."}, "cpu_info": {}}
        found = translate.host_status(host, Measures(_AT, {("host", "h"): {"cpu_avg": 1.5}}))
        self.assertEqual((3600, 1.0), (found.uptime_seconds, found.cpu_load))

    def test_cores_are_counted(self) -> None:
        info = {"cpu_count": "16", "socket_count": "2", "threads_per_core": "2", "flags": "b a a"}
        found = translate.cpu_description(info)
        self.assertEqual((2, 4, 2, ("a", "b")), (
            found.sockets, found.cores_per_socket, found.threads_per_core, found.features
        ))  # fmt: skip

    def test_disks_are_numbered_as_linux_does(self) -> None:
        vbd = {
            "other_config": {"nova-virt-key": "k", "nova-virt-spec": "d"},
            "device": "xvdb",
            "currently_attached": True,
        }
        found = translate.disk_metadata(vbd)
        self.assertEqual("51728", found.address if found else "")
        self.assertIsNone(translate.disk_metadata({**vbd, "currently_attached": False}))
