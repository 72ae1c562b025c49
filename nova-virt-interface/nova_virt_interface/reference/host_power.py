"""Power on the host in memory: more states of its VMs, and the host itself."""

from __future__ import annotations

import time
from uuid import UUID

from nova_virt_interface.reference.host import Host, HostError, Keys, unlocked

__all__ = ["HostPower"]


class HostPower:
    """Questions about power to one host, each over the wire."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def pause(self, uuid: UUID) -> None:
        """Hold the processors of a VM that runs."""
        self._move(uuid, ("running",), "paused", "paused")

    def go_on(self, uuid: UUID, keys: Keys | None = None) -> None:
        """Let a VM go on that is paused or suspended; a suspended one's locked devices are opened
        again.
        """
        with self._host._question():
            vm = self._host._existing(uuid)
            if vm.state == "suspended":
                self._require_room(vm.memory_bytes)
                vm.keys = unlocked(vm.locks, keys or {})
            self._move(uuid, ("paused", "suspended"), "running", "resumed")

    def suspend(self, uuid: UUID) -> None:
        """Write the memory of a VM to the storage, and take the VM from the host's memory."""
        with self._host._question():
            self._move(uuid, ("running", "paused"), "suspended", "suspended")
            self._host._existing(uuid).keys = {}

    def interrupt(self, uuid: UUID) -> None:
        """Send a guest that runs a non-maskable interrupt."""
        with self._host._question():
            vm = self._host._existing(uuid)
            if vm.state != "running":
                raise HostError("BAD_STATE", f"VM {uuid} is {vm.state}")
            vm.inside.interrupts += 1

    def order(self, order: str) -> None:
        """Turn the host off (``shut-down``), or off and on (``reboot``)."""
        with self._host._question():
            running = [vm.uuid for vm in self._host._vms.values() if vm.state == "running"]
            if running:
                raise HostError("IS_USED", f"{len(running)} VMs run on host {self._host.name}")
            self._host.orders.append(order)
        self._host.set_away(True)
        if order == "reboot":
            self._host.set_away(False)

    def maintenance(self) -> tuple[bool, int]:
        """Whether the host takes no VMs, and how many run on it."""
        with self._host._question():
            states = [vm.state for vm in self._host._vms.values()]
            return self._host.in_maintenance, states.count("running") + states.count("paused")

    def set_maintenance(self, is_wanted: bool) -> None:
        """Let the host take no VMs any more, or again."""
        with self._host._question():
            self._host.in_maintenance = is_wanted

    def require_active(self) -> None:
        """Refuse while the host takes no VMs."""
        with self._host._question():
            self._require_room(0)

    def uptime_seconds(self) -> float:
        """How long the host has been up."""
        with self._host._question():
            return time.monotonic() - self._host.booted_at

    def _move(self, uuid: UUID, before: tuple[str, ...], after: str, event: str) -> None:
        with self._host._question():
            vm = self._host._existing(uuid)
            if vm.state not in before:
                raise HostError("BAD_STATE", f"VM {uuid} is {vm.state}")
            vm.state = after
            self._host._tell(event, vm)

    def _require_room(self, needed: int) -> None:
        if self._host.in_maintenance:
            raise HostError("IN_MAINTENANCE", f"host {self._host.name} takes no VMs")
        free = self._host.memory_bytes - self._host._memory_used()
        if needed > free:
            raise HostError("NO_MEMORY", f"{needed} bytes are needed, {free} are free")
