"""VMs that are made of disks which are there already: copied, or another compute node's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from nova_virt_interface.rollback import undone_by
from nova_virt_interface.values.disks import Media
from nova_virt_interface.values.vm import VmSpec
from nova_virt_interface.values.volumes import Volume

from nova_virt_vmware import records
from nova_virt_vmware.datastore import Datastore
from nova_virt_vmware.disks import Plans
from nova_virt_vmware.leaving import Leaving
from nova_virt_vmware.lifecycle import Lifecycle
from nova_virt_vmware.networks import Networks
from nova_virt_vmware.vms import Found
from nova_virt_vmware.volumes import Volumes

__all__ = ["Arriving"]


class Arriving:
    """Makes VMs of one compute node."""

    def __init__(
        self,
        datastore: Datastore,
        networks: Networks,
        volumes: Volumes,
        leaving: Leaving,
        lifecycle: Lifecycle,
    ) -> None:
        self._datastore = datastore
        self._networks = networks
        self._volumes = volumes
        self._leaving = leaving
        self._lifecycle = lifecycle

    def make(
        self,
        vm_uuid: UUID,
        spec: VmSpec,
        disks: Mapping[str, str],
        others: Sequence[Found],
        marks: Mapping[str, str],
    ) -> None:
        """Make the VM; after an error the disks are as they were, and nothing else is there.

        Args:
            vm_uuid: the VM.
            spec: what it is to be; its media are made.
            disks: key → file of each disk.
            others: the VMs of this uuid on other compute nodes.
            marks: marks beside the usual ones.
        """
        backings = self._networks.backings({nic.backing.name for nic in spec.nics})
        home = self._datastore.home(vm_uuid, {records.home_of(found) for found in others})
        media = {
            disk.key: home / f"{disk.key}.iso"
            for disk in spec.disks
            if isinstance(disk.source, Media)
        }
        files = {key: self._datastore.path(file) for key, file in media.items()}
        more = self._lifecycle.identity(vm_uuid, spec, others)

        def undo() -> None:
            self._leaving.leave(vm_uuid, keep_disks=True)
            self._datastore.remove(home)

        with undone_by(undo):
            # What a crash left.
            self._datastore.remove(home)
            self._datastore.make_folder(home)
            for disk in spec.disks:
                if isinstance(disk.source, Media):
                    content = disk.source.content
                    self._datastore.put(media[disk.key], len(content), iter((content,)))
            # Where volumes are raw devices, their mappings are the VM's own.
            files |= {
                disk.key: self._datastore.path(home / f"{disk.key}.vmdk")
                for disk in spec.disks
                if isinstance(disk.source, Volume)
            }
            with self._volumes.connected(spec.disks) as reached:
                config = self._lifecycle.config(
                    vm_uuid, spec, backings, home, Plans(reached), {**disks, **files}, marks, **more
                )
                self._lifecycle.make(vm_uuid, config)
