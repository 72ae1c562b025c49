"""Stopped VMs whose disks are copied to another compute node's datastore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nova_virt_interface.call import current_call
from nova_virt_interface.errors import Conflict
from pyVmomi import vim

from nova_virt_vmware import records, translate
from nova_virt_vmware.api import Api
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.marking import Marking
from nova_virt_vmware.node import Node
from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found

__all__ = ["Copying"]

_STARTS = ("VmPoweredOnEvent", "VmResumingEvent")


class Copying:
    """Copies disks, and knows what was copied: the VM bears a mark of it."""

    def __init__(
        self, session: Session, node: Node, datastore: Datastore, marking: Marking
    ) -> None:
        self._session = session
        self._node = node
        self._datastore = datastore
        self._marking = marking

    def copy(
        self, vm_uuid: UUID, found: Found, facts: Mapping[str, Any], keys: Sequence[str]
    ) -> None:
        """Copy disks to where the destination has said; what a crash left is overwritten."""
        began: datetime = self._session.ask(
            "the time", lambda api: vim.ServiceInstance("ServiceInstance", api.stub).CurrentTime()
        )
        folder = f"[{facts['datastore']}] {self._datastore.vm_folder(vm_uuid)}"
        if keys:
            self._make_folder(folder, facts["datacenter"])
        disks = records.devices_by_key(found)
        total = sum(disks[key].capacityInBytes for key in keys)
        done = 0
        for key in keys:
            current_call().progress(done, total)
            self._copy(disks[key].backing.fileName, f"{folder}/{key}.vmdk", facts["datacenter"])
            done += disks[key].capacityInBytes
        current_call().progress(total, total)
        told = " ".join((facts["token"], began.isoformat(), *keys))
        self._marking.mark(vm_uuid, found, {translate.COPIED: told})

    def _make_folder(self, folder: str, datacenter_id: str) -> None:
        def make(api: Api) -> None:
            datacenter = vim.Datacenter(datacenter_id, api.stub)
            api.content.fileManager.MakeDirectory(folder, datacenter, True)

        try:
            self._session.change(f"making folder {folder}", make)
        except Conflict:
            return

    def _copy(self, source: str, target: str, datacenter_id: str) -> None:
        thin = vim.VirtualDiskManager.VirtualDiskSpec(diskType="thin", adapterType="lsiLogic")

        def copy(api: Api) -> vim.Task:
            return api.content.virtualDiskManager.CopyVirtualDisk_Task(
                source,
                self._node.datacenter(api),
                target,
                vim.Datacenter(datacenter_id, api.stub),
                thin,
                True,
            )

        self._session.run(f"copying {source} to {target}", copy)

    def token_of(self, found: Found) -> str:
        """The token of the migration that copied the VM; empty if none did."""
        return records.marks_of(found).get(translate.COPIED, "").partition(" ")[0]

    def was_started_since(self, found: Found) -> bool:
        """Whether the VM was started since it was copied, by whomever: the server remembers it."""
        began = datetime.fromisoformat(records.marks_of(found)[translate.COPIED].split(" ")[1])
        by = vim.event.EventFilterSpec

        def question(api: Api) -> Any:
            wanted = by(
                entity=by.ByEntity(entity=found.on(api), recursion=by.RecursionOption.self),
                time=by.ByTime(beginTime=began),
                eventTypeId=list(_STARTS),
            )
            return api.content.eventManager.QueryEvents(wanted)

        return bool(self._session.ask("the VM's starts", question))
