"""What this connection can do: asked once while connecting, and the only place that tells libvirt's
drivers apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import libvirt
from lxml import etree
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug, IDiskResize
from nova_virt_interface.hypervisor.export import IDiskExport
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostStatus
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.migration import (
    IForceMigration,
    IMigrationControl,
    IMigrationSource,
    IMigrationTarget,
)
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ICrashDump, IPause, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.hypervisor.topology import IHostTopology
from nova_virt_interface.hypervisor.volumes import (
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.disks import DiskBus, MediaFormat
from nova_virt_interface.values.guest_settings import Firmware, VmFeature
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.migration import MigrationMode
from nova_virt_interface.values.nics import NicBackingKind, NicModel
from nova_virt_interface.values.volumes import EncryptionFormat, VolumeProtocol
from zope.interface.interface import InterfaceClass

from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.features import emulator_features, firmware, has_secure_boot

__all__ = ["Capabilities", "examine"]

_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
)
_UNDEFINE_QEMU = (
    _UNDEFINE
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
)
_SECURE_MACHINE = "q35"
_BUSES = (DiskBus.VIRTIO, DiskBus.SCSI, DiskBus.SATA, DiskBus.IDE)
_NIC_BACKINGS = (
    NicBackingKind.NETWORK,
    NicBackingKind.BRIDGE,
    NicBackingKind.OPEN_VSWITCH,
    NicBackingKind.MACVTAP,
    NicBackingKind.USER,
)
_VOLUME_PROTOCOLS = (
    VolumeProtocol.FILE,
    VolumeProtocol.BLOCK_DEVICE,
    VolumeProtocol.NBD,
    VolumeProtocol.ISCSI,
)
_NIC_MODELS = (NicModel.VIRTIO, NicModel.E1000, NicModel.E1000E, NicModel.RTL8139)

_TEST_POWER = (IHostStatus, IPause, ISuspend, IVmDiagnostics)
_QEMU_POWER = (
    *_TEST_POWER,
    IConsole,
    ICrashDump,
    IDeviceMetadata,
    IGuestPassword,
    IGuestQuiesce,
    IGuestTime,
)
_QEMU = (
    *_QEMU_POWER,
    IConsoleLog,
    IDiskExport,
    IDiskHotplug,
    IDiskResize,
    IForceMigration,
    IHostTopology,
    IImageCache,
    IMigrationControl,
    IMigrationSource,
    INicHotplug,
    IRecovery,
    IResize,
    IVolumeConnector,
    IVolumeReplacement,
    IVolumeSnapshots,
)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Fixed from connect to close."""

    description: HostDescription
    domain_type: str
    """The ``type`` of a domain."""
    machine: str = ""
    """The machine type that libvirt would take, in full; empty: libvirt chooses."""
    secure_machine: str = ""
    """The machine type of VMs with secure boot; empty: there are none."""
    provides: tuple[InterfaceClass, ...] = ()
    """The optional interfaces."""
    console_address: str = ""
    """Where consoles listen; empty: there are none."""
    video: str = "virtio"
    """The card that screens show."""
    vcpus: int = 0
    """Processors of the host."""
    max_vcpus: int | None = None
    hot_buses: frozenset[DiskBus] = field(default_factory=frozenset)
    """Buses to which a disk can be added while the VM runs."""
    host_cpu: bool = False
    """Whether guests get the host's processor model."""
    undefine_flags: int = _UNDEFINE
    statistics_flags: int = 0
    initiator_iqn: str = ""
    """By which QEMU's iSCSI initiator calls itself."""
    is_emulator: bool = False
    """Whether there is a machine with devices behind a domain: all but libvirt's test driver."""


def examine(connection: Any, settings: Settings) -> Capabilities:
    """Ask the host; raises Unsupported for a hypervisor that this driver does not know."""
    product = connection.getType()
    if product == "QEMU":
        return _qemu(connection, settings)
    if product == "TEST":
        return _test(connection)
    raise Unsupported(
        f"{settings.uri} is a connection to {product}",
        remedy="this driver drives QEMU/KVM and libvirt's test driver: correct the option uri",
        field="uri",
    )


def _qemu(connection: Any, settings: Settings) -> Capabilities:
    offer = _domain_capabilities(connection, settings, settings.machine_type)
    machine = offer.findtext("machine") or ""
    secure = _secure_offer(connection, settings, offer)
    host = etree.fromstring(connection.getCapabilities())
    maximum = offer.find("vcpu")
    host_model = offer.find("cpu/mode[@name='host-model']")
    description = _describe_qemu(connection, offer, host, has_secure_boot=secure is not None)
    return Capabilities(
        description=description,
        domain_type=settings.virt_type,
        machine=machine,
        secure_machine="" if secure is None else secure.findtext("machine") or "",
        provides=(*_QEMU, *((IMigrationTarget,) if settings.peer_uri else ())),
        initiator_iqn=f"iqn.2008-11.org.linux-kvm:{host.findtext('host/uuid')}",
        console_address=settings.console_address,
        video="vga" if description.cpu_architecture == "x86_64" else "virtio",
        vcpus=_processors(connection),
        max_vcpus=None if maximum is None else int(maximum.get("max", "0")) or None,
        hot_buses=frozenset({DiskBus.VIRTIO, DiskBus.SCSI}),
        host_cpu=settings.virt_type == "kvm"
        and host_model is not None
        and host_model.get("supported") == "yes",
        undefine_flags=_UNDEFINE_QEMU,
        # Without it one VM that is busy with a long job would hold up the statistics of all.
        statistics_flags=libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
        is_emulator=True,
    )


def _secure_offer(connection: Any, settings: Settings, offer: Any) -> Any:
    """The domain capabilities of the machine type for secure boot; None if there is none.

    QEMU's PC of 1996 has no secure boot: where the operator wants no machine type, such VMs get the
    other one.
    """
    if has_secure_boot(offer):
        return offer
    if settings.machine_type or offer.findtext("arch") != "x86_64":
        return None
    other = _domain_capabilities(connection, settings, _SECURE_MACHINE)
    return other if has_secure_boot(other) else None


def _describe_qemu(
    connection: Any, offer: Any, host: Any, *, has_secure_boot: bool
) -> HostDescription:
    buses = {value.text for value in offer.iterfind("devices/disk/enum[@name='bus']/value")}
    features = emulator_features(offer, host, has_secure_boot=has_secure_boot)
    return HostDescription(
        hypervisor_type="QEMU",
        hypervisor_version=_version(connection.getVersion()),
        hostname=connection.getHostname(),
        cpu_architecture=offer.findtext("arch") or "unknown",
        image_formats=(DiskFormat.QCOW2, DiskFormat.RAW),
        disk_formats=(DiskFormat.QCOW2, DiskFormat.RAW),
        disk_buses=tuple(bus for bus in _BUSES if bus.value in buses),
        media_formats=(MediaFormat.ISO9660, MediaFormat.VFAT),
        nic_backings=(
            *_NIC_BACKINGS,
            *((NicBackingKind.PCI_DEVICE,) if VmFeature.PCI_PASSTHROUGH in features else ()),
        ),
        nic_models=_NIC_MODELS,
        firmware=firmware(offer),
        features=features,
        volume_protocols=_VOLUME_PROTOCOLS,
        login_protocols=(VolumeProtocol.ISCSI,),
        encryption_formats=(EncryptionFormat.LUKS,),
        export_formats=(DiskFormat.QCOW2, DiskFormat.RAW),
        # libvirt tells qemu-img the size of a qcow2 volume in KiB.
        disk_step_bytes=1024,
        console_kinds=_console_kinds(offer),
        migration_modes=(MigrationMode.LIVE, MigrationMode.COLD),
    )


def _console_kinds(offer: Any) -> tuple[ConsoleKind, ...]:
    names = {v.text for v in offer.iterfind("devices/graphics/enum[@name='type']/value")}
    screens = (kind for kind in (ConsoleKind.VNC, ConsoleKind.SPICE) if kind.value in names)
    return (*screens, ConsoleKind.SERIAL)


def _domain_capabilities(connection: Any, settings: Settings, machine_type: str) -> Any:
    try:
        text = connection.getDomainCapabilities(
            None, None, machine_type or None, settings.virt_type
        )
    except libvirt.libvirtError as error:
        # What it says to a virt_type that QEMU here does not have, and to a machine type that it
        # does not know.
        if not is_code(error, libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
            raise
        raise Unsupported(
            f"the host has no machine {machine_type} for {settings.virt_type}",
            detail=str(error),
            remedy="change the options virt_type (qemu works everywhere) or machine_type",
            field="virt_type",
        ) from error
    return etree.fromstring(text)


def _test(connection: Any) -> Capabilities:
    host = etree.fromstring(connection.getCapabilities())
    description = HostDescription(
        hypervisor_type="libvirt test driver",
        hypervisor_version=_version(connection.getLibVersion()),
        hostname=connection.getHostname(),
        cpu_architecture=host.findtext("host/cpu/arch") or "unknown",
        disk_formats=(DiskFormat.QCOW2, DiskFormat.RAW),
        disk_buses=_BUSES,
        nic_backings=(NicBackingKind.NETWORK,),
        nic_models=_NIC_MODELS,
        firmware=(Firmware.BIOS,),
        features=(VmFeature.NIC_MTU, VmFeature.GUEST_UUID),
    )
    return Capabilities(
        description=description,
        domain_type="test",
        provides=_TEST_POWER,
        vcpus=_processors(connection),
    )


def _processors(connection: Any) -> int:
    return int(connection.getInfo()[2])


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
