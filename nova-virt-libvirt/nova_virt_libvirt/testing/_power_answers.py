"""What the harnesses answer about power, consoles and devices, by ways of their own."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
import libvirt_qemu
from nova_virt_interface.testing.harness_power import PowerQuestions
from nova_virt_interface.values.console import Console
from nova_virt_interface.values.power import PowerState

from nova_virt_libvirt.testing.console_clients import lets_in

__all__ = ["LibvirtPowerAnswers", "QemuPowerAnswers"]

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.STOPPED,
}
_numbers = itertools.count(1_000_000)
_ORDER_LOOKS = 300
_LISTENING = "0A"
_INTERRUPT = b"NMI received for unknown reason"


class LibvirtPowerAnswers(PowerQuestions):
    """Of both backends."""

    def looking(self) -> AbstractContextManager[Any]:
        """A libvirt connection of the harness's own."""
        raise NotImplementedError

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `PowerQuestions`."""
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            state = _STATES.get(domain.state()[0], PowerState.UNKNOWN)
            is_saved = state is PowerState.STOPPED and domain.hasManagedSaveImage()
            return PowerState.SUSPENDED if is_saved else state

    def resume_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        with self.looking() as connection:
            connection.lookupByUUIDString(str(vm_uuid)).resume()

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        with self.looking() as connection:
            connection.lookupByUUIDString(str(vm_uuid)).create()

    def host_measures(self) -> Mapping[str, float]:
        """See `PowerQuestions`."""
        with self.looking() as connection:
            times = connection.getCPUStats(-1)
        return {f"cpu_{name}_ns": times[name] for name in ("kernel", "user", "idle")}


class QemuPowerAnswers(LibvirtPowerAnswers):
    """Of QEMU."""

    def console_file(self, vm_uuid: UUID) -> bytes:
        """The file of a VM's console log."""
        raise NotImplementedError

    def interrupts_of(self, vm_uuid: UUID) -> int:
        """See `PowerQuestions`. The guest's kernel says so on its console."""
        return self.console_file(vm_uuid).count(_INTERRUPT)

    def require_agent(self) -> None:
        """See `PowerQuestions`. The guest has a stand-in for qemu-ga."""

    @contextmanager
    def hanging_agent(self, vm_uuid: UUID) -> Iterator[None]:
        """See `PowerQuestions`."""
        self.order(vm_uuid, "hang")
        try:
            yield
        finally:
            self.order(vm_uuid, "answer")

    def guest_password(self, vm_uuid: UUID, user: str) -> bytes:
        """See `PowerQuestions`."""
        return base64.b64decode(self._report(vm_uuid, "agent_password"))

    def is_at_rest(self, vm_uuid: UUID) -> bool:
        """See `PowerQuestions`."""
        return self._report(vm_uuid, "agent_frozen") == "yes"

    def guest_clock_offset_seconds(self, vm_uuid: UUID) -> float:
        """See `PowerQuestions`."""
        return float(self._report(vm_uuid, "clock")) - time.time()

    def set_guest_clock_offset(self, vm_uuid: UUID, seconds: float) -> None:
        """See `PowerQuestions`."""
        self.order(vm_uuid, "clock", round(seconds))

    def _report(self, vm_uuid: UUID, fact: str) -> str:
        told = self.order(vm_uuid, "report")
        return next(line.partition("=")[2] for line in told if line.startswith(f"NVG {fact}="))

    def order(self, vm_uuid: UUID, order: str, argument: int | str | None = None) -> list[str]:
        """Give the guest an order on its serial console; return what it says until it is done."""
        if argument is None:
            argument = next(_numbers)
        before = len(self.console_file(vm_uuid))
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            devices = {item["label"]: item["filename"] for item in _ask(domain, "query-chardev")}
        port = re.search(r":(\d+),", devices["charserial0"])
        if port is None:
            raise RuntimeError(f"the serial console does not listen: {devices}")
        with socket.create_connection(("127.0.0.1", int(port[1]))) as console:
            console.sendall(f"{order} {argument}\n".encode())
            for _ in range(_ORDER_LOOKS):
                said = self.console_file(vm_uuid)[before:].decode(errors="replace").splitlines()
                if f"NVG obeyed={argument}" in said:
                    return said
                time.sleep(0.1)
        raise RuntimeError(f"the guest does not obey: {order} {argument}")

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """See `PowerQuestions`."""
        return console.port in set(_ports_of(vm_uuid)) and lets_in(console)

    def device_addresses(self, vm_uuid: UUID) -> Mapping[str, str]:
        """See `PowerQuestions`."""
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            buses = _ask(domain, "query-pci")
            found = dict(_on_pci([device for bus in buses for device in bus["devices"]]))
            for child in _ask(domain, "qom-list", path="/machine/peripheral"):
                name = child["name"]
                if child["type"] == "child<ide-cd>" and name.startswith("ua-disk-"):
                    found[_key(name)] = _on_ide(domain, f"/machine/peripheral/{name}")
        return found

    def host_measures(self) -> Mapping[str, float]:
        """See `PowerQuestions`."""
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        user, nice, system, idle, io_wait, irq, soft_irq = map(int, line.split()[1:8])
        tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return {
            "cpu_kernel_ns": (system + irq + soft_irq) * tick,
            "cpu_user_ns": (user + nice) * tick,
            "cpu_idle_ns": idle * tick,
            "cpu_io_wait_ns": io_wait * tick,
        }


def _ask(domain: Any, command: str, **arguments: str) -> Any:
    question = json.dumps({"execute": command, "arguments": arguments})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, question, 0))["return"]


def _key(name: str) -> str:
    return re.sub("^ua-(disk|nic)-", "", name)


def _on_pci(devices: list[Any]) -> Iterator[tuple[str, str]]:
    for device in devices:
        if device["qdev_id"].startswith("ua-"):
            place = f"{device['bus']:02x}:{device['slot']:02x}.{device['function']}"
            yield _key(device["qdev_id"]), f"0000:{place}"
        yield from _on_pci(device.get("pci_bridge", {}).get("devices", []))


def _on_ide(domain: Any, path: str) -> str:
    bus = _ask(domain, "qom-get", path=path, property="parent_bus").rpartition(".")[2]
    unit = _ask(domain, "qom-get", path=path, property="unit")
    return f"{bus}:{unit}"


def _ports_of(vm_uuid: UUID) -> Iterator[int]:
    """The TCP ports on which a VM's QEMU listens."""
    sockets = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"\0{vm_uuid}\0".encode() in (folder / "cmdline").read_bytes():
                for file in (folder / "fd").iterdir():
                    # It may be closed at any moment, which says nothing of the others.
                    with suppress(OSError):
                        sockets.add(os.readlink(file))
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        parts = line.split()
        if parts[3] == _LISTENING and f"socket:[{parts[9]}]" in sockets:
            yield int(parts[1].rpartition(":")[2], 16)
