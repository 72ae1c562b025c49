"""VMs with volumes, encrypted disks, a UEFI or a TPM are resized, migrated and adopted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from uuid import UUID

from libvirt_case import QemuTestCase
from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk, image_request
from nova_virt_interface.testing.suite._two_hosts import COLD, LIVE, Node, TwoHostsMixin
from nova_virt_interface.testing.suite._volumes import (
    KEY,
    LUKS,
    MARK,
    PASSPHRASE,
    VolumeMixin,
    secret,
    volume_disk,
)
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings, Tpm
from nova_virt_interface.values.migration import FinishIncomingRequest, FinishOutgoingRequest
from nova_virt_interface.values.power import PowerState, StartRequest, StopRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.resize import (
    ConfirmResizeRequest,
    ResizeVmRequest,
    RevertResizeRequest,
)
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import EncryptionFormat, VolumeProtocol

_UEFI = GuestSettings(firmware=Firmware.UEFI)
_TPM_SECRETS = (DeviceSecret(key="tpm", purpose=SecretPurpose.TPM, secret=Secret("of the tpm")),)
_TPM = {"settings": GuestSettings(firmware=Firmware.UEFI, tpm=Tpm()), "secrets": _TPM_SECRETS}
_MARK_AT = 0x80000
"""In a part of the variables' file that neither UEFI nor libvirt writes to without a guest."""


class MovingTestCase(TwoHostsMixin, VolumeMixin, QemuTestCase):
    def encrypted(self) -> DiskSpec:
        return dataclasses.replace(blank_disk(self.harness), encryption=LUKS)

    def variables(self, node: Node, vm_uuid: UUID) -> Path:
        """The file of a VM's UEFI variables, as the host sees it."""
        return Path(node.settings.storage_path, f"{vm_uuid}-uefi.variables.fd")

    def mark_variables(self, node: Node, vm_uuid: UUID) -> None:
        order = f"printf marked | dd bs=1 seek={_MARK_AT} conv=notrunc of="
        self.run_at(node, "sh", "-c", f"{order}{self.variables(node, vm_uuid)}")

    def assert_variables_marked(self, node: Node, vm_uuid: UUID) -> None:
        read = f"dd bs=1 skip={_MARK_AT} count=6 if={self.variables(node, vm_uuid)}"
        self.assertEqual("marked", self.run_at(node, "sh", "-c", read))

    def run_at(self, node: Node, *command: str) -> str:
        return self.harness.daemon(node.settings).run(*command)

    def assert_no_secrets(self, node: Node) -> None:
        with self.harness.looking(node.settings.uri) as connection:
            self.assertEqual([], connection.listAllSecrets())

    def first_bytes(self, node: Node, vm_uuid: UUID, key: str) -> bytes:
        """What is at the beginning of an encrypted disk, opened with its passphrase."""
        name = f"luks-{vm_uuid}-{key}.raw"
        source = f"driver=luks,key-secret=s,file.filename={node.settings.storage_path}/{name}"
        qemu_io = ("qemu-io", "--object", f"secret,id=s,data={PASSPHRASE}", "--image-opts", source)
        told = self.run_at(node, *qemu_io, "-c", f"read -v 0 {len(MARK)}")
        rows = (line.split("  ")[1] for line in told.splitlines() if line[8:9] == ":")
        return bytes.fromhex("".join(rows))


class TestResizeOfVolumes(MovingTestCase):
    def test_a_volume_stays_over_a_resize_and_its_revert(self) -> None:
        with self.volume() as made:
            disk = volume_disk(made)
            vm_uuid = self.made(disks=(blank_disk(self.harness), disk))
            larger = self.spec(vcpus=2, disks=(blank_disk(self.harness), disk))
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=larger))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            # What is on a volume is the volume service's.
            self.assertEqual(MARK, self.harness.read_as_guest(vm_uuid, KEY, 0, len(MARK)))
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def test_a_volume_comes_and_goes_with_a_resize(self) -> None:
        with self.volume() as made:
            disk = volume_disk(made)
            vm_uuid = self.made()
            both = self.spec(disks=(blank_disk(self.harness), disk))
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=both))
            self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=self.spec()))
            self.hypervisor.start_vm(vm_uuid, StartRequest())
            self.assertFalse(self.harness.volume_is_used(made))
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def test_another_volume_under_the_same_key_is_refused(self) -> None:
        with self.volume() as made, self.volume() as other:
            vm_uuid = self.made(disks=(volume_disk(made),))
            for disk in (volume_disk(other), blank_disk(self.harness, KEY)):
                request = ResizeVmRequest(spec=self.spec(vcpus=2, disks=(disk,)))
                with self.refused(InvalidRequest) as caught:
                    self.hypervisor.resize_vm(vm_uuid, request)
                self.assertEqual(f"disks[{KEY}].source", caught.error.field)
            self.hypervisor.delete_vm(vm_uuid, DeleteVmRequest())

    def test_an_encrypted_disk_is_as_before_after_a_revert(self) -> None:
        secrets = (secret(key="data"),)
        vm_uuid = self.made(disks=(self.encrypted(),), secrets=secrets)
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=secrets))
        self.harness.write_as_guest(vm_uuid, "data", 0, MARK)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        larger = self.spec(vcpus=2, disks=(self.encrypted(),), secrets=secrets)
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=larger))
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=secrets))
        self.harness.write_as_guest(vm_uuid, "data", 0, b"x" * len(MARK))
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
        self.assertEqual(MARK, self.first_bytes(self.first(), vm_uuid, "data"))
        # libvirt has looked at the disk anew, and has forgotten what it knew of it.
        self.hypervisor.inventory()
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=larger))
        grown = dataclasses.replace(self.encrypted(), size_bytes=2 * self.harness.disk_bytes)
        self.hypervisor.confirm_resize(vm_uuid, ConfirmResizeRequest())
        request = ResizeVmRequest(spec=self.spec(disks=(grown,), secrets=secrets))
        with self.refused(Unsupported) as caught:
            self.hypervisor.resize_vm(vm_uuid, request)
        self.assertEqual("disks[data].size_bytes", caught.error.field)

    def test_a_uefi_and_a_tpm_stay_over_a_resize_and_its_revert(self) -> None:
        here = self.first()
        start = StartRequest(secrets=_TPM_SECRETS)
        vm_uuid = self.made(**_TPM)
        self.hypervisor.start_vm(vm_uuid, start)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.mark_variables(here, vm_uuid)
        state = f"/var/lib/libvirt/swtpm/{vm_uuid}/tpm2/tpm2-00.permall"
        before = self.run_at(here, "sha256sum", state)
        self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=self.spec(vcpus=2, **_TPM)))
        self.assert_variables_marked(here, vm_uuid)
        self.run_at(here, "sh", "-c", f"echo changed > {self.variables(here, vm_uuid)}")
        self.hypervisor.revert_resize(vm_uuid, RevertResizeRequest())
        self.assert_variables_marked(here, vm_uuid)
        self.assertEqual(before, self.run_at(here, "sha256sum", state))
        with self.refused(Unsupported) as caught:
            self.hypervisor.resize_vm(vm_uuid, ResizeVmRequest(spec=self.spec(settings=_UEFI)))
        self.assertEqual("settings.tpm", caught.error.field)
        self.hypervisor.start_vm(vm_uuid, start)
        self.assert_state(vm_uuid, PowerState.RUNNING)


class TestLiveMigration(MovingTestCase):
    def test_volumes_go_along(self) -> None:
        source, target = self.first(), self.second()
        luks = {"encryption": EncryptionFormat.LUKS, "passphrase": PASSPHRASE}
        with self.volume() as plain, self.volume(VolumeProtocol.NBD, **luks) as locked:
            key = "locked"
            disks = (
                blank_disk(self.harness),
                volume_disk(plain),
                dataclasses.replace(volume_disk(locked, encryption=LUKS), key=key),
            )
            more = {"disks": disks, "secrets": (secret(key=key),)}
            vm_uuid = self.new_uuid()
            source.driver.create_vm(vm_uuid, self.spec(**more))
            source.driver.start_vm(vm_uuid, StartRequest(secrets=(secret(key=key),)))
            self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
            ticket = self.ticket(source, target, vm_uuid, LIVE, **more)
            self.assertEqual(("data",), ticket.plan.copied_disks)
            self.migrate(source, vm_uuid, ticket)
            self.finish(source, target, vm_uuid, **more)
            self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
            self.assertTrue(self.harness.volume_is_used(plain))
            self.assert_no_secrets(target)
            target.driver.stop_vm(vm_uuid, StopRequest())
            with self.refused(InvalidRequest):
                target.driver.start_vm(vm_uuid, StartRequest())
            target.driver.start_vm(vm_uuid, StartRequest(secrets=(secret(key=key),)))
            target.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual(MARK, self.harness.volume_content(plain)[: len(MARK)])

    def test_what_was_prepared_with_secrets_leaves_none(self) -> None:
        source, target = self.first(), self.second()
        more = {"disks": (self.encrypted(),), "secrets": (secret(key="data"),)}
        vm_uuid = self.new_uuid()
        source.driver.create_vm(vm_uuid, self.spec(**more))
        source.driver.start_vm(vm_uuid, StartRequest(secrets=(secret(key="data"),)))
        self.ticket(source, target, vm_uuid, LIVE, **more)
        self.cancel(target, vm_uuid)
        self.assert_no_secrets(target)

    def test_an_encrypted_disk_stays_encrypted(self) -> None:
        source, target = self.first(), self.second()
        more = {"disks": (self.encrypted(),), "secrets": (secret(key="data"),)}
        start = StartRequest(secrets=(secret(key="data"),))
        vm_uuid = self.new_uuid()
        source.driver.create_vm(vm_uuid, self.spec(**more))
        source.driver.start_vm(vm_uuid, start)
        self.harness.write_as_guest(vm_uuid, "data", 0, MARK)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, LIVE, **more))
        self.finish(source, target, vm_uuid, **more)
        self.assert_no_secrets(target)
        target.driver.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(MARK, self.first_bytes(target, vm_uuid, "data"))
        target.driver.start_vm(vm_uuid, start)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)

    def test_a_uefi_and_a_tpm_go_along(self) -> None:
        source, target = self.first(), self.second()
        start = StartRequest(secrets=_TPM_SECRETS)
        vm_uuid = self.new_uuid()
        source.driver.create_vm(vm_uuid, self.spec(**_TPM))
        source.driver.start_vm(vm_uuid, start)
        source.driver.stop_vm(vm_uuid, StopRequest())
        self.mark_variables(source, vm_uuid)
        source.driver.start_vm(vm_uuid, start)
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, LIVE, **_TPM))
        self.finish(source, target, vm_uuid, **_TPM)
        self.assert_at(vm_uuid, target, PowerState.RUNNING, source)
        self.assertEqual({b"of the tpm"}, set(self.harness.secrets_of(vm_uuid)))
        self.assert_no_secrets(target)
        target.driver.stop_vm(vm_uuid, StopRequest())
        self.assert_variables_marked(target, vm_uuid)
        target.driver.start_vm(vm_uuid, start)
        self.assert_at(vm_uuid, target, PowerState.RUNNING)


class TestColdMigration(MovingTestCase):
    def moved(self, source: Node, target: Node, vm_uuid: UUID, **more: object) -> None:
        self.migrate(source, vm_uuid, self.ticket(source, target, vm_uuid, COLD, **more))
        target.driver.finish_incoming(vm_uuid, FinishIncomingRequest(spec=self.spec(**more)))
        source.driver.finish_outgoing(vm_uuid, FinishOutgoingRequest())
        self.assert_at(vm_uuid, target, PowerState.STOPPED, source)

    def test_volumes_encrypted_disks_and_a_uefi_go_along(self) -> None:
        source, target = self.first(), self.second()
        start = StartRequest(secrets=(secret(key="data"),))
        with self.volume() as made:
            disks = (self.encrypted(), volume_disk(made))
            more = {"disks": disks, "secrets": start.secrets, "settings": _UEFI}
            vm_uuid = self.new_uuid()
            source.driver.create_vm(vm_uuid, self.spec(**more))
            source.driver.start_vm(vm_uuid, start)
            self.harness.write_as_guest(vm_uuid, "data", 0, MARK)
            self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
            source.driver.stop_vm(vm_uuid, StopRequest())
            self.mark_variables(source, vm_uuid)
            self.moved(source, target, vm_uuid, **more)
            self.assert_variables_marked(target, vm_uuid)
            self.assertEqual(MARK, self.first_bytes(target, vm_uuid, "data"))
            target.driver.start_vm(vm_uuid, start)
            self.assertTrue(self.harness.volume_is_used(made))
            target.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])

    def test_a_disk_that_is_laid_on_an_image_arrives_whole(self) -> None:
        source, target = self.first(), self.second()
        disks = (self.image_disk_at(source),)
        vm_uuid = self.new_uuid()
        source.driver.create_vm(vm_uuid, self.spec(disks=disks))
        content = self.harness.read_disk(source.settings, vm_uuid, "root", 4096)
        self.moved(source, target, vm_uuid, disks=disks)
        self.assertEqual(content, self.harness.read_disk(target.settings, vm_uuid, "root", 4096))
        self.assertIn(b"SYSLINUX", content)

    def image_disk_at(self, node: Node) -> DiskSpec:
        request = image_request(self.harness, node.services)
        node.driver.cache_image(request)
        return image_disk(self.harness, request.key)

    def test_a_tpm_is_refused(self) -> None:
        source, target = self.first(), self.second()
        vm_uuid = self.new_uuid()
        source.driver.create_vm(vm_uuid, self.spec(**_TPM))
        with self.refused(Unsupported) as caught:
            self.plan(source, target, vm_uuid, COLD, **_TPM)
        self.assertEqual("mode", caught.error.field)


class TestAdoption(MovingTestCase):
    def test_a_vm_is_adopted_with_its_volumes_and_its_uefi(self) -> None:
        old, new = self.sharing()
        with self.volume() as made:
            more = {"disks": (blank_disk(self.harness), volume_disk(made)), "settings": _UEFI}
            vm_uuid = self.new_uuid()
            old.driver.create_vm(vm_uuid, self.spec(**more))
            old.driver.start_vm(vm_uuid, StartRequest())
            old.driver.stop_vm(vm_uuid, StopRequest())
            self.mark_variables(old, vm_uuid)
            self.assertEqual(("data",), new.driver.find_disks(vm_uuid))
            new.driver.adopt_vm(vm_uuid, AdoptVmRequest(spec=self.spec(**more)))
            old.driver.release_vm(vm_uuid, ReleaseVmRequest())
            self.assert_variables_marked(new, vm_uuid)
            new.driver.start_vm(vm_uuid, StartRequest())
            self.assertTrue(self.harness.volume_is_used(made))
            new.driver.delete_vm(vm_uuid, DeleteVmRequest())

    def test_a_tpm_is_refused(self) -> None:
        _, new = self.sharing()
        request = AdoptVmRequest(spec=self.spec(**_TPM))
        with self.refused(Unsupported) as caught:
            new.driver.adopt_vm(self.new_uuid(), request)
        self.assertEqual("spec.settings.tpm", caught.error.field)
