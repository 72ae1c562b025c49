"""What the suite asks a harness about power, consoles, guests and the host."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from uuid import UUID

from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.values.console import Console
from nova_virt_interface.values.power import PowerState

__all__ = ["PowerQuestions"]


class PowerQuestions:
    """A harness answers those of the interfaces that its backends provide."""

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """The state of a VM, as the backend itself knows it."""
        raise CannotProvoke("this harness cannot look at power states")

    def resume_vm(self, vm_uuid: UUID) -> None:
        """Let a paused VM go on, as an operator would."""
        raise CannotProvoke("this harness cannot resume VMs")

    def run_vm(self, vm_uuid: UUID) -> None:
        """Start a VM, ours or a foreign one, as an operator would."""
        raise CannotProvoke("this harness cannot start VMs")

    def secrets_of(self, vm_uuid: UUID) -> frozenset[bytes]:
        """The secrets of a VM's devices that the hypervisor holds now."""
        raise CannotProvoke("this harness cannot look at secrets")

    def interrupts_of(self, vm_uuid: UUID) -> int:
        """How many non-maskable interrupts a guest that has booted has got since."""
        raise CannotProvoke("this harness cannot count a guest's interrupts")

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """Connect to a console, and say whether it is this VM's and takes the secret."""
        raise CannotProvoke("this harness has no client for consoles")

    def require_agent(self) -> None:
        """Raise `CannotProvoke` unless the test image's guest has an agent."""
        raise CannotProvoke("no guest of this backend has an agent")

    def hanging_agent(self, vm_uuid: UUID) -> AbstractContextManager[None]:
        """Inside the context the guest's agent takes what it is asked for, and does not answer."""
        raise CannotProvoke("this harness cannot hold up a guest's agent")

    def guest_password(self, vm_uuid: UUID, user: str) -> bytes:
        """The password that a guest's user has now."""
        raise CannotProvoke("this harness cannot look into guests")

    def is_at_rest(self, vm_uuid: UUID) -> bool:
        """Whether a guest's file systems are at rest."""
        raise CannotProvoke("this harness cannot look into guests")

    def guest_clock_offset_seconds(self, vm_uuid: UUID) -> float:
        """How far a guest's clock is before the host's."""
        raise CannotProvoke("this harness cannot look into guests")

    def set_guest_clock_offset(self, vm_uuid: UUID, seconds: float) -> None:
        """Set a guest's clock so far before the host's."""
        raise CannotProvoke("this harness cannot set guests' clocks")

    def device_addresses(self, vm_uuid: UUID) -> Mapping[str, str]:
        """Key → address of each disk and NIC of a running VM, as the backend itself knows it."""
        raise CannotProvoke("this harness cannot look at devices")

    def host_measures(self) -> Mapping[str, float]:
        """Names of fields of `HostStatus` → what the harness itself measures of the host now."""
        raise CannotProvoke("this harness cannot measure the host")

    def host_orders(self) -> AbstractContextManager[list[str]]:
        """Inside the context the host takes orders about its own power without harm. The list gets
        the values of the actions that it took; afterwards the host is on.
        """
        raise CannotProvoke("the host of this backend is the one that the tests run on")

    def takes_vms(self) -> bool:
        """Whether the host takes VMs, as the backend itself knows it."""
        raise CannotProvoke("this harness cannot look at the host's maintenance")
