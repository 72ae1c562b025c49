"""What the host in memory can ask of guests, and what it knows of one VM."""

from __future__ import annotations

import time
from uuid import UUID

from nova_virt_interface.reference.guest import Guest
from nova_virt_interface.reference.host import Host, HostError, Vm

__all__ = ["HostGuests"]

_FIRST_SLOT = 3


class HostGuests:
    """Questions about single guests to one host, each over the wire."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def set_password(self, uuid: UUID, user: str, password: bytes) -> None:
        """Let the guest's agent change a password."""
        with self._host._question():
            vm = self._with_agent(uuid)
            self._require_answer(vm)
            if user not in vm.inside.passwords:
                raise HostError("NO_USER", user)
            vm.inside.passwords[user] = password

    def rest(self, uuid: UUID) -> None:
        """Let the guest's agent bring the file systems to rest."""
        with self._host._question():
            vm = self._with_agent(uuid)
            vm.inside.at_rest = True
            self._require_answer(vm)

    def end_rest(self, uuid: UUID) -> None:
        """Let the guest's agent end the rest."""
        with self._host._question():
            vm = self._with_agent(uuid)
            self._require_answer(vm)
            vm.inside.at_rest = False

    def set_clock(self, uuid: UUID) -> None:
        """Let the guest's agent set the clock to the host's time."""
        with self._host._question():
            vm = self._with_agent(uuid)
            self._require_answer(vm)
            vm.inside.clock_offset_seconds = 0.0

    def uptime_seconds(self, uuid: UUID) -> float:
        """How long a VM has been on."""
        with self._host._question():
            return time.monotonic() - self._host._existing(uuid).started_at

    def slots(self, uuid: UUID) -> dict[str, int]:
        """The places of a VM's devices on its PCI bus, by key."""
        with self._host._question():
            vm = self._host._existing(uuid)
            keys = [*vm.disks, *vm.nics]
            vm.slots = {key: slot for key, slot in vm.slots.items() if key in keys}
            for key in keys:
                taken = set(vm.slots.values())
                free = next(n for n in range(_FIRST_SLOT, len(taken) + 4) if n not in taken)
                vm.slots.setdefault(key, free)
            return dict(vm.slots)

    def _with_agent(self, uuid: UUID) -> Vm:
        vm = self._host._existing(uuid)
        if not Guest(vm).has_agent:
            raise HostError("NO_AGENT", f"no agent answers in VM {uuid}")
        return vm

    def _require_answer(self, vm: Vm) -> None:
        if vm.inside.hangs:
            raise HostError("SILENT_AGENT", f"the agent of VM {vm.uuid} does not answer")
