"""The host itself: how it does, its power, its maintenance, and what it is made of."""

from __future__ import annotations

import logging
from typing import Any

from nova_virt_interface import offers
from nova_virt_interface.errors import Busy
from nova_virt_interface.values.host import (
    EnterMaintenanceRequest,
    HostPowerAction,
    HostPowerRequest,
    HostStatus,
    LeaveMaintenanceRequest,
    MaintenanceState,
)
from nova_virt_interface.values.topology import HostTopology

from nova_virt_xenapi import translate_measures as translate
from nova_virt_xenapi.cache import Cache
from nova_virt_xenapi.marks import HOST
from nova_virt_xenapi.metrics import Metrics
from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.records import Records
from nova_virt_xenapi.session import Session, undone_by
from nova_virt_xenapi.tasks import Tasks

__all__ = ["Host"]

_log = logging.getLogger(__name__)
_ABOUT = "the host"


class Host:
    """The host of the pool that is this compute node."""

    def __init__(
        self,
        session: Session,
        cache: Cache,
        tasks: Tasks,
        records: Records,
        metrics: Metrics,
        pool: Pool,
    ) -> None:
        self._session = session
        self._cache = cache
        self._tasks = tasks
        self._records = records
        self._metrics = metrics
        self._pool = pool

    def host_status(self) -> HostStatus:
        """See `IHostStatus.host_status`."""
        with self._session.operation(_ABOUT):
            record = self._record()
            # Of no VM: what is asked for is the host's alone.
            measures = self._metrics.read(self._pool.host_uuid, host=True)
        return translate.host_status(record, measures)

    def host_power(self, request: HostPowerRequest) -> None:
        """See `IHostPower.host_power`."""
        offered = self._pool.description.host_power_actions
        offers.check_offered(request.action, offered, "action")
        with self._session.operation(_ABOUT):
            if request.action is HostPowerAction.START:
                self._tasks.run("host.power_on", self._pool.host, about=_ABOUT)
                return
            record = self._certain()
            if translate.guests_of(record):
                raise Busy("VMs run on the host", remedy="stop them, or move them, first")
            order = "shutdown" if request.action is HostPowerAction.SHUT_DOWN else "reboot"
            with undone_by(lambda: self._enable(was=record["enabled"])):
                self._session.call("host.disable", self._pool.host)
                # No task: a master that goes down answers no question about one.
                self._session.call(f"host.{order}", self._pool.host)

    def maintenance(self) -> MaintenanceState:
        """See `IHostMaintenance.maintenance`."""
        with self._session.operation(_ABOUT):
            record = self._record()
        if record["enabled"]:
            return MaintenanceState.ACTIVE
        full = bool(translate.guests_of(record))
        return MaintenanceState.ENTERING if full else MaintenanceState.IN_MAINTENANCE

    def enter_maintenance(self, request: EnterMaintenanceRequest) -> None:
        """See `IHostMaintenance.enter_maintenance`."""
        with self._session.operation(_ABOUT):
            record = self._certain()
            with undone_by(lambda: self._enable(was=record["enabled"])):
                if record["enabled"]:
                    self._session.call("host.disable", self._pool.host)
                if request.evacuate and translate.guests_of(record):
                    self._evacuate(request.timeout_seconds)

    def leave_maintenance(self, request: LeaveMaintenanceRequest) -> None:
        """See `IHostMaintenance.leave_maintenance`."""
        with self._session.operation(_ABOUT):
            self._session.call("host.enable", self._pool.host)

    def topology(self) -> HostTopology:
        """See `IHostTopology.topology`. xapi tells nothing of NUMA cells."""
        with self._session.operation(_ABOUT):
            record = self._record()
            ask = self._session.call
            pci, cards = ask("PCI.get_all_records"), self._cache.rows("PIF")
            groups = ask("GPU_group.get_all_records")
            gpus, kinds = ask("PGPU.get_all_records"), ask("VGPU_type.get_all_records")
        here = self._pool.host
        return HostTopology(
            cpu=translate.cpu_description(record["cpu_info"]),
            pci_devices=translate.pci_devices(here, pci, cards),
            virtual_gpu_types=translate.virtual_gpu_types(here, gpus, groups, kinds),
        )

    def _evacuate(self, seconds: float) -> None:
        moving = list(self._records.all())
        if not self._tasks.run("host.evacuate", self._pool.host, about=_ABOUT, seconds=seconds):
            _log.warning("the host's VMs were not all moved in %s seconds", seconds)
        hosts, vms = self._cache.rows("host"), self._cache.rows("VM")
        for vm in moving:
            now_at = hosts.get(vms[vm.ref]["resident_on"]) if vm.ref in vms else None
            if now_at is not None and now_at["uuid"] != self._pool.host_uuid:
                # What is stopped there stays there.
                config = {**vm.record["other_config"], HOST: now_at["uuid"]}
                self._session.call("VM.set_other_config", vm.ref, config)

    def _enable(self, *, was: bool) -> None:
        if was:
            self._session.call("host.enable", self._pool.host)

    def _record(self) -> dict[str, Any]:
        return self._cache.row("host", self._pool.host)

    def _certain(self) -> dict[str, Any]:
        """As it is at this moment; one question."""
        self._cache.sync()
        return self._record()
