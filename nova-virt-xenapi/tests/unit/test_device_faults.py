"""Every wire call about virtual TPMs and volumes fails once, before and after its effect."""

from __future__ import annotations

from uuid import uuid4

from nova_virt_interface.values.disks import Blank, DiskSpec, ResizeDiskRequest
from nova_virt_interface.values.guest_settings import GuestSettings, Tpm
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import IscsiVolume, Volume

from .fault_matrix import FaultTestCase
from .pools import MIB

_IQN = "iqn.2010-10.org.openstack:volume-that-fails"


class TestDeviceFaults(FaultTestCase):
    """Of one host."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.simulator.ask, "target", iqn=_IQN)
        self.grow(4 * MIB)
        blank = DiskSpec(key="blank", source=Blank(), size_bytes=4 * MIB)
        connection = IscsiVolume(portals=("192.0.2.1:3260",), target_iqn=_IQN, lun=1)
        volume = Volume(volume_id=uuid4(), connection=connection)
        disk = DiskSpec(key="volume", source=volume, size_bytes=4 * MIB)
        self.with_tpm = self.spec(disks=(blank,), nics=(), settings=GuestSettings(tpm=Tpm()))
        self.with_volume = self.spec(disks=(blank, disk), nics=())

    def grow(self, size_bytes: int) -> None:
        self.simulator.ask("target", iqn=_IQN, units={"1": size_bytes})

    def create(self, spec: VmSpec) -> None:
        self.driver.create_vm(self.vm_uuid, spec)

    def test_a_tpm_is_made_once(self) -> None:
        self.sweep(
            lambda: self.create(self.with_tpm),
            check=lambda: self.driver.start_vm(self.vm_uuid, StartRequest()),
        )

    def test_a_tpm_is_removed(self) -> None:
        self.sweep(
            lambda: self.driver.delete_vm(self.vm_uuid, DeleteVmRequest()),
            prepare=lambda: self.create(self.with_tpm),
        )

    def test_a_volume_s_size_is_taken_over(self) -> None:
        def prepare() -> None:
            self.grow(4 * MIB)
            self.create(self.with_volume)
            self.grow(8 * MIB)

        request = ResizeDiskRequest(key="volume", size_bytes=8 * MIB)
        self.sweep(lambda: self.driver.resize_disk(self.vm_uuid, request), prepare=prepare)
