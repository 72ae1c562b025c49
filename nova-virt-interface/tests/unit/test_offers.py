"""What a host does not offer is refused; what it offers is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import testtools
from hypothesis import given
from hypothesis import strategies as st

from nova_virt_interface import offers
from nova_virt_interface.errors import (
    InsufficientResources,
    InvalidRequest,
    Resource,
    Unsupported,
)
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.values.disks import (
    Blank,
    DiskBus,
    DiskLimits,
    DiskSpec,
    Imported,
    Media,
    MediaFormat,
)
from nova_virt_interface.values.guest_settings import (
    CpuMode,
    CpuPin,
    CpuSettings,
    Firmware,
    GuestMode,
    GuestNumaCell,
    GuestSettings,
    HostDevice,
    MemoryBacking,
    RandomSource,
    Share,
    Tpm,
    VirtualGpu,
    VmFeature,
    Watchdog,
    WatchdogAction,
)
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import (
    NicBacking,
    NicBackingKind,
    NicLimits,
    NicModel,
    NicSpec,
)
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import (
    BlockDeviceVolume,
    ChapUser,
    Encryption,
    EncryptionFormat,
    FibreChannelVolume,
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NbdVolume,
    NfsVolume,
    RbdVolume,
    SmbVolume,
    Volume,
    VolumeConnection,
    VolumeProtocol,
)

ALL = HostDescription(
    hypervisor_type="any",
    hypervisor_version="1",
    hostname="any",
    cpu_architecture="x86_64",
    image_formats=tuple(DiskFormat),
    disk_formats=tuple(DiskFormat),
    disk_buses=tuple(DiskBus),
    media_formats=tuple(MediaFormat),
    nic_backings=tuple(NicBackingKind),
    nic_models=tuple(NicModel),
    firmware=tuple(Firmware),
    features=tuple(VmFeature),
    volume_protocols=tuple(VolumeProtocol),
    login_protocols=tuple(VolumeProtocol),
    encryption_formats=tuple(EncryptionFormat),
)
LUKS = Encryption(format=EncryptionFormat.LUKS)
RAW = DiskFormat.RAW
DISK = DiskSpec(key="disk", source=Blank(), size_bytes=1024)
NIC = NicSpec(
    key="nic",
    mac="52:54:00:00:00:01",
    backing=NicBacking(kind=NicBackingKind.NETWORK, name="net"),
)
VM = VmSpec(name="vm", vcpus=1, memory_bytes=1024, disks=(DISK,), nics=(NIC,))
CONNECTIONS: dict[VolumeProtocol, VolumeConnection] = {
    VolumeProtocol.ISCSI: IscsiVolume(portals=("host:3260",), target_iqn="iqn.x", lun=0),
    VolumeProtocol.RBD: RbdVolume(monitors=("host:6789",), pool="pool", image="image"),
    VolumeProtocol.NBD: NbdVolume(host="host", port=10809),
    VolumeProtocol.NFS: NfsVolume(export="host:/x", path="x", format=RAW),
    VolumeProtocol.SMB: SmbVolume(share=r"\\host\x", path="x", format=RAW),
    VolumeProtocol.FIBRE_CHANNEL: FibreChannelVolume(target_wwpns=("50060e801049cfd1",), lun=0),
    VolumeProtocol.FILE: FileVolume(path="/x", format=RAW),
    VolumeProtocol.BLOCK_DEVICE: BlockDeviceVolume(path="/dev/x"),
    VolumeProtocol.HYPERVISOR: HypervisorVolume(identity="x"),
}
SETTINGS: dict[VmFeature, tuple[str, GuestSettings]] = {
    VmFeature.SECURE_BOOT: ("secure_boot", GuestSettings(secure_boot=True)),
    VmFeature.CPU_MODEL: ("cpu.mode", GuestSettings(cpu=CpuSettings(mode=CpuMode.HOST_MODEL))),
    VmFeature.CPU_TOPOLOGY: (
        "cpu.sockets",
        GuestSettings(cpu=CpuSettings(sockets=1, cores=1, threads=1)),
    ),
    VmFeature.CPU_PINNING: ("cpu_pins", GuestSettings(cpu_pins=(CpuPin(vcpu=0, host_cpus=(0,)),))),
    VmFeature.NUMA: (
        "numa_cells",
        GuestSettings(numa_cells=(GuestNumaCell(vcpus=(0,), memory_bytes=1024),)),
    ),
    VmFeature.HUGE_PAGES: ("memory.page_bytes", GuestSettings(memory=MemoryBacking(page_bytes=1))),
    VmFeature.LOCKED_MEMORY: ("memory.locked", GuestSettings(memory=MemoryBacking(locked=True))),
    VmFeature.SHARED_MEMORY: ("memory.shared", GuestSettings(memory=MemoryBacking(shared=True))),
    VmFeature.FILE_BACKED_MEMORY: (
        "memory.file_backed",
        GuestSettings(memory=MemoryBacking(file_backed=True)),
    ),
    VmFeature.TPM: ("tpm", GuestSettings(tpm=Tpm())),
    VmFeature.WATCHDOG: ("watchdog", GuestSettings(watchdog=Watchdog(action=WatchdogAction.NONE))),
    VmFeature.RANDOM_SOURCE: ("random_source", GuestSettings(random_source=RandomSource())),
    VmFeature.SHARES: ("shares", GuestSettings(shares=(Share(tag="t", path="/x"),))),
    VmFeature.PCI_PASSTHROUGH: (
        "host_devices",
        GuestSettings(host_devices=(HostDevice(key="d", address="0000:3b:00.1"),)),
    ),
    VmFeature.VIRTUAL_GPU: (
        "virtual_gpus",
        GuestSettings(virtual_gpus=(VirtualGpu(key="g", type_name="quarter"),)),
    ),
    VmFeature.GUEST_AGENT: ("guest_agent", GuestSettings(guest_agent=True)),
    VmFeature.PARAVIRTUALIZED_GUESTS: ("mode", GuestSettings(mode=GuestMode.PV)),
    VmFeature.PVH_GUESTS: ("mode", GuestSettings(mode=GuestMode.PVH)),
}


def volume_disk(connection: VolumeConnection, **fields: Any) -> DiskSpec:
    return replace(DISK, source=Volume(volume_id=UUID(int=1), connection=connection, **fields))


DISKS: dict[VmFeature, tuple[str, DiskSpec]] = {
    VmFeature.DISK_ENCRYPTION: ("encryption", replace(DISK, encryption=LUKS)),
    VmFeature.DISK_LIMITS: ("limits", replace(DISK, limits=DiskLimits(bytes_per_second=1))),
    VmFeature.DISK_SERIAL: ("serial", replace(DISK, serial="1")),
    VmFeature.IMPORTED_DISKS: (
        "source",
        replace(DISK, source=Imported(key="x", format=RAW, size_bytes=1)),
    ),
    VmFeature.VOLUME_ENCRYPTION: (
        "source.encryption",
        volume_disk(CONNECTIONS[VolumeProtocol.NBD], encryption=LUKS),
    ),
    VmFeature.READ_ONLY_VOLUMES: (
        "source.read_only",
        volume_disk(CONNECTIONS[VolumeProtocol.NBD], read_only=True),
    ),
    VmFeature.SHARED_VOLUMES: (
        "source.shared",
        volume_disk(CONNECTIONS[VolumeProtocol.NBD], shared=True),
    ),
}
NICS: dict[VmFeature, tuple[str, NicSpec]] = {
    VmFeature.NIC_MTU: ("mtu_bytes", replace(NIC, mtu_bytes=1400)),
    VmFeature.NIC_QUEUES: ("queues", replace(NIC, queues=2)),
    VmFeature.NIC_LIMITS: ("limits", replace(NIC, limits=NicLimits(received_bytes_per_second=1))),
    VmFeature.VLAN: (
        "backing.vlan_id",
        replace(NIC, backing=replace(NIC.backing, vlan_id=7)),
    ),
}
PROMISES = {VmFeature.GUEST_UUID, VmFeature.ONLINE_DISK_RESIZE, VmFeature.TPM_PASSPHRASE}
"""What no request asks for."""


def secrets(key: str = "disk", *purposes: SecretPurpose) -> tuple[DeviceSecret, ...]:
    kinds = purposes or tuple(SecretPurpose)
    return tuple(DeviceSecret(key=key, purpose=kind, secret=Secret("x")) for kind in kinds)


class OffersCase(testtools.TestCase):
    def assert_refused(self, field: str, ask: Callable[..., None], *about: Any) -> None:
        error = self.assertRaises(Unsupported, ask, *about)
        assert isinstance(error, Unsupported)
        self.assertEqual(field, error.field)
        self.assertTrue(error.remedy)
        self.assertFalse(error.may_have_been_done)

    def assert_secret_missing(self, ask: Callable[..., None], *about: Any) -> None:
        error = self.assertRaises(InvalidRequest, ask, *about)
        assert isinstance(error, InvalidRequest)
        self.assertEqual("secrets", error.field)


class TestFeatures(OffersCase):
    @rules("CAP-2")
    def test_every_feature_is_asked_for_by_something(self) -> None:
        asked = {*SETTINGS, *DISKS, *NICS, *PROMISES}
        self.assertEqual(set(VmFeature), asked)

    @rules("CAP-2", "SPEC-2")
    def test_a_feature_that_the_host_has_not_is_refused_by_name(self) -> None:
        tpm = secrets("tpm", SecretPurpose.TPM)
        for feature in set(VmFeature) - PROMISES:
            host = replace(ALL, features=tuple(set(VmFeature) - {feature}))
            if feature in SETTINGS:
                field, settings = SETTINGS[feature]
                vm = replace(VM, settings=settings, secrets=tpm)
                self.assert_refused(f"settings.{field}", offers.check_vm, vm, host)
                offers.check_vm(vm, ALL)
            elif feature in DISKS:
                field, disk = DISKS[feature]
                place = f"disks[disk].{field}"
                self.assert_refused(place, offers.check_disk, disk, host, secrets())
                with_disk = replace(VM, disks=(disk,), secrets=secrets())
                self.assert_refused(place, offers.check_vm, with_disk, host)
                offers.check_vm(with_disk, ALL)
            else:
                field, nic = NICS[feature]
                place = f"nics[nic].{field}"
                self.assert_refused(place, offers.check_nic, nic, host)
                self.assert_refused(place, offers.check_vm, replace(VM, nics=(nic,)), host)
                offers.check_nic(nic, ALL)

    @rules("CAP-2")
    @given(st.sets(st.sampled_from(VmFeature)), st.sampled_from(sorted(SETTINGS, key=str)))
    def test_a_setting_needs_its_own_feature_and_no_other(
        self, features: set[VmFeature], asked: VmFeature
    ) -> None:
        sealed = secrets("tpm", SecretPurpose.TPM) if VmFeature.TPM_PASSPHRASE in features else ()
        vm = replace(VM, settings=SETTINGS[asked][1], secrets=sealed)
        host = replace(ALL, features=tuple(features))
        if asked in features:
            offers.check_vm(vm, host)
        else:
            self.assertRaises(Unsupported, offers.check_vm, vm, host)

    @rules("CAP-2")
    def test_a_plain_vm_needs_nothing(self) -> None:
        empty: dict[str, Any] = {
            field.name: ()
            for field in dataclasses.fields(ALL)
            if isinstance(getattr(ALL, field.name), tuple) and field.name != "nic_backings"
        }
        poor = replace(ALL, **empty)
        offers.check_vm(VM, poor)
        offers.check_vm(replace(VM, disks=(), nics=()), replace(poor, nic_backings=()))


class TestValuesOfDevices(OffersCase):
    @rules("CAP-2")
    @given(st.sampled_from(DiskFormat), st.sets(st.sampled_from(DiskFormat)))
    def test_formats(self, wanted: DiskFormat, offered: set[DiskFormat]) -> None:
        formats = tuple(offered)
        connection = FileVolume(path="/x", format=wanted)
        nfs = NfsVolume(export="host:/x", path="x", format=wanted)
        smb = SmbVolume(share=r"\\host\x", path="x", format=wanted)
        place = "disks[disk]"
        asked: tuple[tuple[str, DiskSpec, dict[str, Any]], ...] = (
            (f"{place}.format", replace(DISK, format=wanted), {"disk_formats": formats}),
            (
                f"{place}.source.format",
                replace(DISK, source=Imported(key="x", format=wanted, size_bytes=1)),
                {"image_formats": formats},
            ),
            *(
                (f"{place}.source.connection.format", volume_disk(one), {"disk_formats": formats})
                for one in (connection, nfs, smb)
            ),
        )
        for field, disk, change in asked:
            host = replace(ALL, **change)
            if wanted in offered:
                offers.check_disk(disk, host)
            else:
                self.assert_refused(field, offers.check_disk, disk, host)

    @rules("CAP-2")
    def test_buses_media_nics_and_firmware(self) -> None:
        for bus in DiskBus:
            host = replace(ALL, disk_buses=tuple(set(DiskBus) - {bus}))
            disk = replace(DISK, bus=bus)
            self.assert_refused("disks[disk].bus", offers.check_disk, disk, host)
        for format in MediaFormat:
            host = replace(ALL, media_formats=tuple(set(MediaFormat) - {format}))
            source = Media(format=format, content=b"x")
            disk = DiskSpec(key="disk", source=source)
            self.assert_refused("disks[disk].source.format", offers.check_disk, disk, host)
        for model in NicModel:
            host = replace(ALL, nic_models=tuple(set(NicModel) - {model}))
            nic = replace(NIC, model=model)
            self.assert_refused("nics[nic].model", offers.check_nic, nic, host)
        host = replace(ALL, nic_backings=())
        self.assert_refused("nics[nic].backing.kind", offers.check_nic, NIC, host)
        for firmware in Firmware:
            host = replace(ALL, firmware=tuple(set(Firmware) - {firmware}))
            vm = replace(VM, settings=GuestSettings(firmware=firmware))
            self.assert_refused("settings.firmware", offers.check_vm, vm, host)

    @rules("CAP-2")
    @given(st.integers(1, 2**40), st.integers(1, 2**24))
    def test_memory_comes_in_steps(self, memory_bytes: int, step: int) -> None:
        host = replace(ALL, memory_step_bytes=step)
        vm = replace(VM, memory_bytes=memory_bytes)
        if memory_bytes % step:
            self.assert_refused("memory_bytes", offers.check_vm, vm, host)
        else:
            offers.check_vm(vm, host)


class TestVolumes(OffersCase):
    @rules("CAP-2")
    def test_every_protocol_has_its_connection(self) -> None:
        self.assertEqual(set(VolumeProtocol), set(CONNECTIONS))
        for protocol, connection in CONNECTIONS.items():
            self.assertIs(protocol, offers.protocol_of(connection))
            host = replace(ALL, volume_protocols=tuple(set(VolumeProtocol) - {protocol}))
            disk = volume_disk(connection)
            place = "disks[disk].source.connection"
            self.assert_refused(place, offers.check_disk, disk, host)
            offers.check_disk(disk, ALL)
            volume = disk.source
            assert isinstance(volume, Volume)
            place = "disks[disk].volume.connection"
            self.assert_refused(place, offers.check_volume, "disk", volume, host)
            offers.check_volume("disk", volume, ALL)

    @rules("CAP-2", "SEC-3")
    def test_a_user_where_the_host_does_not_log_in(self) -> None:
        disk = volume_disk(
            RbdVolume(monitors=("host:6789",), pool="pool", image="image", user="me")
        )
        given_secrets = secrets("disk", SecretPurpose.AUTHENTICATION)
        offers.check_disk(disk, ALL, given_secrets)
        others = replace(ALL, login_protocols=(VolumeProtocol.ISCSI,))
        place = "disks[disk].source.connection.user"
        self.assert_refused(place, offers.check_disk, disk, others, given_secrets)

    @rules("CAP-2")
    def test_a_way_to_encrypt_that_the_host_has_not(self) -> None:
        for format in EncryptionFormat:
            host = replace(ALL, encryption_formats=tuple(set(EncryptionFormat) - {format}))
            encryption = Encryption(format=format)
            own = replace(DISK, encryption=encryption)
            volume = volume_disk(CONNECTIONS[VolumeProtocol.NBD], encryption=encryption)
            for disk, field in ((own, "encryption.format"), (volume, "source.encryption.format")):
                self.assert_refused(
                    f"disks[disk].{field}", offers.check_disk, disk, host, secrets()
                )

    @rules("SEC-4")
    def test_the_secrets_of_a_disk_are_required(self) -> None:
        users: dict[VolumeProtocol, object] = {
            VolumeProtocol.ISCSI: ChapUser(name="me"),
            VolumeProtocol.RBD: "me",
            VolumeProtocol.SMB: "me",
        }
        plain: dict[VolumeProtocol, Any] = {**CONNECTIONS}
        iscsi, rbd, smb = (replace(plain[kind], user=user) for kind, user in users.items())
        encryption, login = SecretPurpose.ENCRYPTION, SecretPurpose.AUTHENTICATION
        cases: tuple[tuple[DiskSpec, set[SecretPurpose]], ...] = (
            (DISK, set()),
            (replace(DISK, encryption=LUKS), {encryption}),
            (volume_disk(CONNECTIONS[VolumeProtocol.ISCSI]), set()),
            (volume_disk(CONNECTIONS[VolumeProtocol.NBD], encryption=LUKS), {encryption}),
            *((volume_disk(one), {login}) for one in (iscsi, rbd, smb)),
            (volume_disk(iscsi, encryption=LUKS), {encryption, login}),
        )
        for disk, needed in cases:
            listed = offers.secrets_of_disk(disk)
            self.assertEqual({("disk", purpose) for purpose in needed}, set(listed))
            offers.check_disk(disk, ALL, secrets())
            for missing in needed:
                rest = tuple(item for item in secrets() if item.purpose is not missing)
                self.assert_secret_missing(offers.check_disk, disk, ALL, rest)
                vm = replace(VM, disks=(disk,), secrets=rest + secrets("other"))
                self.assert_secret_missing(offers.check_vm, vm, ALL)
                if isinstance(disk.source, Volume):
                    volume = disk.source
                    self.assert_secret_missing(offers.check_volume, "disk", volume, ALL, rest)

    @rules("SEC-4")
    def test_the_secret_of_a_tpm_is_required(self) -> None:
        vm = replace(VM, settings=GuestSettings(tpm=Tpm()))
        self.assert_secret_missing(offers.check_vm, vm, ALL)
        wrong = secrets("tpm", SecretPurpose.ENCRYPTION)
        self.assert_secret_missing(offers.check_vm, replace(vm, secrets=wrong), ALL)
        sealed = replace(vm, secrets=secrets("tpm", SecretPurpose.TPM))
        offers.check_vm(sealed, ALL)
        own_key = replace(ALL, features=tuple(set(VmFeature) - {VmFeature.TPM_PASSPHRASE}))
        offers.check_vm(vm, own_key)
        self.assert_refused("secrets", offers.check_vm, sealed, own_key)

    @rules("CAP-2", "SEC-1")
    def test_no_error_shows_a_secret(self) -> None:
        shown = Secret("hunter2")
        given_secret = DeviceSecret(key="other", purpose=SecretPurpose.ENCRYPTION, secret=shown)
        disk = replace(DISK, encryption=LUKS)
        error = self.assertRaises(InvalidRequest, offers.check_disk, disk, ALL, (given_secret,))
        self.assertNotIn("hunter2", f"{error} {error!r} {vars(error)}")


class TestRequireFree(testtools.TestCase):
    """What does not fit is refused, with the figures."""

    def test_what_fits_exactly(self) -> None:
        offers.require_free(Resource.MEMORY, 5, 5, what="it")

    def test_what_does_not_fit(self) -> None:
        for available, told in ((4, 4), (-3, 0)):
            error = self.assertRaises(
                InsufficientResources,
                offers.require_free,
                Resource.STORAGE,
                5,
                available,
                what="the image",
            )
            self.assertEqual(
                (Resource.STORAGE, 5, told), (error.resource, error.needed, error.available)
            )
            self.assertIn("the image", str(error))
