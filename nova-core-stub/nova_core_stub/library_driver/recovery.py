"""Instances whose host is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.values.instance_requests import EvacuateRequest
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest

from nova_core_stub.library_driver.description import vm_spec

__all__ = ["RecoveryMixin"]


class RecoveryMixin:
    """`IInstanceRecovery`, over `IRecovery`."""

    _hypervisor: Any

    def find_instance_disks(self, instance_uuid: UUID) -> tuple[str, ...]:
        """See `IInstanceRecovery`."""
        return self._hypervisor.find_disks(instance_uuid)  # type: ignore[no-any-return]

    def evacuate(self, instance_uuid: UUID, request: EvacuateRequest) -> None:
        """See `IInstanceRecovery`.

        An instance that cannot be started stays adopted: its disks are the only ones, so that
        nothing is undone that might remove them.
        """
        spec = vm_spec(self._hypervisor, instance_uuid, request.instance)
        self._hypervisor.adopt_vm(instance_uuid, AdoptVmRequest(spec=spec))
        start = StartRequest(secrets=request.instance.secrets)
        self._hypervisor.start_vm(instance_uuid, start)

    def release_instance(self, instance_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IInstanceRecovery`."""
        self._hypervisor.release_vm(instance_uuid, request)
