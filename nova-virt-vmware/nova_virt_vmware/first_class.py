"""First class disks: volumes that a vCenter itself knows by ids of their own.

One is named `ID@DATASTORE`, with the id that the vSphere API has for either, as the volume service
Cinder does. It is plugged in by its file, as other disks are, in the one step that also marks it.
"""

from __future__ import annotations

from typing import Any

from nova_virt_interface.values.volumes import HypervisorVolume
from pyVmomi import vim

from nova_virt_vmware.api import Api
from nova_virt_vmware.session import Session
from nova_virt_vmware.translate import MIB
from nova_virt_vmware.volume_marks import Backing

__all__ = ["found_disk"]


def found_disk(session: Session, volume: HypervisorVolume) -> Backing:
    """Its file and size, as they are now; raises NotFound."""
    disk_id, _, store_id = volume.identity.partition("@")

    def question(api: Api) -> Any:
        manager = api.content.vStorageObjectManager
        store = vim.Datastore(store_id, api.stub)
        return manager.RetrieveVStorageObject(vim.vslm.ID(id=disk_id), store)

    config = session.ask(f"first class disk {disk_id}", question).config
    return Backing(config.capacityInMB * MIB, file=config.backing.filePath)
