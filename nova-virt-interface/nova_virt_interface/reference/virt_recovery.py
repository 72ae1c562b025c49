"""Instances whose host is gone, taken over by a host in memory."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_description import vm_spec
from nova_virt_interface.values.instance_requests import EvacuateRequest
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest

__all__ = ["VirtRecoveryPart"]


class VirtRecoveryPart:
    """Provides `IInstanceRecovery`."""

    _vms: ReferenceHypervisor

    def find_instance_disks(self, instance_uuid: UUID) -> tuple[str, ...]:
        """See `IInstanceRecovery`."""
        return self._vms.find_disks(instance_uuid)

    def evacuate(self, instance_uuid: UUID, request: EvacuateRequest) -> None:
        """See `IInstanceRecovery`."""
        spec = vm_spec(instance_uuid, request.instance)
        self._vms.adopt_vm(instance_uuid, AdoptVmRequest(spec=spec))
        self._vms.start_vm(instance_uuid, StartRequest(secrets=request.instance.secrets))

    def release_instance(self, instance_uuid: UUID, request: ReleaseVmRequest) -> None:
        """See `IInstanceRecovery`."""
        self._vms.release_vm(instance_uuid, request)
