"""Images that travel packed, as stream-optimized VMDKs: an NFC lease makes a VM of a disk that is
sent to a host. The VM is forgotten, its disk stays.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import requests
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import BackendError, NotFound
from nova_virt_interface.rollback import undone_by
from pyVmomi import vim

from nova_virt_vmware import devices
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore, Upload
from nova_virt_vmware.errors import FileRefused
from nova_virt_vmware.node import Node
from nova_virt_vmware.policies import policy, under_policy
from nova_virt_vmware.session import Session
from nova_virt_vmware.vmdk import ImageStream
from nova_virt_vmware.waiting import wait_for

__all__ = ["Leases", "Packed"]

# A lease ends by itself when nothing is heard for some minutes.
_TELL_SECONDS = 20.0
_ENDS = ("ready", "error")
_CHUNK_BYTES = 1024 * 1024


class Packed:
    """Reads an image of so many bytes as it is, while it is unpacked to see whether it is whole."""

    def __init__(self, read: Callable[[int], bytes], size_bytes: int) -> None:
        self._source = read
        self._parts: list[bytes] = []
        self.size_bytes = size_bytes
        self._keeps = True

    def read(self, size_bytes: int) -> bytes:
        """The next bytes, for who unpacks them."""
        part = self._source(size_bytes)
        if self._keeps:
            self._parts.append(part)
        return part

    def drop(self) -> None:
        """Keep nothing of what is read: it is not sent as it is."""
        self._keeps, self._parts = False, []

    def parts(self, stream: ImageStream) -> Iterator[bytes]:
        """The image's bytes; raises ImageCorrupt before the last of them."""
        for _ in stream.chunks():
            if len(self._parts) > 1:
                # The last one is kept: a damaged image is never sent as a whole.
                parts, self._parts = self._parts[:-1], self._parts[-1:]
                yield from parts
        yield from self._parts


class Leases:
    """Brings disks onto one compute node's datastore by NFC leases."""

    def __init__(self, session: Session, node: Node, datastore: Datastore) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore

    def bring(
        self, vm_uuid: UUID, disk: PurePosixPath, stream: ImageStream, packed: Packed
    ) -> None:
        """Make a disk, in a folder that exists, of a packed image. Meanwhile there is a VM of this
        uuid, which `forget` removes after a crash.
        """
        size = stream.virtual_size_bytes
        spec = vim.vm.VmImportSpec(configSpec=self._config(vm_uuid, disk, size))

        def start(api: Api) -> vim.HttpNfcLease:
            return self._node.pool(api).ImportVApp(spec, self._node.vm_folder(api), None)

        with undone_by(lambda: self.forget(vm_uuid)):
            lease = self._session.change(f"asking for a lease for {disk}", start)
            with undone_by(lambda: self._abort(lease, disk)):
                parts = self._told(lease, packed.parts(stream))
                self._send(lease, disk, Upload(packed.size_bytes, parts))
                self._session.change(
                    f"ending the lease for {disk}", lambda _: lease.HttpNfcLeaseComplete()
                )
            self.forget(vm_uuid)

    def _config(self, vm_uuid: UUID, disk: PurePosixPath, size_bytes: int) -> vim.vm.ConfigSpec:
        keys: dict[str, int] = {}
        slot = devices.Slot("pvscsi", 0)
        changes = devices.added_controllers([slot.bus], keys)
        file, size = self._datastore.path(disk), devices.capacity_kib(size_bytes)
        added = devices.plugged(slot, keys[slot.bus], file, size)
        added.fileOperation = vim.vm.device.VirtualDeviceSpec.FileOperation.create
        home = self._datastore.path(disk.with_suffix(".vmx"))
        return vim.vm.ConfigSpec(
            name=_name(vm_uuid),
            instanceUuid=str(vm_uuid),
            numCPUs=1,
            memoryMB=4,
            guestId="otherGuest64",
            files=vim.vm.FileInfo(vmPathName=home),
            deviceChange=under_policy([*changes, added], self._node.policy_id),
            vmProfile=policy(self._node.policy_id),
        )

    def _send(self, lease: vim.HttpNfcLease, disk: PurePosixPath, body: Upload) -> None:
        known = self._ready(lease, disk)
        if str(known["state"]) == "error":
            fault = known.get("error")
            raise BackendError(f"{disk} cannot be brought", detail=str(fault and fault.msg))
        url = next(device.url for device in known["info"].deviceUrl if device.disk)
        self._session.change(f"sending {disk}", lambda api: _post(api, url, disk, body))

    def _ready(self, lease: vim.HttpNfcLease, disk: PurePosixPath) -> dict[str, Any]:
        def ready(api: Api) -> dict[str, Any]:
            paths = ["state", "info", "error"]
            return wait_for(api.collectors, lease, paths, lambda k: str(k.get("state")) in _ENDS)

        return self._session.ask(f"waiting for the lease for {disk}", ready)

    def _told(self, lease: vim.HttpNfcLease, parts: Iterator[bytes]) -> Iterator[bytes]:
        """The bytes; the lease is told now and then that they still come."""
        said = time.monotonic()
        for part in parts:
            current_call().check()
            if time.monotonic() - said > _TELL_SECONDS:
                said = time.monotonic()
                self._session.change("keeping the lease", lambda _: lease.HttpNfcLeaseProgress(0))
            if part:
                yield part

    def send(self, snapshot_id: str, place: str, write: Callable[[bytes], None]) -> None:
        """Pass on a disk of a snapshot, named by its place, as the host packs it."""

        def start(api: Api) -> vim.HttpNfcLease:
            return vim.vm.Snapshot(snapshot_id, api.stub).ExportSnapshot()

        lease, disk = self._session.change(f"asking for {place}", start), PurePosixPath(place)
        with undone_by(lambda: self._abort(lease, disk)):
            devices_there = self._ready(lease, disk)["info"].deviceUrl
            url = next(there.url for there in devices_there if there.key.endswith(f"/{place}"))

            def read() -> None:
                for part in self._told(lease, _parts(self._session, url)):
                    write(part)

            self._session.listen(f"reading {place}", read)
            self._session.change(
                f"ending the lease for {place}", lambda _: lease.HttpNfcLeaseComplete()
            )

    def _abort(self, lease: vim.HttpNfcLease, disk: PurePosixPath) -> None:
        with contextlib.suppress(NotFound):
            # Until then the VM is being made.
            self._ready(lease, disk)
            self._session.change("giving the lease up", lambda _: lease.HttpNfcLeaseAbort(None))

    def forget(self, vm_uuid: UUID) -> None:
        """Remove the VM of an import from the inventory; its files stay. One that is gone is
        gone.
        """

        def forget(api: Api) -> None:
            index = api.content.searchIndex
            for vm in index.FindAllByUuid(self._node.datacenter(api), str(vm_uuid), True, True):
                if vm.name == _name(vm_uuid):
                    vm.UnregisterVM()

        with contextlib.suppress(NotFound):
            self._session.change(f"forgetting VM {vm_uuid}", forget)


def _name(vm_uuid: UUID) -> str:
    return f"nova-virt-image_{vm_uuid}"


def _parts(session: Session, url: str) -> Iterator[bytes]:
    api = session.api()
    url, seconds = _whole(url, api), api.settings.request_timeout_seconds
    with api.http.get(url, timeout=seconds, stream=True) as response:
        if response.status_code >= requests.codes.bad_request:
            raise FileRefused(url, response.status_code)
        yield from response.iter_content(_CHUNK_BYTES)


def _whole(url: str, api: Api) -> str:
    """A host without a vCenter does not say its own name."""
    return url.replace("https://*", f"https://{api.settings.host}:{api.settings.port}")


def _post(api: Api, url: str, disk: PurePosixPath, body: Upload) -> None:
    response = api.http.post(
        _whole(url, api),
        data=body,
        headers={"Content-Type": "application/x-vnd.vmware-streamVmdk"},
        timeout=api.settings.request_timeout_seconds,
    )
    if response.status_code >= requests.codes.bad_request:
        raise FileRefused(str(disk), response.status_code)
