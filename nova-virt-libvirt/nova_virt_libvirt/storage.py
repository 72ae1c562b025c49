"""Volumes in the driver's two storage pools: disks and images in one, console logs in the other.

All goes through libvirt, so that the host may be another one. The logs have a pool of their own
because virtlogd makes them behind libvirt's back: they are seen only after a pool was refreshed,
which libvirt refuses while a disk is being made in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import InvalidRequest

from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.names import (
    VmFiles,
    belongs_to,
    console_file,
    disk_key,
    variables_file,
)
from nova_virt_libvirt.streams import CHUNK_BYTES, copy_bytes

__all__ = ["Storage", "whole_sectors"]

_log = logging.getLogger(__name__)

_SECTOR_BYTES = 512
_PRIVATE = "0600"
_REFRESH_STEP_SECONDS = 0.1


class Storage:
    """The pools of one backend.

    Args:
        settings: of the backend.
        records_consoles: whether there is a pool for console logs.
    """

    def __init__(self, settings: Settings, *, records_consoles: bool) -> None:
        self.shared_as = settings.storage_id
        """The name of the storage, if other hosts see it, too."""
        self._name = settings.storage_pool
        self._console_name = f"{settings.storage_pool}-console"
        self._paths = {self._name: settings.storage_path.rstrip("/")}
        self._records_consoles = records_consoles
        if records_consoles:
            # Beside the other, not in it: a pool lists folders as volumes.
            self._paths[self._console_name] = f"{settings.storage_path.rstrip('/')}-console"

    def activate(self, connection: Any) -> None:
        """Make and start the pools where they are missing; raises InvalidRequest if a name is
        taken.
        """
        for name, path in self._paths.items():
            pool = _defined(connection, name, path)
            if not pool.isActive():
                pool.build(0)
                pool.create(0)
            if not pool.autostart():
                pool.setAutostart(1)

    def capacity(self, connection: Any) -> tuple[int, int]:
        """Bytes in all, and free."""
        pool = self._pool(connection)
        _refresh(pool)
        _, capacity, _, available = pool.info()
        return capacity, available

    def volumes(self, connection: Any, *, refreshed: bool = False) -> dict[str, Any]:
        """All volumes for disks and images, by name; ``refreshed``: also what QEMU has made."""
        pool = self._pool(connection)
        if refreshed or self.shared_as:
            # Of what others have made there libvirt learns only when it looks.
            _refresh(pool)
        return {volume.name(): volume for volume in pool.listAllVolumes()}

    def create(
        self,
        connection: Any,
        name: str,
        size_bytes: int,
        form: str,
        *,
        backing: tuple[str, str] | None = None,
        copied: Any = None,
        encryption: Any = None,
    ) -> Any:
        """Make a volume that nobody but QEMU can read.

        Args:
            connection: to the host.
            name: of the volume; raises Conflict if it exists.
            size_bytes: that a guest sees, rounded up to whole sectors for a disk.
            form: libvirt's name of the format.
            backing: path and format of the volume that it shall share content with.
            copied: the volume whose content it shall have.
            encryption: how it shall be encrypted.
        """
        target = E.target(E.format(type=form), E.permissions(E.mode(_PRIVATE)))
        if encryption is not None:
            target.append(encryption)
        volume = E.volume(
            E.name(name), E.capacity(str(size_bytes), unit="bytes"), E.allocation("0"), target
        )
        if backing is not None:
            path, backing_form = backing
            volume.append(E.backingStore(E.path(path), E.format(type=backing_form)))
        text = etree.tostring(volume, encoding="unicode")
        pool = self._pool(connection)
        return pool.createXML(text) if copied is None else pool.createXMLFrom(text, copied)

    def upload(
        self, connection: Any, volume: Any, chunks: Iterable[bytes], size_bytes: int
    ) -> None:
        """Fill a volume with ``size_bytes`` of content; tells its progress."""
        call = current_call()
        stream = connection.newStream(0)
        volume.upload(stream, 0, size_bytes, 0)
        done = 0
        try:
            for chunk in chunks:
                call.check()
                _send(stream, chunk)
                done += len(chunk)
                call.progress(done, size_bytes)
            call.check()
        except BaseException:
            _abort(stream)
            raise
        stream.finish()

    def volume_at(self, connection: Any, path: str) -> Any:
        """The volume of one of the driver's disks."""
        return connection.storageVolLookupByPath(path)

    def remove(self, volume: Any) -> None:
        """Delete a volume; one that is gone is as good."""
        try:
            volume.delete(0)
        except libvirt.libvirtError as error:
            if not is_code(error, libvirt.VIR_ERR_NO_STORAGE_VOL):
                raise

    def clone(self, connection: Any, volume: Any, name: str) -> Any:
        """Make another volume of this name with the content of a volume, on the same image."""
        description: Any = etree.fromstring(volume.XMLDesc(0))
        if description.find("target/encryption") is not None:
            return self._clone_bytes(connection, volume, name)
        form = description.find("target/format").get("type")
        path = description.findtext("backingStore/path")
        backing = None
        if path is not None:
            backing = (path, description.find("backingStore/format").get("type"))
        size = int(description.findtext("capacity"))
        return self.create(connection, name, size, form, backing=backing, copied=volume)

    def _clone_bytes(self, connection: Any, volume: Any, name: str) -> Any:
        """Of an encrypted volume, for which libvirt itself would need the secret."""
        _, capacity, _ = volume.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)
        copy = self.create(connection, name, capacity, "raw")
        copy_bytes(connection, volume, connection, copy, lambda _: None)
        return copy

    def remove_disk(self, connection: Any, vm_uuid: UUID, key: str) -> None:
        """Delete the volume of one disk of a VM, if there is one."""
        for name, volume in self.volumes(connection).items():
            if belongs_to(name, vm_uuid) and disk_key(name) == key:
                self.remove(volume)

    def known_as(self, connection: Any, volume: Any, form: str) -> Any:
        """A volume of which libvirt knows that its content has this format.

        libvirt takes an uploaded volume for what it was made as, until it looks at the pool again;
        it does so by itself after an upload, but only if no disk is being made at that moment.
        """
        while not etree.fromstring(volume.XMLDesc(0)).xpath(
            "target/format[@type=$form]", form=form
        ):
            _refresh(self._pool(connection))
            current_call().wait(_REFRESH_STEP_SECONDS)
        return volume

    def remove_vm(self, connection: Any, vm_uuid: UUID) -> None:
        """Delete all that was ever made for a VM: its disks, media and console logs."""
        for name in self._paths:
            pool = connection.storagePoolLookupByName(name)
            _refresh(pool)
            for volume in pool.listAllVolumes():
                if belongs_to(volume.name(), vm_uuid):
                    self.remove(volume)

    def files_of(self, vm_uuid: UUID) -> VmFiles:
        """Where a VM has what are no disks of it."""
        console = None
        if self._records_consoles:
            console = f"{self._paths[self._console_name]}/{console_file(vm_uuid)}"
        return VmFiles(
            console=console, variables=f"{self._paths[self._name]}/{variables_file(vm_uuid)}"
        )

    def console_volumes(self, connection: Any, vm_uuid: UUID) -> list[Any]:
        """The files of a VM's console log, the newest first."""
        pool = connection.storagePoolLookupByName(self._console_name)
        _refresh(pool)
        found = {volume.name(): volume for volume in pool.listAllVolumes()}
        newest = console_file(vm_uuid)
        numbers = (
            name.removeprefix(f"{newest}.") for name in found if name.startswith(f"{newest}.")
        )
        rotated = [
            f"{newest}.{number}" for number in sorted(filter(str.isdecimal, numbers), key=int)
        ]
        return [found[name] for name in [newest, *rotated] if name in found]

    def _pool(self, connection: Any) -> Any:
        return connection.storagePoolLookupByName(self._name)


def whole_sectors(size_bytes: int) -> int:
    """The size of a disk that holds so many bytes."""
    return -(-size_bytes // _SECTOR_BYTES) * _SECTOR_BYTES


def _defined(connection: Any, name: str, path: str) -> Any:
    try:
        pool = connection.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_NO_STORAGE_POOL):
            raise
        return _define(connection, name, path)
    found = etree.fromstring(pool.XMLDesc(0))
    if found.get("type") != "dir" or found.findtext("target/path") != path:
        raise InvalidRequest(
            f"the storage pool {name} exists and is another one than the directory {path}",
            remedy="choose another storage_pool, or set storage_path to the pool's",
            field="storage_pool",
        )
    return pool


def _define(connection: Any, name: str, path: str) -> Any:
    definition = E.pool(
        E.name(name),
        # Passage for all, for QEMU has an account of its own; the volumes themselves are private.
        E.target(E.path(path), E.permissions(E.mode("0711"))),
        type="dir",
    )
    try:
        return connection.storagePoolDefineXML(etree.tostring(definition, encoding="unicode"), 0)
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_OPERATION_FAILED):
            raise
        raise InvalidRequest(
            f"the directory {path} is another storage pool's",
            detail=str(error),
            remedy="choose another storage_path",
            field="storage_path",
        ) from error


def _refresh(pool: Any) -> None:
    try:
        pool.refresh(0)
    except libvirt.libvirtError as error:
        # What libvirt says while a volume is being made in the pool. It knows those that it made
        # itself anyway.
        if "has asynchronous jobs running" not in str(error):
            raise
        _log.debug("pool %s is not refreshed: a volume is being made in it", pool.name())


def _send(stream: Any, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        sent = stream.send(bytes(view[:CHUNK_BYTES]))
        view = view[sent:]


def _abort(stream: Any) -> None:
    try:
        stream.abort()
    except libvirt.libvirtError as error:
        _log.debug("the stream had ended already: %s", error)
