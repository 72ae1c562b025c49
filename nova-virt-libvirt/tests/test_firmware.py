"""Guests with UEFI, secure boot and a TPM, as the guest itself sees them."""

from __future__ import annotations

from libvirt_case import QemuTestCase
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings, Tpm
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose

_SECRETS = (DeviceSecret(key="tpm", purpose=SecretPurpose.TPM, secret=Secret("of the tpm")),)
_UEFI_MEMORY_BYTES = 384 * 1024**2
"""GRUB finds no room for kernel and initrd in 128 MiB."""


class TestFirmware(QemuTestCase):
    def test_a_guest_boots_with_secure_boot(self) -> None:
        # With Microsoft's keys in the firmware: the loader is Debian's shim.
        settings = GuestSettings(firmware=Firmware.UEFI, secure_boot=True)
        vm_uuid = self.booted(settings=settings, memory_bytes=_UEFI_MEMORY_BYTES)
        said = self.wait_booted(vm_uuid)
        self.assertEqual((["uefi"], ["yes"]), (said.all("firmware"), said.all("secure_boot")))
        # A q35 has a port for what comes while it runs.
        more = AttachDiskRequest(disk=blank_disk(self.harness, "more"))
        self.hypervisor.attach_disk(vm_uuid, more)
        self.wait_until(
            lambda: bool(self.wait_booted(vm_uuid).all("disk_added")), "the disk to come"
        )
        self.hypervisor.detach_disk(vm_uuid, DetachDiskRequest(key="more"))

    def test_a_guest_has_a_tpm(self) -> None:
        vm_uuid = self.made(
            disks=(image_disk(self.harness, self.cached_image_key()),),
            settings=GuestSettings(tpm=Tpm()),
            secrets=_SECRETS,
        )
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=_SECRETS))
        said = self.wait_booted(vm_uuid)
        self.assertEqual((["bios"], ["2"]), (said.all("firmware"), said.all("tpm")))
        self.assertEqual(["no"], said.all("secure_boot"))
