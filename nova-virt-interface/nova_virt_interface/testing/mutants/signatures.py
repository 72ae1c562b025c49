"""Bugs in signatures, which no call of the suite need meet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.mutants._running import caught_by
from nova_virt_interface.values.disks import AttachDiskRequest
from nova_virt_interface.values.nics import AttachNicRequest
from nova_virt_interface.values.vm import VmState

__all__: list[str] = []


@caught_by("StaticSuite.test_every_call_that_is_allowed_is_taken")
class AnotherNameForARequest(ReferenceHypervisor):
    """A parameter has another name, so that a call by keyword fails."""

    def attach_disk(self, vm_uuid: UUID, disk_request: AttachDiskRequest) -> None:
        super().attach_disk(vm_uuid, disk_request)


@caught_by("StaticSuite.test_every_call_that_is_allowed_is_taken")
class AsksForMore(ReferenceHypervisor):
    """A parameter is asked for that the contract does not have."""

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest, slot: int) -> None:  # type: ignore[override]
        super().attach_nic(vm_uuid, request)


@caught_by("StaticSuite.test_every_call_that_is_allowed_is_taken")
class AnswersLater(ReferenceHypervisor):
    """A method became a coroutine."""

    async def console_log(self, vm_uuid: UUID, limit_bytes: int) -> Any:  # type: ignore[override]
        return super().console_log(vm_uuid, limit_bytes)


@caught_by("StaticSuite.test_every_call_that_is_allowed_is_taken")
class StatesOneByOne(ReferenceHypervisor):
    """A generator comes back where a tuple was promised."""

    def list_vms(self) -> Any:
        yield from super().list_vms()


@caught_by("StaticSuite.test_every_call_that_is_allowed_is_taken")
class SaysLess(ReferenceHypervisor):
    """What comes back may be nothing at all."""

    def get_vm(self, vm_uuid: UUID) -> VmState | None:  # type: ignore[override]
        return super().get_vm(vm_uuid)
