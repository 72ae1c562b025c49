"""What a volume service and its storage do behind the driver's back."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from nova_virt_interface.testing.harness_storage import TestVolume, VolumeWish
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.volumes import (
    FileVolume,
    HypervisorVolume,
    IscsiVolume,
    NfsVolume,
    VolumeConnection,
    VolumeProtocol,
)
from pyVmomi import vim

from nova_virt_vmware.testing.server import Server

__all__ = ["FIRST_CLASS", "SERVICE", "Storage"]

SERVICE: Final = "volume-service"
"""The volume service's folder on the datastore."""
FIRST_CLASS: Final = "fcd"
"""The folder that vcsim makes with its first first class disk."""
_SERVER = "192.0.2.9"
_PORTALS = ("192.0.2.10:3260", "192.0.2.11:3260")
_SECTOR = 512
_MIB = 1024 * 1024


class Storage:
    """A datastore's folder, an NFS server and iSCSI targets, as vcsim is told of them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._first_class: dict[str, str] = {}

    def made(self, wish: VolumeWish) -> TestVolume:
        """A new volume of zeros."""
        name = uuid4().hex
        connection: VolumeConnection
        if wish.protocol is VolumeProtocol.ISCSI:
            connection = IscsiVolume(
                portals=_PORTALS, target_iqn=f"iqn.2010-10.org.openstack:{name}", lun=1
            )
            self._offer(connection, name, wish.size_bytes)
        elif wish.protocol is VolumeProtocol.NFS:
            connection = NfsVolume(
                export=f"{_SERVER}:/{name}", path=f"volumes/{name}.vmdk", format=DiskFormat.VMDK
            )
            self._make_disk(self._file(connection), wish.size_bytes)
        else:
            store = self._server.datastore.name
            path = f"[{store}] {SERVICE}/{name}/{name}.vmdk"
            connection = FileVolume(path=path, format=DiskFormat.VMDK)
            file = self._file(connection)
            if wish.protocol is VolumeProtocol.HYPERVISOR:
                file.parent.mkdir(parents=True, exist_ok=True)
                connection = self._make_first_class(name, path, wish.size_bytes)
                with file.with_name(f"{name}-flat.vmdk").open("r+b") as content:
                    content.truncate(wish.size_bytes)
            else:
                self._make_disk(file, wish.size_bytes)
        return TestVolume(connection=connection, size_bytes=wish.size_bytes)

    def remove(self, volume: TestVolume) -> None:
        """The volume's storage is away."""
        file = self._file(volume.connection)
        if isinstance(volume.connection, NfsVolume):
            shutil.rmtree(file.parents[1])
        elif isinstance(volume.connection, IscsiVolume):
            file.unlink()
            self._offered(volume.connection).unlink()
        else:
            if isinstance(volume.connection, HypervisorVolume):
                self._first_class_task("DeleteVStorageObject_Task", volume.connection)
            shutil.rmtree(file.parent)

    def content(self, volume: TestVolume) -> Path:
        """The file with what a guest has written."""
        file = self._file(volume.connection)
        return file if file.suffix == ".unit" else file.with_name(f"{file.stem}-flat.vmdk")

    def unit(self, device: str) -> Path:
        """The file of a logical unit that hosts name so."""
        return self._folder("iscsi") / f"{device.rpartition('naa.')[2]}.unit"

    def grow(self, volume: TestVolume, size_bytes: int) -> None:
        """Give a volume another size."""
        if isinstance(volume.connection, IscsiVolume):
            offered = self._offered(volume.connection)
            target = json.loads(offered.read_text())
            target["units"][0]["bytes"] = size_bytes
            offered.write_text(json.dumps(target))
        else:
            if isinstance(volume.connection, HypervisorVolume):
                mib = size_bytes // _MIB
                self._first_class_task("ExtendDisk_Task", volume.connection, mib)
            file = self._file(volume.connection)
            sectors = f"RW {size_bytes // _SECTOR} "
            file.write_text(re.sub(r"^RW \d+ ", sectors, file.read_text(), flags=re.MULTILINE))
        with self.content(volume).open("r+b") as content:
            content.truncate(size_bytes)

    def is_used(self, volume: TestVolume) -> bool:
        """Whether a VM has the volume, or a host is connected to its storage."""
        connection = volume.connection
        if isinstance(connection, IscsiVolume):
            return f"target {connection.target_iqn}" in self.connections()
        if isinstance(connection, NfsVolume):
            return f"export {connection.export}" in self.connections()
        return self._path(connection) in self._files_of_vms()

    def _files_of_vms(self) -> set[str]:
        server = self._server
        machines = server.datacenter.vmFolder.childEntity
        hardware = [server.fact(vm, "config.hardware.device") for vm in machines]
        return {
            device.backing.fileName
            for devices in hardware
            for device in devices
            if isinstance(device, vim.vm.device.VirtualDisk)
        }

    def connections(self) -> Iterator[str]:
        """What the compute node's hosts are connected to."""
        server = self._server
        for store in server.datastores():
            nas = getattr(server.fact(store, "info"), "nas", None)
            if nas:
                yield f"export {nas.remoteHost}:{nas.remotePath}"
        for host in server.hosts():
            system = server.fact(host, "configManager").storageSystem
            for hba in server.fact(system, "storageDeviceInfo").hostBusAdapter:
                for target in getattr(hba, "configuredStaticTarget", None) or ():
                    yield f"target {target.iScsiName}"

    def _folder(self, name: str) -> Path:
        folder = self._server.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _file(self, connection: Any) -> Path:
        if isinstance(connection, FileVolume | HypervisorVolume):
            path = self._path(connection).partition("] ")[2]
            return self._server.datastore_folder / path
        if isinstance(connection, NfsVolume):
            host, _, path = connection.export.partition(":/")
            return self._folder("exports") / host / path / connection.path
        return self.unit(f"naa.{_id(connection)}")

    def _path(self, connection: Any) -> str:
        """The file of a disk on the datastore, as vSphere names it."""
        if isinstance(connection, HypervisorVolume):
            return self._first_class[connection.identity]
        return str(connection.path)

    def _make_first_class(self, name: str, path: str, size_bytes: int) -> HypervisorVolume:
        store = self._server.datastore
        backing = vim.vslm.CreateSpec.DiskFileBackingSpec(
            datastore=store, path=path.partition("] ")[2], provisioningType="thin"
        )
        spec = vim.vslm.CreateSpec(
            name=name, keepAfterDeleteVm=True, backingSpec=backing, capacityInMB=size_bytes // _MIB
        )
        manager = self._server.content.vStorageObjectManager
        made = self._server.wait(manager.CreateDisk_Task(spec))
        connection = HypervisorVolume(identity=f"{made.config.id.id}@{store._moId}")
        self._first_class[connection.identity] = path
        return connection

    def _first_class_task(self, name: str, connection: HypervisorVolume, *more: Any) -> None:
        disk_id = vim.vslm.ID(id=connection.identity.partition("@")[0])
        manager = self._server.content.vStorageObjectManager
        self._server.wait(getattr(manager, name)(disk_id, self._server.datastore, *more))

    def _offered(self, connection: IscsiVolume) -> Path:
        return self._folder("iscsi") / f"{_id(connection)}.json"

    def _offer(self, connection: IscsiVolume, name: str, size_bytes: int) -> None:
        self._file(connection).write_bytes(b"")
        unit = {"number": connection.lun, "id": name, "bytes": size_bytes}
        target = {"iqn": connection.target_iqn, "portals": connection.portals, "units": [unit]}
        self._offered(connection).write_text(json.dumps(target))

    def _make_disk(self, file: Path, size_bytes: int) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        options = ["-q", "-f", "vmdk", "-o", "subformat=monolithicFlat"]
        self._server.tool("qemu-img", "create", *options, str(file), str(size_bytes))


def _id(connection: IscsiVolume) -> str:
    return connection.target_iqn.rpartition(":")[2]
