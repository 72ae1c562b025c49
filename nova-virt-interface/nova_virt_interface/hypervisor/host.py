"""Optional: the host itself. These interfaces have no word of VMs, and serve both levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.host import (
        EnterMaintenanceRequest,
        HostPowerRequest,
        HostStatus,
        LeaveMaintenanceRequest,
        MaintenanceState,
    )

__all__ = ["IHostMaintenance", "IHostPower", "IHostStatus"]


class IHostStatus(Interface):
    """A host that tells how it does."""

    taggedValue("since", "1.0")

    def host_status() -> HostStatus:
        """Say how long the host has been up, and how busy it is.

        [HOST-1] What is not measured is None, never 0.
        """


class IHostPower(Interface):
    """A host that can be turned off, or on, from here."""

    taggedValue("since", "1.0")

    def host_power(request: HostPowerRequest) -> None:
        """Turn the host off or on, or restart it.

        [HOST-2] Returns when the host has taken the order. A host that has running VMs of anybody's
        refuses with `Busy`, before anything is touched. Actions that
        `HostDescription.host_power_actions` does not name are `Unsupported`. Not idempotent: a
        repeat restarts the host again.

        Raises: Busy; Unsupported.
        """


class IHostMaintenance(Interface):
    """A host that can be kept free of VMs."""

    taggedValue("since", "1.0")

    def maintenance() -> MaintenanceState:
        """Say whether the host takes VMs."""

    def enter_maintenance(request: EnterMaintenanceRequest) -> None:
        """Let the host take no more VMs.

        [HOST-3] On return no VM can be started on the host, and `maintenance` says so, also after
        a reconnect. It is in maintenance when no VM runs on it. Repeated it succeeds.
        [HOST-4] Starting or rebooting a VM on such a host is `InsufficientResources` (host), and
        the VM stays as it is; a paused one may go on.

        Blocking: while VMs are moved.

        Raises: InsufficientResources (nowhere to move VMs to); Unsupported (to move them).
        """

    def leave_maintenance(request: LeaveMaintenanceRequest) -> None:
        """Let the host take VMs again. On an active host it changes nothing."""
