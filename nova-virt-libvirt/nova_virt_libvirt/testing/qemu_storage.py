"""What the QEMU harness answers about disks and volumes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4

import libvirt
import libvirt_qemu
from lxml import etree
from nova_virt_interface.testing.harness_storage import (
    SeenDisk,
    StorageQuestions,
    TestVolume,
    VolumeWish,
)
from nova_virt_interface.values.disks import DiskLimits
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import FileVolume, VolumeProtocol

from nova_virt_libvirt.testing.daemon import PrivateLibvirtd
from nova_virt_libvirt.testing.storage_servers import StorageServers

__all__ = ["QemuStorageAnswers"]

_HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP


class QemuStorageAnswers(StorageQuestions):
    """Looks at QEMU through its monitor, and at files and storage servers themselves."""

    fixed_size_protocols: ClassVar[frozenset[VolumeProtocol]] = frozenset(
        {VolumeProtocol.NBD, VolumeProtocol.ISCSI}
    )
    libvirtd: PrivateLibvirtd
    servers: StorageServers

    if TYPE_CHECKING:

        @contextmanager
        def looking(self, uri: str = "") -> Iterator[Any]:
            """The harness has it."""

    def volume(self, wish: VolumeWish) -> AbstractContextManager[TestVolume]:
        """See `StorageQuestions`."""
        return self.servers.volume(wish)

    def volume_content(self, volume: TestVolume) -> bytes:
        """See `StorageQuestions`."""
        return self.servers.content(volume)

    def volume_is_used(self, volume: TestVolume) -> bool:
        """See `StorageQuestions`."""
        return self.servers.is_used(volume)

    def grow_volume(self, volume: TestVolume, size_bytes: int) -> None:
        """See `StorageQuestions`."""
        self.servers.grow(volume, size_bytes)

    def overlay(self, volume: TestVolume) -> AbstractContextManager[FileVolume]:
        """See `StorageQuestions`."""
        return self.servers.overlay(volume)

    def disk_of_vm(self, vm_uuid: UUID, key: str) -> SeenDisk:
        """See `StorageQuestions`."""
        with self._seen_element(vm_uuid, key) as (domain, disk):
            size, _, _ = domain.blockInfo(disk.find("target").get("dev"))
            rate, requests = (
                disk.findtext(f"iotune/total_{unit}_sec") for unit in ("bytes", "iops")
            )
            return SeenDisk(
                size_bytes=size,
                serial=disk.findtext("serial"),
                limits=DiskLimits(
                    bytes_per_second=None if rate is None else int(rate),
                    requests_per_second=None if requests is None else int(requests),
                ),
                read_only=disk.find("readonly") is not None,
            )

    def write_as_guest(self, vm_uuid: UUID, key: str, offset: int, content: bytes) -> None:
        """See `StorageQuestions`."""
        pattern = self.servers.folder / f"pattern-{uuid4().hex}"
        pattern.write_bytes(content)
        try:
            self._qemu_io(vm_uuid, key, f"write -q -s {pattern} {offset} {len(content)}")
            self._qemu_io(vm_uuid, key, "flush")
        finally:
            pattern.unlink()

    def read_as_guest(self, vm_uuid: UUID, key: str, offset: int, length: int) -> bytes:
        """See `StorageQuestions`."""
        socket = self.servers.folder / f"nbd-{uuid4().hex[:8]}"
        raw = socket.with_suffix(".raw")
        with self._seen_element(vm_uuid, key) as (domain, disk):
            node = _node_of(domain, _device(key, disk))
            address = {"type": "unix", "data": {"path": str(socket)}}
            _ask(domain, "nbd-server-start", addr=address)
            try:
                _ask(domain, "block-export-add", id="seen", type="nbd", **{"node-name": node})
                url = f"nbd+unix:///{node}?socket={socket}"
                self.libvirtd.run("qemu-img", "convert", "-O", "raw", url, str(raw))
            finally:
                _ask(domain, "nbd-server-stop")
        try:
            return raw.read_bytes()[offset : offset + length]
        finally:
            raw.unlink()

    def storage_has(self, content: bytes) -> bool:
        """See `StorageQuestions`."""
        pattern = self.servers.folder / f"wanted-{uuid4().hex}"
        pattern.write_bytes(content)
        try:
            found = self.libvirtd.run(
                *("grep", "-rlaF", "--devices=skip", "--exclude-dir=volumes"),
                *("-f", str(pattern), str(self.libvirtd.root)),
                check=False,
            )
        finally:
            pattern.unlink()
        return bool(found.strip())

    def as_raw(self, exported: bytes, format: DiskFormat) -> bytes:
        """See `StorageQuestions`."""
        given = self.servers.folder / f"exported-{uuid4().hex}"
        raw = given.with_suffix(".raw")
        given.write_bytes(exported)
        try:
            self.libvirtd.run(
                *("qemu-img", "convert", "-f", format.value, "-O", "raw", str(given), str(raw))
            )
            return raw.read_bytes()
        finally:
            given.unlink()
            raw.unlink(missing_ok=True)

    @contextmanager
    def _seen_element(self, vm_uuid: UUID, key: str) -> Iterator[tuple[Any, Any]]:
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            active = domain.isActive()
            flags = 0 if active else libvirt.VIR_DOMAIN_XML_INACTIVE
            described = etree.fromstring(domain.XMLDesc(flags))
            alias = f"ua-disk-{key}"
            disks = described.iterfind("devices/disk")
            yield domain, next(d for d in disks if d.xpath("alias/@name") == [alias])

    def _qemu_io(self, vm_uuid: UUID, key: str, command: str) -> str:
        with self._seen_element(vm_uuid, key) as (domain, disk):
            monitor = f'qemu-io -d {_device(key, disk)} "{command}"'
            told: str = libvirt_qemu.qemuMonitorCommand(domain, monitor, _HMP)
        if "rror" in told or "failed" in told:
            raise AssertionError(f"{command}: {told}")
        return told


def _device(key: str, disk: Any) -> str:
    """QEMU's name of the device that a guest sees."""
    device = f"/machine/peripheral/ua-disk-{key}"
    return f"{device}/virtio-backend" if disk.find("target").get("bus") == "virtio" else device


def _node_of(domain: Any, device: str) -> str:
    """QEMU's name of what is behind a device."""
    for block in _ask(domain, "query-block"):
        if block.get("qdev") == device:
            node: str = block["inserted"]["node-name"]
            return node
    raise LookupError(device)


def _ask(domain: Any, command: str, **arguments: Any) -> Any:
    asked = json.dumps({"execute": command, "arguments": arguments})
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, asked, 0))
    if "error" in answer:
        raise AssertionError(f"{command}: {answer['error']}")
    return answer["return"]
