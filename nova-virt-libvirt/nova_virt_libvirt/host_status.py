"""How the host does."""

from __future__ import annotations

import libvirt
from nova_virt_interface.values.host import HostStatus

from nova_virt_libvirt.session import Session

__all__ = ["HostMeasures"]

_MHZ = 1_000_000


class HostMeasures:
    """Measures one backend's host. libvirt knows neither its uptime nor a load."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        with self._session.use(about="the host's status") as connection:
            times = connection.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS)
            megahertz = connection.getInfo()[3]
            return HostStatus(
                cpu_kernel_ns=times.get("kernel"),
                cpu_user_ns=times.get("user"),
                cpu_idle_ns=times.get("idle"),
                cpu_io_wait_ns=times.get("iowait"),
                # libvirt tells 0 where the kernel does not say.
                cpu_frequency_hz=megahertz * _MHZ or None,
            )
