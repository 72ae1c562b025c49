"""What every host refuses when a VM comes to it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import testtools

from nova_virt_interface import incoming
from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.migration import (
    CheckIncomingRequest,
    DriverData,
    MigrationMode,
    OutgoingDisk,
    OutgoingVm,
)
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import BlockDeviceVolume, Volume

VM_UUID, OTHER = UUID(int=1), UUID(int=2)
_VOLUME = Volume(volume_id=UUID(int=3), connection=BlockDeviceVolume(path="/dev/sdb"))
_SPEC = VmSpec(
    name="one",
    vcpus=1,
    memory_bytes=1024**2,
    disks=(
        DiskSpec(key="root", source=Blank(), size_bytes=1024),
        DiskSpec(key="data", source=_VOLUME, size_bytes=1024),
    ),
)
_DISKS = (
    OutgoingDisk(key="data", size_bytes=1024, is_volume=True),
    OutgoingDisk(key="root", size_bytes=1024),
)


def request(
    vm_uuid: UUID = VM_UUID, disks: tuple[OutgoingDisk, ...] = _DISKS
) -> CheckIncomingRequest:
    """A check of the VM of `_SPEC`, when the source says that it has these disks."""
    data = DriverData(driver="sample", format=1)
    vm = OutgoingVm(vm_uuid=vm_uuid, power_state=PowerState.RUNNING, disks=disks, data=data)
    return CheckIncomingRequest(vm=vm, spec=_SPEC, mode=MigrationMode.LIVE)


class TestRequireDescribed(testtools.TestCase):
    """The spec is of the VM that the source describes."""

    def test_the_same_disks_in_any_order(self) -> None:
        incoming.require_described(VM_UUID, request())
        incoming.require_described(VM_UUID, request(disks=_DISKS[::-1]))

    def test_what_differs_is_refused(self) -> None:
        volume, local = _DISKS
        for wrong in (
            request(OTHER),
            request(disks=(volume,)),
            request(disks=(volume, local, replace(local, key="more"))),
            request(disks=(volume, replace(local, key="other"))),
            request(disks=(replace(volume, is_volume=False), local)),
            request(disks=(volume, replace(local, is_volume=True))),
        ):
            error = self.assertRaises(InvalidRequest, incoming.require_described, VM_UUID, wrong)
            self.assertEqual("spec.disks", error.field)


class TestErrors(testtools.TestCase):
    """Each names the VM and what to do."""

    def test_each(self) -> None:
        for error in (
            incoming.taken(VM_UUID),
            incoming.not_come(VM_UUID),
            incoming.has_come(VM_UUID, PowerState.RUNNING),
        ):
            self.assertIn(str(VM_UUID), str(error))
            self.assertTrue(error.remedy)
        self.assertEqual("running", incoming.has_come(VM_UUID, PowerState.RUNNING).state)
        self.assertEqual("unknown", incoming.not_come(VM_UUID).state)
