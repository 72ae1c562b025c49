"""What the harnesses of the reference driver answer about power, consoles, guests and the host."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from nova_virt_interface.reference.host import Host
from nova_virt_interface.reference.host_power import HostPower
from nova_virt_interface.testing.harness_power import PowerQuestions
from nova_virt_interface.values.console import Console
from nova_virt_interface.values.power import PowerState

__all__ = ["ReferencePowerAnswers"]

_ANSWER_SECONDS = 10.0


class ReferencePowerAnswers(PowerQuestions):
    """Looks at the host in memory."""

    @property
    def host(self) -> Host:
        """The host in memory."""
        raise NotImplementedError

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `PowerQuestions`."""
        return PowerState(self.host.vm(vm_uuid).state)

    def resume_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        HostPower(self.host).go_on(vm_uuid)

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self.host.start(vm_uuid)

    def secrets_of(self, vm_uuid: UUID) -> frozenset[bytes]:
        """See `PowerQuestions`."""
        return frozenset(self.host.vm(vm_uuid).keys.values())

    def interrupts_of(self, vm_uuid: UUID) -> int:
        """See `PowerQuestions`."""
        return self.host.vm(vm_uuid).inside.interrupts

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """See `PowerQuestions`."""
        ticket = console.secret.reveal() if console.secret else b""
        place = (console.host, console.port)
        with socket.create_connection(place, timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(ticket + b"\n")
            return connection.makefile("rb").read() == f"{vm_uuid}\n".encode()

    def require_agent(self) -> None:
        """See `PowerQuestions`."""

    @contextmanager
    def hanging_agent(self, vm_uuid: UUID) -> Iterator[None]:
        """See `PowerQuestions`."""
        inside = self.host._existing(vm_uuid).inside
        inside.hangs = True
        try:
            yield
        finally:
            inside.hangs = False

    def guest_password(self, vm_uuid: UUID, user: str) -> bytes:
        """See `PowerQuestions`."""
        return self.host.vm(vm_uuid).inside.passwords[user]

    def is_at_rest(self, vm_uuid: UUID) -> bool:
        """See `PowerQuestions`."""
        return self.host.vm(vm_uuid).inside.at_rest

    def guest_clock_offset_seconds(self, vm_uuid: UUID) -> float:
        """See `PowerQuestions`."""
        return self.host.vm(vm_uuid).inside.clock_offset_seconds

    def set_guest_clock_offset(self, vm_uuid: UUID, seconds: float) -> None:
        """See `PowerQuestions`."""
        self.host._existing(vm_uuid).inside.clock_offset_seconds = seconds

    def device_addresses(self, vm_uuid: UUID) -> Mapping[str, str]:
        """See `PowerQuestions`."""
        slots = self.host.vm(vm_uuid).slots
        return {key: f"0000:00:{slot:02x}.0" for key, slot in slots.items()}

    def host_measures(self) -> Mapping[str, float]:
        """See `PowerQuestions`."""
        return {"uptime_seconds": time.monotonic() - self.host.booted_at}

    @contextmanager
    def host_orders(self) -> Iterator[list[str]]:
        """See `PowerQuestions`."""
        self.host.orders.clear()
        try:
            yield self.host.orders
        finally:
            self.host.set_away(False)

    def takes_vms(self) -> bool:
        """See `PowerQuestions`."""
        return not self.host.in_maintenance
