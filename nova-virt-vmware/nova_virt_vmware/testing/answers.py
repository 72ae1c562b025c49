"""What the harness answers about power, consoles and hosts: it looks as an operator would."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from nova_virt_interface.testing.harness_power import PowerQuestions
from nova_virt_interface.testing.harness_storage import SeenDisk, StorageQuestions
from nova_virt_interface.values.console import Console
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.power import PowerState
from pyVmomi import vim

from nova_virt_vmware.testing.server import Server
from nova_virt_vmware.testing.storage import Storage

__all__ = ["Answers"]

_STATES = {
    "poweredOn": PowerState.RUNNING,
    "poweredOff": PowerState.STOPPED,
    "suspended": PowerState.SUSPENDED,
}
_LETS_IN = 101
_Tpm = vim.vm.device.VirtualTPM
_CONTROLLERS = {
    "pvscsi": vim.vm.device.ParaVirtualSCSIController,
    "lsilogic": vim.vm.device.VirtualLsiLogicController,
    "sata": vim.vm.device.VirtualAHCIController,
    "nvme": vim.vm.device.VirtualNVMEController,
    "ide": vim.vm.device.VirtualIDEController,
}


class Answers(PowerQuestions, StorageQuestions):
    """Asks vcsim by the operator's own login."""

    server: Server
    storage: Storage

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `PowerQuestions`."""
        return _STATES[str(self._fact(vm_uuid, "runtime.powerState"))]

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self.server.wait(self.server.vm(vm_uuid).PowerOnVM_Task(None))

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        config = self._fact(vm_uuid, "config")
        has = {
            VmFeature.CPU_TOPOLOGY: (config.hardware.numCoresPerSocket or 1) > 1,
            VmFeature.LOCKED_MEMORY: bool(config.memoryReservationLockedToMax),
            VmFeature.SECURE_BOOT: bool(
                config.bootOptions and config.bootOptions.efiSecureBootEnabled
            ),
            VmFeature.TPM: any(isinstance(device, _Tpm) for device in config.hardware.device),
            VmFeature.GUEST_UUID: config.uuid == str(vm_uuid),
        }
        return frozenset(feature for feature, is_there in has.items() if is_there)

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """See `PowerQuestions`: asks for a WebSocket."""
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        connection = http.client.HTTPSConnection(console.host, console.port, context=context)
        secret = console.secret.reveal().decode() if console.secret else ""
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        try:
            connection.request("GET", f"{console.path}{secret}", headers=upgrade)
            answer = connection.getresponse()
            machine = answer.getheader("X-Vcsim-Machine")
            return (answer.status, machine) == (_LETS_IN, str(vm_uuid))
        finally:
            connection.close()

    def device_addresses(self, vm_uuid: UUID) -> Mapping[str, str]:
        """See `PowerQuestions`: of disks on SCSI, by the names of their files."""
        hardware = self._fact(vm_uuid, "config.hardware.device")
        kind = vim.vm.device
        buses = {d.key: d.busNumber for d in hardware if isinstance(d, kind.VirtualSCSIController)}
        return {
            _key(device): f"{buses[device.controllerKey]}:0:{device.unitNumber}:0"
            for device in hardware
            if isinstance(device, kind.VirtualDisk) and device.controllerKey in buses
        }

    def host_measures(self) -> Mapping[str, float]:
        """See `PowerQuestions`."""
        hosts = [
            (self.server.fact(host, "hardware.cpuInfo.hz"), self._uptime(host))
            for host in self.server.fact(self.server.cluster, "host")
        ]
        measured = {"cpu_frequency_hz": hosts[0][0]}
        if len(hosts) == 1 and hosts[0][1] is not None:
            measured["uptime_seconds"] = hosts[0][1]
        return measured

    def _uptime(self, host: Any) -> Any:
        return self.server.fact(host, "summary.quickStats.uptime")

    @contextmanager
    def host_orders(self) -> Iterator[list[str]]:
        """See `PowerQuestions`: vcsim writes the orders down."""
        file = self.server.folder / "orders"
        file.unlink(missing_ok=True)
        taken = _Lines(file)
        yield taken

    def takes_vms(self) -> bool:
        """See `PowerQuestions`."""
        hosts = self.server.fact(self.server.cluster, "host")
        return not all(self.server.fact(host, "runtime.inMaintenanceMode") for host in hosts)

    def interrupts_of(self, vm_uuid: UUID) -> int:
        """See `PowerQuestions`: vcsim counts them in the extra configuration."""
        options = {o.key: o.value for o in self._fact(vm_uuid, "config.extraConfig")}
        return int(options.get("vcsim.interrupts", 0))

    def read_disk(self, settings: Any, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """See `Harness`: the disk's extent, of which vcsim writes only what somebody wrote."""
        extent = self._extent(vm_uuid, key, settings.cluster)
        with extent.open("rb") as file:
            return file.read(size_bytes).ljust(size_bytes, bytes(1))

    def write_disk(self, settings: Any, vm_uuid: UUID, key: str, content: bytes) -> None:
        """See `Harness`."""
        with self._extent(vm_uuid, key, settings.cluster).open("r+b") as file:
            file.write(content)

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `StorageQuestions`."""
        disk = self._disk(vm_uuid, key)
        mode = str(disk.backing.diskMode)
        return SeenDisk(
            size_bytes=disk.capacityInBytes, read_only=mode == "independent_nonpersistent"
        )

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """See `StorageQuestions`: vcsim locks no extent."""
        with self._extent(vm_uuid, key).open("r+b") as file:
            file.seek(offset)
            file.write(content)

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """See `StorageQuestions`."""
        with self._extent(vm_uuid, key).open("rb") as file:
            file.seek(offset)
            return file.read(length).ljust(length, bytes(1))

    def _extent(self, vm_uuid: UUID, key: str, cluster: str = "") -> Path:
        backing = self._disk(vm_uuid, key, cluster).backing
        device = getattr(backing, "deviceName", None)
        return self.storage.unit(device) if device else self.server.extent(backing.fileName)

    def _disk(self, vm_uuid: UUID, key: str, cluster: str = "") -> Any:
        """The disk where the mark says that it is."""
        options = {o.key: o.value for o in self._fact(vm_uuid, "config.extraConfig", cluster)}
        bus, _, unit = options[f"nova-virt.disk.{key}"].partition(" ")[0].partition(":")
        hardware = self._fact(vm_uuid, "config.hardware.device", cluster)
        controllers = [d.key for d in hardware if type(d) is _CONTROLLERS[bus]]
        return next(
            d for d in hardware if d.controllerKey in controllers and d.unitNumber == int(unit)
        )

    def _fact(self, vm_uuid: UUID, path: str, cluster: str = "") -> Any:
        return self.server.fact(self.server.vm(vm_uuid, cluster), path)


class _Lines(list[str]):
    """The lines of a file as they are when somebody looks."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def __eq__(self, other: object) -> bool:
        self[:] = self._file.read_text().split() if self._file.exists() else []
        return super().__eq__(other)

    __hash__ = None


def _key(disk: Any) -> str:
    name: str = disk.backing.fileName
    return name.rpartition("/")[2].partition(".")[0]
