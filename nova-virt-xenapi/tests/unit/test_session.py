"""Connecting, staying connected, and what the wire looks like when it goes wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import trustme
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    HostUnreachable,
    InvalidRequest,
    NotFound,
    Unsupported,
    VirtError,
)
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec

from .pools import MIB, SimulatorTestCase

_LOGIN = "session.login_with_password"
_QUESTION = "host.compute_free_memory"


class TestConnecting(SimulatorTestCase):
    """Errors while connecting are clear, and nothing stays open after them."""

    def refused(self, expected: type[VirtError], **changes: object) -> Any:
        before = self.sessions()
        error = self.assertRaises(expected, self.connect, **changes)
        self.assertEqual(before, self.sessions())
        return error

    def sessions(self) -> set[str]:
        return set(self.simulator.ask("records", class_name="session"))

    def test_a_wrong_password_is_access_denied(self) -> None:
        error = self.refused(AccessDenied, password="wr0ng")
        self.assertIn("password", str(error))
        self.assertNotIn("wr0ng", str(error))

    def test_an_untrusted_certificate_is_access_denied_and_names_the_option(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            other = Path(directory, "other.pem")
            trustme.CA().cert_pem.write_to_path(str(other))
            error = self.refused(AccessDenied, ca_file=str(other))
        self.assertIn("ca_file", str(error))
        self.assertFalse(error.may_have_been_done)

    def test_certificates_are_verified_by_default(self) -> None:
        self.refused(AccessDenied, ca_file="")

    def test_a_name_that_the_certificate_lacks_is_not_trusted(self) -> None:
        self.refused(AccessDenied, url=self.simulator.url.replace("127.0.0.1", "127.1"))

    def test_a_host_or_storage_that_the_pool_lacks_is_an_invalid_request(self) -> None:
        for option in ("host", "storage_repository"):
            error = self.refused(InvalidRequest, **{option: "no such thing"})
            self.assertEqual(option, error.field)

    def test_a_host_without_hardware_virtualization_is_unsupported(self) -> None:
        hosts = self.simulator.ask("records", class_name="host")
        (ref,) = hosts
        write = {"class_name": "host", "ref": ref, "field": "capabilities"}
        self.simulator.ask("write", **write, value=["xen-3.0-x86_64"])
        self.addCleanup(self.simulator.ask, "write", **write, value=hosts[ref]["capabilities"])
        self.refused(Unsupported)

    def test_host_and_storage_are_found_by_name_and_by_uuid(self) -> None:
        (host,) = self.simulator.ask("records", class_name="host").values()
        for name in (host["name_label"], host["uuid"]):
            self.assertEqual("xcp-0", self.connect(host=name).describe().hostname)

    def test_every_call_of_connecting_may_fail(self) -> None:
        sessions = self.sessions()
        for action in ("drop_before", "drop_after", "garbage", "truncate", "redirect"):
            for method in (_LOGIN, "event.from"):
                self.fault(method, action)
                self.assertRaises((HostUnreachable, BackendError), self.connect)
                self.simulator.ask("clear_faults")
        lost_logins = ("drop_after", "garbage", "truncate")
        self.assertEqual(len(lost_logins), len(self.sessions() - sessions))
        self.connect()

    def test_the_session_is_logged_out(self) -> None:
        before = self.sessions()
        connection = self.connect()
        self.assertEqual(len(before) + 1, len(self.sessions()))
        connection.close()
        self.assertEqual(before, self.sessions())


class TestStayingConnected(SimulatorTestCase):
    """A session that ends, and answers that make no sense."""

    def test_a_session_that_the_pool_forgot_is_renewed(self) -> None:
        connection = self.connect()
        logins = self.calls()[_LOGIN]
        self.simulator.ask("forget_sessions")
        connection.inventory()
        self.assertEqual(logins + 1, self.calls()[_LOGIN])

    def test_a_pool_that_ends_every_session_is_unreachable(self) -> None:
        connection = self.connect()
        self.fault(_QUESTION, "fail", error=["SESSION_INVALID", "x"], count=100)
        self.assertRaises(HostUnreachable, connection.inventory)

    def test_an_answer_that_is_no_answer_is_a_backend_error(self) -> None:
        connection = self.connect()
        for action in ("garbage", "truncate", "redirect"):
            self.fault(_QUESTION, action)
            error: Any = self.assertRaises((BackendError, HostUnreachable), connection.inventory)
            self.assertFalse(error.may_have_been_done)
            connection.inventory()

    def test_a_late_answer_is_unreachable(self) -> None:
        connection = self.connect(call_timeout_seconds=0.2)
        self.fault(_QUESTION, "delay", seconds=1.0)
        self.assertRaises(HostUnreachable, connection.inventory)

    def test_a_restart_of_xapi_is_told_and_healed(self) -> None:
        connection = self.connect()
        self.simulator.ask("away")
        self.simulator.ask("forget_sessions")
        self.simulator.ask("back")
        for kind in (EventKind.HOST_UNREACHABLE, EventKind.EVENTS_LOST):
            self.assertTrue(self.services.events.wait_for(kind, None, 10.0), kind)
        self.assertEqual((), connection.list_vms())

    def test_another_version_after_an_outage_is_told(self) -> None:
        self.connect()
        (ref,) = self.simulator.ask("records", class_name="host")
        self.simulator.ask("away")
        change = {"field": "hostname", "value": "renamed"}
        self.simulator.ask("write", class_name="host", ref=ref, **change)
        self.simulator.ask("back")
        self.assertTrue(self.services.events.wait_for(EventKind.RECONNECT, None, 10.0))


class TestMaster(SimulatorTestCase):
    """A pool of two hosts: only the master answers."""

    hosts = 2

    def test_a_member_leads_to_the_master(self) -> None:
        url = self.simulator.url.replace("127.0.0.1", "127.0.0.2")
        connection = self.connect(url=url, host="xcp-1")
        self.assertEqual("xcp-1", connection.describe().hostname)
        self.assertEqual((), connection.list_vms())

    def test_hosts_that_name_each_other_are_unreachable(self) -> None:
        self.fault(_LOGIN, "fail", error=["HOST_IS_SLAVE", "127.0.0.1"], count=100)
        self.assertRaises(HostUnreachable, self.connect)

    def test_a_new_master_is_followed(self) -> None:
        connection = self.connect()
        hosts = self.simulator.ask("records", class_name="host")
        second = next(ref for ref, row in hosts.items() if row["address"] == "127.0.0.2")
        (pool,) = self.simulator.ask("records", class_name="pool")
        write = {"class_name": "pool", "ref": pool, "field": "master"}
        first = next(ref for ref in hosts if ref != second)
        self.addCleanup(self.simulator.ask, "write", **write, value=first)
        self.simulator.ask("write", **write, value=second)
        self.simulator.ask("forget_sessions")
        self.assertEqual((), connection.list_vms())

    def test_each_host_is_a_compute_node_of_its_own(self) -> None:
        first, second = self.connect(host="xcp-0"), self.connect(host="xcp-1")
        vm_uuid = uuid4()
        first.create_vm(vm_uuid, VmSpec(name="one", vcpus=1, memory_bytes=64 * MIB))
        self.addCleanup(first.delete_vm, vm_uuid, DeleteVmRequest())
        first.start_vm(vm_uuid, StartRequest())
        self.assertEqual([vm_uuid], [vm.vm_uuid for vm in first.list_vms()])
        self.assertEqual((), second.list_vms())
        self.assertRaises(NotFound, second.get_vm, vm_uuid)
        (host,) = {
            row["resident_on"]
            for row in self.simulator.ask("records", class_name="VM").values()
            if row["name_label"] == "one"
        }
        hosts = self.simulator.ask("records", class_name="host")
        self.assertEqual("xcp-0", hosts[host]["name_label"])
