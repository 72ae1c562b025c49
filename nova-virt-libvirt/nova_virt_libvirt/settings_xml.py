"""A guest's settings as parts of domain XML. Pure functions.

https://libvirt.org/formatdomain.html names the elements.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lxml.builder import ElementMaker
from nova_virt_interface.values.guest_settings import (
    CpuMode,
    CpuSettings,
    Firmware,
    GuestNumaCell,
    GuestSettings,
    MemoryBacking,
    RandomSource,
    Tpm,
    TpmModel,
)
from nova_virt_interface.values.secrets import SecretPurpose

from nova_virt_libvirt.capabilities import Capabilities
from nova_virt_libvirt.names import device_alias
from nova_virt_libvirt.volume_xml import secret_uuid

__all__ = [
    "cpu_xml",
    "device_settings_xml",
    "machine_of",
    "memory_xml",
    "os_xml",
    "pci_address_xml",
    "tuning_xml",
]

_E = ElementMaker()
_MODES = {CpuMode.HOST_MODEL: "host-model", CpuMode.HOST_PASSTHROUGH: "host-passthrough"}
_AGENT = "org.qemu.guest_agent.0"
_MILLISECONDS = 1000


def machine_of(settings: GuestSettings, host: Capabilities) -> str:
    """The machine type that a VM gets; empty: libvirt chooses."""
    return host.secure_machine if settings.secure_boot else host.machine


def os_xml(settings: GuestSettings, host: Capabilities, variables: str) -> list[Any]:
    """What boots the guest: ``os`` and ``features``.

    Args:
        settings: of the guest.
        host: what the connection can do.
        variables: the file for those of a UEFI.
    """
    kind = _E.type("hvm", arch=host.description.cpu_architecture)
    machine = machine_of(settings, host)
    if machine:
        kind.set("machine", machine)
    system = _E.os(kind)
    features = _E.features(_E.acpi(), _E.apic())
    if settings.firmware is Firmware.UEFI or settings.secure_boot:
        system.set("firmware", "efi")
        enabled = "yes" if settings.secure_boot else "no"
        secure = _E.feature(enabled=enabled, name="secure-boot")
        keys = _E.feature(enabled=enabled, name="enrolled-keys")
        system.append(_E.firmware(secure, keys))
        system.append(_E.nvram(variables))
    if settings.secure_boot:
        features.append(_E.smm(state="on"))
    if host.is_emulator and host.description.cpu_architecture == "x86_64":
        return [system, features]
    return [system]


def cpu_xml(settings: GuestSettings, host: Capabilities) -> list[Any]:
    """The processors that the guest sees: ``cpu``, or nothing."""
    cpu, cells = settings.cpu, settings.numa_cells
    mode = None if cpu is None else cpu.mode
    if mode is None and host.host_cpu:
        mode = CpuMode.HOST_MODEL
    element = _E.cpu() if mode is None else _model(mode, cpu)
    if cpu is not None and cpu.sockets is not None:
        counts = {"sockets": cpu.sockets, "cores": cpu.cores, "threads": cpu.threads}
        element.append(_E.topology({name: str(count) for name, count in counts.items()}))
    if cells:
        element.append(_E.numa(*(_cell(number, cell) for number, cell in enumerate(cells))))
    return [element] if len(element) or element.attrib else []


def _model(mode: CpuMode, cpu: CpuSettings | None) -> Any:
    features = () if cpu is None else cpu.features
    element = _E.cpu(mode=_MODES.get(mode, "custom"))
    if cpu is not None and cpu.model is not None:
        element.set("match", "exact")
        element.append(_E.model(cpu.model, fallback="forbid"))
    element.extend(_E.feature(policy="require", name=name) for name in features)
    return element


def _cell(number: int, cell: GuestNumaCell) -> Any:
    cpus = ",".join(map(str, cell.vcpus))
    return _E.cell(id=str(number), cpus=cpus, memory=str(cell.memory_bytes), unit="b")


def memory_xml(settings: GuestSettings) -> list[Any]:
    """What the guest's memory is made of: ``memoryBacking``, or nothing."""
    memory = settings.memory
    if memory is None:
        return []
    element = _E.memoryBacking()
    if memory.page_bytes is not None:
        element.append(_E.hugepages(_E.page(size=str(memory.page_bytes), unit="b")))
    if memory.locked:
        element.append(_E.locked())
    element.extend(_shared(memory))
    return [element]


def _shared(memory: MemoryBacking) -> list[Any]:
    if memory.file_backed:
        source = [_E.source(type="file")]
    elif memory.shared:
        source = [_E.source(type="memfd")]
    else:
        source = []
    return [*source, _E.access(mode="shared")] if memory.shared else source


def tuning_xml(settings: GuestSettings) -> list[Any]:
    """Where the guest is kept on the host: ``cputune`` and ``numatune``, or nothing."""
    parts = []
    if settings.cpu_pins:
        pins = (
            _E.vcpupin(vcpu=str(pin.vcpu), cpuset=",".join(map(str, pin.host_cpus)))
            for pin in settings.cpu_pins
        )
        parts.append(_E.cputune(*pins))
    kept = [
        _E.memnode(cellid=str(number), mode="strict", nodeset=str(cell.host_cell))
        for number, cell in enumerate(settings.numa_cells)
        if cell.host_cell is not None
    ]
    return [*parts, _E.numatune(*kept)] if kept else parts


def device_settings_xml(vm_uuid: UUID, settings: GuestSettings) -> list[Any]:
    """The devices that settings ask for."""
    devices = []
    if settings.guest_agent:
        target = _E.target(type="virtio", name=_AGENT)
        devices.append(_E.channel(_E.source(mode="bind"), target, type="unix"))
    if settings.watchdog is not None:
        action = settings.watchdog.action.value.replace("power-off", "poweroff")
        devices.append(_E.watchdog(model="i6300esb", action=action))
    if settings.tpm is not None:
        devices.append(_tpm(vm_uuid, settings.tpm))
    if settings.random_source is not None:
        devices.append(_random(settings.random_source))
    devices.extend(
        _E.filesystem(
            _E.driver(type="virtiofs"),
            _E.source(dir=share.path),
            _E.target(dir=share.tag),
            type="mount",
            accessmode="passthrough",
        )
        for share in settings.shares
    )
    devices.extend(_host_device(device.address) for device in settings.host_devices)
    return devices


def _tpm(vm_uuid: UUID, tpm: Tpm) -> Any:
    secret = secret_uuid(vm_uuid, tpm.key, SecretPurpose.TPM)
    backend = _E.backend(_E.encryption(secret=str(secret)), type="emulator", version="2.0")
    # More guests have a driver for TIS.
    model = (tpm.model or TpmModel.TIS).value
    return _E.tpm(backend, _E.alias(name=device_alias("tpm", tpm.key)), model=model)


def _random(source: RandomSource) -> Any:
    element = _E.rng(model="virtio")
    if source.bytes_per_second is not None:
        element.append(_E.rate(bytes=str(source.bytes_per_second), period=str(_MILLISECONDS)))
    element.append(_E.backend("/dev/urandom", model="random"))
    return element


def _host_device(address: str) -> Any:
    source = _E.source(pci_address_xml(address))
    return _E.hostdev(source, mode="subsystem", type="pci", managed="yes")


def pci_address_xml(address: str) -> Any:
    """A device of the host by its address."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    parts = {"domain": domain, "bus": bus, "slot": slot, "function": function}
    return _E.address({"type": "pci", **{name: f"0x{text}" for name, text in parts.items()}})
