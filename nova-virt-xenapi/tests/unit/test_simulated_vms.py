"""Power states, devices, tasks and events of the simulator, and its process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from .pools import MIB, SimulatorTestCase
from .wires import VDI, WireTestCase

_CALL = (
    "<?xml version='1.0'?><methodCall><methodName>{}</methodName><params>{}</params></methodCall>"
)


class TestVms(WireTestCase):
    """Power states, devices and tasks."""

    def test_power_states_allow_what_they_allow(self) -> None:
        vm, host = self.vm(), self.call("host.get_all")[0]
        self.assertIn("start", self.call("VM.get_allowed_operations", vm))
        for method in ("VM.hard_shutdown", "VM.pause", "VM.unpause", "VM.clean_reboot"):
            self.assertEqual("Halted", self.refused("VM_BAD_POWER_STATE", method, vm)[3])
        self.call("VM.start_on", vm, host, False, False)
        self.assertIn("hard_shutdown", self.call("VM.get_allowed_operations", vm))
        self.refused("VM_BAD_POWER_STATE", "VM.start", vm, False, False)
        self.refused("VM_BAD_POWER_STATE", "VM.destroy", vm)
        self.call("VM.hard_shutdown", vm)
        self.call("VM.destroy", vm)

    def test_memory_is_finite(self) -> None:
        vm = self.vm(memory_dynamic_max=str(64 * 1024 * MIB))
        self.refused("NO_HOSTS_AVAILABLE", "VM.start", vm, False, False)
        host = self.call("host.get_all")[0]
        self.refused("HOST_NOT_ENOUGH_FREE_MEMORY", "VM.start_on", vm, host, False, False)

    def test_a_vm_that_is_asked_to_stop_is_busy_until_the_task_is_cancelled(self) -> None:
        vm = self.vm()
        self.call("VM.start", vm, False, False)
        task = self.call("Async.VM.clean_shutdown", vm)
        while not self.call("VM.get_current_operations", vm):
            pass
        self.refused("OTHER_OPERATION_IN_PROGRESS", "VM.pause", vm)
        self.call("task.cancel", task)
        token = ""
        while self.call("task.get_status", task) in ("pending", "cancelling"):
            token = self.call("event.from", [f"task/{task}"], token, 2.0)["token"]
        self.assertEqual("cancelled", self.call("task.get_status", task))
        self.assertEqual("Running", self.call("VM.get_power_state", vm))

    def test_a_guest_that_listens_stops(self) -> None:
        vm = self.vm()
        self.call("VM.start", vm, False, False)
        self.simulator.ask("guests", listening=[vm])
        self.call("VM.clean_shutdown", vm)
        self.assertEqual("Halted", self.call("VM.get_power_state", vm))

    def test_devices_are_checked(self) -> None:
        vm, vdi = self.vm(), self.vdi()
        vbd = {
            "VM": vm, "VDI": vdi, "userdevice": "0", "bootable": True, "mode": "RW",
            "type": "Disk", "empty": False, "other_config": {}, "qos_algorithm_type": "",
            "qos_algorithm_params": {},
        }  # fmt: skip
        self.refused("INVALID_DEVICE", "VBD.create", {**vbd, "userdevice": "99"})
        self.refused("VBD_CDS_MUST_BE_READONLY", "VBD.create", {**vbd, "type": "CD"})
        self.refused("INVALID_VALUE", "VBD.create", {**vbd, "type": "CD", "mode": "RO"})
        ref = self.call("VBD.create", vbd)
        self.refused("DEVICE_ALREADY_EXISTS", "VBD.create", vbd)
        self.refused("VM_BAD_POWER_STATE", "VBD.plug", ref)
        self.call("VM.start", vm, False, False)
        self.refused("DEVICE_ALREADY_ATTACHED", "VBD.plug", ref)
        self.refused("OPERATION_NOT_ALLOWED", "VBD.destroy", ref)
        self.refused("VDI_IN_USE", "VDI.destroy", vdi)
        self.call("VBD.unplug", ref)
        self.refused("DEVICE_ALREADY_DETACHED", "VBD.unplug", ref)
        network = self.call("network.get_all")[0]
        vif = {
            "VM": vm, "network": network, "device": "0", "MAC": "no mac", "MTU": "1500",
            "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
        }  # fmt: skip
        self.refused("MAC_INVALID", "VIF.create", vif)
        self.refused("INVALID_DEVICE", "VIF.create", {**vif, "device": "eth0"})

    def test_storage_is_finite(self) -> None:
        self.simulator.ask("ballast", free_bytes=MIB)
        self.addCleanup(self.simulator.ask, "ballast")
        self.refused("SR_BACKEND_FAILURE_44", "VDI.create", {**VDI, "SR": self.sr})


class TestEvents(WireTestCase):
    """``event.from``."""

    def test_the_first_answer_is_the_state_and_the_next_what_changed(self) -> None:
        vdi = self.vdi()
        first = self.call("event.from", ["VDI"], "", 1.0)
        self.assertIn(("add", vdi), [(e["operation"], e["ref"]) for e in first["events"]])
        self.assertEqual({"vdi"}, {event["class"] for event in first["events"]})
        self.assertEqual(first["valid_ref_counts"]["vdi"], len(first["events"]))
        self.call("VDI.set_name_label", vdi, "renamed")
        second = self.call("event.from", ["VDI"], first["token"], 1.0)
        (event,) = second["events"]
        self.assertEqual(("mod", "renamed"), (event["operation"], event["snapshot"]["name_label"]))
        self.call("VDI.destroy", vdi)
        (event,) = self.call("event.from", ["VDI"], second["token"], 1.0)["events"]
        self.assertEqual("del", event["operation"])
        self.assertNotIn("snapshot", event)

    def test_what_came_and_went_is_not_told(self) -> None:
        token = self.call("event.from", ["vdi"], "", 1.0)["token"]
        self.call("VDI.destroy", self.vdi())
        quiet = self.call("event.from", ["vdi"], token, 0.1)
        self.assertEqual([], quiet["events"])
        self.assertGreater(quiet["token"], token)

    def test_broken_tokens_and_subscriptions_are_refused(self) -> None:
        self.refused("EVENT_FROM_TOKEN_PARSE_FAILURE", "event.from", ["vm"], "yesterday", 0.1)
        self.refused("EVENT_SUBSCRIPTION_PARSE_FAILURE", "event.from", ["a/b/c"], "", 0.1)

    def test_a_question_that_waits_is_answered_when_something_happens(self) -> None:
        token = self.call("event.from", ["vdi"], "", 1.0)["token"]
        timer = threading.Timer(0.2, self.simulator.ask, ("call",), {
            "method": "VDI.create", "parameters": [{**VDI, "SR": self.sr}],
        })  # fmt: skip
        timer.start()
        self.addCleanup(timer.join)
        events = self.call("event.from", ["vdi"], token, 30.0)["events"]
        self.assertEqual(["add"], [event["operation"] for event in events])

    def test_inject_gives_a_token_before_its_touch(self) -> None:
        (pool,) = self.call("pool.get_all")
        token = self.call("event.inject", "pool", pool)
        events = self.call("event.from", ["pool"], token, 1.0)["events"]
        self.assertEqual([pool], [event["ref"] for event in events])


class TestProcess(SimulatorTestCase):
    """The process ends with whoever started it."""

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "nova_virt_xenapi.testing.simulator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        self.addCleanup(process.communicate)
        assert process.stdout is not None
        self.assertIn("https://127.0.0.1:", process.stdout.readline())
        return process

    def test_it_ends_with_its_standard_input(self) -> None:
        process = self.start()
        assert process.stdin is not None
        process.stdin.close()
        self.assertEqual(0, process.wait())
        process.stdin = None

    def test_it_ends_on_sigterm(self) -> None:
        process = self.start()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait())
