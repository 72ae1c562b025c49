"""Encrypted disks and volumes, and storage that asks who is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk
from nova_virt_interface.testing.suite._volumes import (
    KEY,
    LUKS,
    MARK,
    PASSPHRASE,
    PASSWORD,
    VOLUME_BYTES,
    VolumeMixin,
    secret,
    volume_disk,
)
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.power import (
    PowerState,
    RebootKind,
    RebootRequest,
    StartRequest,
    StopRequest,
)
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.volumes import (
    ChapUser,
    Encryption,
    EncryptionFormat,
    VolumeProtocol,
)

__all__ = ["VolumeSecretSuite"]

_LOGIN: dict[VolumeProtocol, ChapUser | str] = {
    VolumeProtocol.ISCSI: ChapUser(name="me"),
    VolumeProtocol.RBD: "me",
    VolumeProtocol.SMB: "me",
}
_WRONG = secret("wrong-horse-battery")
_SECRET = secret()


class VolumeSecretSuite(VolumeMixin):
    """`Encryption` and `DeviceSecret` of disks."""

    def _encrypts(self, feature: VmFeature) -> bool:
        host = self.hypervisor.describe()
        return feature in host.features and EncryptionFormat.LUKS in host.encryption_formats

    def _encrypted_disk(self) -> DiskSpec:
        return DiskSpec(key=KEY, source=Blank(), size_bytes=VOLUME_BYTES, encryption=LUKS)

    def _assert_encryption_refused(self, disk: DiskSpec) -> None:
        before = self.harness.leftovers()
        with self.refused(Unsupported) as caught:
            wrong = self.spec(disks=(disk,), secrets=(_SECRET,))
            self.hypervisor.create_vm(self.new_uuid(), wrong)
        self.assertIn("encryption", caught.error.field)
        self.assertEqual(before, self.harness.leftovers())

    @rules("CAP-2", "ERR-4", "SPEC-2")
    def test_an_encryption_that_is_not_offered_is_refused(self) -> None:
        host = self.hypervisor.describe()
        offered = host.encryption_formats if VmFeature.DISK_ENCRYPTION in host.features else ()
        for format in set(EncryptionFormat) - set(offered):
            encryption = Encryption(format=format)
            disk = DiskSpec(key=KEY, source=Blank(), size_bytes=VOLUME_BYTES, encryption=encryption)
            self._assert_encryption_refused(disk)

    @rules("SEC-1", "SEC-2", "SEC-3", "SPEC-2")
    def test_nobody_reads_an_encrypted_disk_without_its_secret(self) -> None:
        if not self._encrypts(VmFeature.DISK_ENCRYPTION):
            self._assert_encryption_refused(self._encrypted_disk())
            return
        disks = (blank_disk(self.harness), self._encrypted_disk())
        vm_uuid = self.made(disks=disks, secrets=(_SECRET,))
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(_SECRET,)))
        self.assertEqual(VOLUME_BYTES, self.harness.disk_of_vm(vm_uuid, KEY).size_bytes)
        self.harness.write_as_guest(vm_uuid, KEY, 4096, MARK)
        self.harness.write_as_guest(vm_uuid, "data", 0, MARK[::-1])
        self.assertTrue(self.harness.storage_has(MARK[::-1]), "the search finds nothing")
        self.assertFalse(self.harness.storage_has(MARK))
        self.assertFalse(self.harness.storage_has(PASSPHRASE.encode()))
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(_SECRET,)))
        self.assertEqual(MARK, self.harness.read_as_guest(vm_uuid, KEY, 4096, len(MARK)))
        self.assertFalse(self.harness.storage_has(PASSPHRASE.encode()))

    @rules("SEC-3", "SPEC-2")
    def test_an_encrypted_disk_begins_as_its_image(self) -> None:
        self.requires(IImageCache)
        if not self._encrypts(VmFeature.DISK_ENCRYPTION):
            self._assert_encryption_refused(self._encrypted_disk())
            return
        plain = image_disk(self.harness, self.cached_image_key())
        disk = DiskSpec(
            key=KEY,
            source=plain.source,
            size_bytes=plain.size_bytes,
            boot_index=0,
            encryption=LUKS,
        )
        vm_uuid = self.made(disks=(disk,), secrets=(_SECRET,))
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(_SECRET,)))
        self.wait_until(lambda: GuestReport(self.console(vm_uuid)).is_ready, "the guest to boot")

    @rules("SEC-4", "SEC-5", "LIFE-4")
    def test_a_vm_does_not_start_without_the_right_secret(self) -> None:
        if not self._encrypts(VmFeature.DISK_ENCRYPTION):
            self._assert_encryption_refused(self._encrypted_disk())
            return
        before = self.harness.leftovers()
        spec = self.spec(disks=(self._encrypted_disk(),))
        with self.refused(InvalidRequest) as caught:
            self.hypervisor.create_vm(self.new_uuid(), spec)
        self.assertEqual("secrets", caught.error.field)
        self.assertEqual(before, self.harness.leftovers())
        vm_uuid = self.made(disks=spec.disks, secrets=(_SECRET,))
        self._assert_needs_secret(vm_uuid, _SECRET, _WRONG)

    def _assert_needs_secret(self, vm_uuid: UUID, right: DeviceSecret, wrong: DeviceSecret) -> None:
        # A first start may leave a log.
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(right,)))
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        stopped = self.harness.leftovers()
        hard = RebootKind.HARD
        other = secret(key="other", purpose=right.purpose)
        for secrets in ((), (wrong,), (other,)):
            with self.refused(InvalidRequest) as caught:
                self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=secrets))
            self.assertEqual("secrets", caught.error.field)
            self.assert_state(vm_uuid, PowerState.STOPPED)
            self.assertEqual(stopped, self.harness.leftovers())
        self.hypervisor.start_vm(vm_uuid, StartRequest(secrets=(right,)))
        with self.refused(InvalidRequest) as caught:
            self.hypervisor.reboot_vm(vm_uuid, RebootRequest(kind=hard))
        self.assertEqual("secrets", caught.error.field)
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.reboot_vm(vm_uuid, RebootRequest(kind=hard, secrets=(right,)))
        self.assert_state(vm_uuid, PowerState.RUNNING)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(stopped, self.harness.leftovers())

    @rules("SEC-3")
    def test_a_secret_is_gone_when_its_vm_is_off(self) -> None:
        if not self._encrypts(VmFeature.DISK_ENCRYPTION):
            self._assert_encryption_refused(self._encrypted_disk())
            return
        vm_uuid = self.made(disks=(self._encrypted_disk(),), secrets=(_SECRET,))
        made = self.harness.leftovers()
        start = StartRequest(secrets=(_SECRET,))
        self.hypervisor.start_vm(vm_uuid, start)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        stopped = self.harness.leftovers()
        # A first start may leave a log.
        self.assertEqual([], [thing for thing in stopped - made if "secret" in thing])
        self.hypervisor.start_vm(vm_uuid, start)
        self.hypervisor.stop_vm(vm_uuid, StopRequest())
        self.assertEqual(stopped, self.harness.leftovers())
        self.hypervisor.start_vm(vm_uuid, start)
        self.harness.power_off_vm(vm_uuid)
        self.wait_until(lambda: self.harness.leftovers() == stopped, "the secret to be gone")
        with self.refused(InvalidRequest):
            self.hypervisor.start_vm(vm_uuid, StartRequest())

    @rules("SEC-1", "SEC-3", "SEC-4", "SEC-5", "DISK-4")
    def test_an_encrypted_volume_is_attached_with_its_secret(self) -> None:
        self.requires(IDiskHotplug)
        protocol = self.protocols()[0]
        if not self._encrypts(VmFeature.VOLUME_ENCRYPTION):
            with self.volume(protocol) as made:
                self._assert_encryption_refused(volume_disk(made, encryption=LUKS))
            return
        vm_uuid = self.listening()
        before = self.harness.leftovers()
        wish = {"encryption": EncryptionFormat.LUKS, "passphrase": PASSPHRASE}
        with self.volume(protocol, **wish) as made:
            disk = volume_disk(made, encryption=LUKS)
            for secrets in ((), (_WRONG,)):
                with self.refused(InvalidRequest) as caught:
                    self.attached(vm_uuid, disk, *secrets)
                self.assertEqual("secrets", caught.error.field)
                self.assertEqual(before, self.harness.leftovers())
            for _ in range(2):
                self.attached(vm_uuid, disk, _SECRET)
            size = self.harness.disk_of_vm(vm_uuid, KEY).size_bytes
            self.assertEqual(made.size_bytes, size)
            self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
            self.assertEqual(MARK, self.harness.read_as_guest(vm_uuid, KEY, 0, len(MARK)))
            self.assertFalse(self.harness.storage_has(PASSPHRASE.encode()))
            self.detached(vm_uuid)
            self.assertEqual(before, self.harness.leftovers())
            self.assertNotIn(MARK, self.harness.volume_content(made))
            self.attached(vm_uuid, disk, _SECRET)
            self.assertEqual(MARK, self.harness.read_as_guest(vm_uuid, KEY, 0, len(MARK)))
            self.detached(vm_uuid)

    def _assert_login_refused(
        self, protocols: Iterable[VolumeProtocol], password: DeviceSecret
    ) -> None:
        for protocol in protocols:
            with self.volume(protocol) as made:
                connection = replace(made.connection, user=_LOGIN[protocol])  # type: ignore[arg-type]
                disk = volume_disk(replace(made, connection=connection))
                vm_uuid = self.made()
                before = self.harness.leftovers()
                with self.refused(Unsupported) as caught:
                    self.attached(vm_uuid, disk, password)
                self.assertIn("connection.user", caught.error.field)
                self.assertEqual(before, self.harness.leftovers())

    @rules("SEC-3", "SEC-4", "SEC-5", "VOL-4", "CAP-2")
    def test_storage_that_asks_for_a_password_gets_it(self) -> None:
        self.requires(IDiskHotplug)
        right, wrong = (
            secret(content, purpose=SecretPurpose.AUTHENTICATION)
            for content in (PASSWORD, "wrong-horse-12")
        )
        protocols = set(filter(_LOGIN.__contains__, self.protocols()))
        offered = set(self.hypervisor.describe().login_protocols)
        self.assertLessEqual(offered, protocols)
        self._assert_login_refused(protocols - offered, right)
        for protocol in offered:
            with self.volume(protocol, password=PASSWORD) as made:
                disk = volume_disk(made)
                vm_uuid = self.running()
                before = self.harness.leftovers()
                for secrets in ((), (wrong,)):
                    with self.refused(InvalidRequest) as caught:
                        self.attached(vm_uuid, disk, *secrets)
                    self.assertEqual("secrets", caught.error.field)
                    self.assertEqual(before, self.harness.leftovers())
                self.attached(vm_uuid, disk, right)
                self.harness.write_as_guest(vm_uuid, KEY, 0, MARK)
                self.assertFalse(self.harness.storage_has(PASSWORD.encode()))
                self.hypervisor.stop_vm(vm_uuid, StopRequest())
                self._assert_needs_secret(vm_uuid, right, wrong)
                self.detached(vm_uuid)
                self.assertEqual(MARK, self.harness.volume_content(made)[: len(MARK)])
