"""Logging in, by each way, and being refused; guests that listen; processes that end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from fixtures import TempDir
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    HostUnreachable,
    InvalidRequest,
    NotFound,
)
from nova_virt_interface.testing.harness import finished, started
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
    SuspendRequest,
)

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.testing.harness import SimulatorHarness
from nova_virt_hyperv.testing.samba import Samba

from .backend import BackendTestCase, nic


class PlainHarness(SimulatorHarness):
    """A host without TLS, which takes encrypted messages only."""

    more_arguments = ("--plain",)

    def settings(self) -> Settings:
        return replace(super().settings(), tls=False, auth="ntlm")


class TestLogin(BackendTestCase):
    def test_every_way_over_tls(self) -> None:
        for auth in ("basic", "ntlm", "negotiate"):
            self.assertEqual((), self.connected(auth=auth).list_vms())

    def test_who_comes_without_credentials_is_asked_for_them(self) -> None:
        settings = self.harness.settings()
        url = f"https://{settings.host}:{settings.port}/wsman"
        text = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><i:Identify '
            'xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/>'
            "</s:Body></s:Envelope>"
        )
        with requests.Session() as client:
            client.verify, client.trust_env = settings.ca_file, False
            first = client.post(url, data=text)
            self.assertEqual((401, b""), (first.status_code, first.content))
            for scheme in ("Negotiate", "NTLM", "Basic"):
                self.assertIn(scheme, first.headers["WWW-Authenticate"])
            second = client.post(url, data=text, auth=(settings.username, settings.password))
        self.assertEqual(200, second.status_code)
        self.assertIn(b"IdentifyResponse", second.content)

    def test_encrypted_messages_without_tls(self) -> None:
        harness = started(PlainHarness)
        self.addCleanup(finished, PlainHarness)
        connection: Any = harness.factory().connect(harness.settings(), self.services)
        self.addCleanup(connection.close)
        self.assertEqual((), connection.list_vms())

    def test_a_wrong_password_is_refused_and_not_tried_again(self) -> None:
        for auth in ("basic", "ntlm"):
            before = self.harness.control("refused_logins")
            error = self.assertRaises(AccessDenied, self.connected, auth=auth, password="wrong")
            self.assertIn("password", error.remedy)
            self.assertNotIn("wrong", str(error))
            self.assertEqual(before + 1, self.harness.control("refused_logins"))

    def test_a_certificate_of_an_unknown_authority(self) -> None:
        error = self.assertRaises(AccessDenied, self.connected, ca_file="")
        self.assertIn("ca_file", error.remedy)
        self.assertRaises(InvalidRequest, self.connected, ca_file="/nowhere/ca.pem")

    def test_a_share_that_is_not_there(self) -> None:
        error = self.assertRaises(InvalidRequest, self.connected, share="other")
        self.assertEqual("share", error.field)

    def test_the_share_goes_away_and_comes_back(self) -> None:
        self.cached()
        with self.harness.outage():
            self.assertRaises(HostUnreachable, self.hypervisor.list_cached_images)
        self.assertEqual(1, len(self.hypervisor.list_cached_images()))

    def test_a_share_without_encryption_is_refused(self) -> None:
        root = Path(self.useFixture(TempDir()).path)
        for folder in ("state", "shared"):
            (root / folder).mkdir()
        settings = self.harness.settings()
        samba = Samba(
            root / "state",
            root / "shared",
            settings.share,
            settings.username,
            settings.password,
            encryption="off",
        )
        self.addCleanup(samba.stop)
        samba.start()
        self.assertRaises(BackendError, self.connected, share_port=samba.port)
        self.assertEqual([], list((root / "shared").iterdir()))


class TestGuests(BackendTestCase):
    def running(self) -> str:
        self.vm_uuid = self.made()
        self.hypervisor.start_vm(self.vm_uuid, StartRequest())
        guid: str = self.harness.vm(self.vm_uuid)["guid"]
        return guid

    def test_a_guest_that_listens_turns_itself_off(self) -> None:
        self.harness.control("listens", guid=self.running())
        before = self.harness.control("requests").get("RequestStateChange", 0)
        self.hypervisor.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=30))
        self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(self.vm_uuid).power_state)
        after = self.harness.control("requests").get("RequestStateChange", 0)
        self.assertEqual(before, after, "it was turned off by force")

    def test_a_soft_reboot(self) -> None:
        self.harness.control("listens", guid=self.running())
        soft = RebootRequest(kind=RebootKind.SOFT, graceful_timeout_seconds=30)
        self.hypervisor.reboot_vm(self.vm_uuid, soft)
        self.assertEqual(PowerState.RUNNING, self.hypervisor.get_vm(self.vm_uuid).power_state)

    def test_saved_and_paused_vms(self) -> None:
        guid = self.running()
        for state, expected in ((6, PowerState.SUSPENDED), (9, PowerState.PAUSED)):
            self.harness.control("state", guid=guid, state=state)
            self.assertEqual(expected, self.hypervisor.get_vm(self.vm_uuid).power_state)
            self.hypervisor.start_vm(self.vm_uuid, StartRequest())
            self.harness.control("state", guid=guid, state=state)
            self.hypervisor.stop_vm(self.vm_uuid, StopRequest(graceful_timeout_seconds=30))
            self.assertEqual(PowerState.STOPPED, self.hypervisor.get_vm(self.vm_uuid).power_state)
            self.hypervisor.start_vm(self.vm_uuid, StartRequest())

    def test_a_switch_that_is_not_there(self) -> None:
        error = self.assertRaises(NotFound, self.made, nics=(nic(network="nowhere"),))
        self.assertEqual("nowhere", error.name)


class TestEvents(BackendTestCase):
    poll_interval_seconds = 0.1

    def test_a_restart_between_two_looks_is_told(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        sink = self.services.events
        self.assertTrue(sink.wait_for(EventKind.STARTED, vm_uuid, 20))
        # The other connection's own calls tell this one nothing.
        other = self.connected(poll_interval_seconds=3600.0)
        time.sleep(0.5)
        other.reboot_vm(vm_uuid, RebootRequest(kind=RebootKind.HARD))
        self.assertTrue(sink.wait_for(EventKind.STOPPED, vm_uuid, 20, count=2))

    def test_a_saved_vm_that_takes_long_to_start_was_not_stopped(self) -> None:
        vm_uuid = self.made()
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        sink = self.services.events
        self.assertTrue(sink.wait_for(EventKind.SUSPENDED, vm_uuid, 20))
        guid = self.harness.vm(vm_uuid)["guid"]
        starting, running = 10, 2
        self.harness.control("state", guid=guid, state=starting)
        time.sleep(0.5)
        self.harness.control("state", guid=guid, state=running)
        self.assertTrue(sink.wait_for(EventKind.RESUMED, vm_uuid, 20))
        self.assertNotIn(EventKind.STOPPED, sink.kinds(vm_uuid))


class TestProcesses(BackendTestCase):
    def test_nothing_outlives_tests_that_are_killed(self) -> None:
        mark = Path(self.useFixture(TempDir()).path)
        script = (
            "import sys, time, tempfile; tempfile.tempdir = sys.argv[1]\n"
            "from nova_virt_hyperv.testing.harness import SimulatorHarness\n"
            "harness = SimulatorHarness(); harness.start(); print('up', flush=True)\n"
            "time.sleep(600)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(mark)], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            self.assertEqual(b"up\n", child.stdout.readline())
            self.assertNotEqual([], _naming(mark))
            os.kill(child.pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while _naming(mark) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual([], _naming(mark))


def _naming(path: Path) -> list[str]:
    """The processes whose command line names a path."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(path).encode() in process.read_bytes():
                found.append(process.parent.name)
        except OSError:
            # It has ended since.
            continue
    return found
