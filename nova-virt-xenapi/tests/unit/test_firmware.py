"""What a guest has beside its disks: a TPM's state, and what its firmware writes down."""

from __future__ import annotations

from uuid import uuid4

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest, DiskSpec
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings, Tpm
from nova_virt_interface.values.power import StopRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.volumes import HypervisorVolume, Volume

from .pools import MIB, OperationTestCase

_NVRAM = {"EFI-variables": "Ym9vdA=="}


class TestResize(OperationTestCase):
    """A resized VM is another one of xapi's, and finds what it had."""

    def resize(self, settings: GuestSettings, vcpus: int) -> None:
        spec = self.spec(settings=settings, vcpus=vcpus, memory_bytes=128 * vcpus * MIB)
        self.driver.resize_vm(self.vm_uuid, ResizeVmRequest(spec=spec))

    def current(self) -> dict[str, object]:
        """The record of the VM that the driver would start."""
        found = [
            row
            for row in self.simulator.ask("records", class_name="VM").values()
            if row["other_config"].get("nova-virt-vm") == str(self.vm_uuid)
            and "nova-virt-kept" not in row["other_config"]
        ]
        [record] = found
        return dict(record)

    def tpm(self) -> str | None:
        vtpms = self.current()["VTPMs"]
        assert isinstance(vtpms, list)
        return self.simulator.ask("tpms")[vtpms[0]] if vtpms else None

    def test_a_tpm_keeps_its_state(self) -> None:
        settings = GuestSettings(tpm=Tpm())
        self.make(settings=settings, vcpus=2, memory_bytes=256 * MIB)
        state = self.tpm()
        self.assertIsNotNone(state)
        for vcpus in (4, 1):
            self.resize(settings, vcpus)
            record = self.current()
            self.assertEqual(vcpus, record["VCPUs_max"])
            self.assertEqual(128 * vcpus * MIB, record["memory_static_max"])
            self.assertEqual(state, self.tpm())
            self.start()
            keys = set(self.driver.get_vm(self.vm_uuid).disk_keys)
            self.assertEqual({"root", "blank", "config-drive"}, keys)
            self.driver.stop_vm(self.vm_uuid, StopRequest())
            self.driver.revert_resize(self.vm_uuid, RevertResizeRequest())
            self.assertEqual(state, self.tpm())
            self.assertEqual(2, self.current()["VCPUs_max"])
        self.resize(settings, 4)
        self.driver.confirm_resize(self.vm_uuid, ConfirmResizeRequest())
        self.assertEqual(state, self.tpm())
        self.assertEqual(1, len(self.simulator.ask("records", class_name="VTPM")))

    def test_a_tpm_may_come_and_go(self) -> None:
        self.make(settings=GuestSettings(tpm=Tpm()))
        self.resize(GuestSettings(), 2)
        self.assertIsNone(self.tpm())
        self.driver.confirm_resize(self.vm_uuid, ConfirmResizeRequest())
        self.resize(GuestSettings(tpm=Tpm()), 1)
        self.assertIsNotNone(self.tpm())

    def test_a_volume_is_not_copied_with_a_tpm(self) -> None:
        settings = GuestSettings(tpm=Tpm())
        self.make(settings=settings)
        before = self.objects()
        sr = next(iter(self.simulator.ask("records", class_name="SR")))
        record = {
            "name_label": "a volume", "name_description": "", "SR": sr,
            "virtual_size": str(2 * MIB), "type": "user", "sharable": False, "read_only": False,
            "other_config": {},
        }  # fmt: skip
        vdi = self.simulator.ask("call", method="VDI.create", parameters=[record])
        uuid = self.simulator.ask("records", class_name="VDI")[vdi]["uuid"]
        source = Volume(volume_id=uuid4(), connection=HypervisorVolume(identity=uuid))
        disk = DiskSpec(key="volume", source=source, size_bytes=2 * MIB)
        self.driver.attach_disk(self.vm_uuid, AttachDiskRequest(disk=disk))
        error = self.assertRaises(Unsupported, self.resize, settings, 2)
        self.assertEqual("settings.tpm", error.field)
        self.driver.detach_disk(self.vm_uuid, DetachDiskRequest(key="volume"))
        self.simulator.ask("call", method="VDI.destroy", parameters=[vdi])
        self.assertEqual(before, self.objects())

    def test_the_firmware_s_variables_stay(self) -> None:
        settings = GuestSettings(firmware=Firmware.UEFI)
        self.make(settings=settings)
        self.operator("VM.set_NVRAM", self.record()[0], _NVRAM)
        self.resize(settings, 2)
        self.assertEqual(_NVRAM, self.current()["NVRAM"])
