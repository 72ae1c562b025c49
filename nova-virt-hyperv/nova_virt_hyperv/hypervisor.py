"""What core meets: the factory behind the entry point, and the connection that it makes."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.services import IServices
from nova_virt_interface.values.disks import AttachDiskRequest, DetachDiskRequest
from nova_virt_interface.values.host import HostDescription, HostInventory
from nova_virt_interface.values.images import CachedImage, CacheImageRequest, DeleteImageRequest
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics
from oslo_config import cfg
from zope.interface import alsoProvides, implementer

from nova_virt_hyperv.conf import Settings, settings_from
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.files import Files
from nova_virt_hyperv.images import Images
from nova_virt_hyperv.inventory import Inventory, computer, find_services, operating_system
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machines
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.power import Power
from nova_virt_hyperv.session import Session
from nova_virt_hyperv.translate import describe
from nova_virt_hyperv.wmi import Wmi

__all__ = ["HyperVFactory", "HyperVHypervisor"]


@implementer(IHypervisor)
class HyperVHypervisor:
    """A connection to one Hyper-V host.

    It declares what it provides and delegates; the optional interfaces are added to the instance
    while connecting.
    """

    def __init__(
        self, session: Session, files: Files, settings: Settings, services: IServices
    ) -> None:
        self._session = session
        self._files = files
        wmi = Wmi(session)
        system = computer(wmi)
        self._description = describe(system, operating_system(wmi))
        found = find_services(wmi, system.text("Name"))
        files.prepare()
        machines = Machines(wmi, found, settings.owner)
        devices, disk_files = Devices(wmi, found), DiskFiles(wmi, found)
        self._images = Images(
            session, wmi, files, disk_files, self._description, settings, services.images
        )
        self._disks = Disks(machines, devices, disk_files, files, self._images, self._description)
        self._nics = Nics(wmi, machines, devices, self._description)
        self._inventory = Inventory(wmi, machines, self._disks, self._nics, settings)
        self._events = Events(services.events, machines, settings.poll_interval_seconds)
        self._power = Power(wmi, machines, self._events)
        self._lifecycle = Lifecycle(
            wmi,
            machines,
            devices,
            self._disks,
            self._nics,
            self._power,
            self._events,
            found,
            self._description,
            settings.owner,
        )
        try:
            self._events.start()
        except BaseException:
            self._events.close()
            raise
        alsoProvides(self, IDiskHotplug, IImageCache, INicHotplug)

    def describe(self) -> HostDescription:
        """See `IHypervisor.describe`."""
        self._session.require_open()
        return self._description

    def inventory(self) -> HostInventory:
        """See `IHypervisor.inventory`."""
        return self._inventory.inventory()

    def list_vms(self) -> tuple[VmState, ...]:
        """See `IHypervisor.list_vms`."""
        return self._inventory.list_vms()

    def get_vm(self, vm_uuid: UUID) -> VmState:
        """See `IHypervisor.get_vm`."""
        return self._inventory.get_vm(vm_uuid)

    def statistics(self) -> tuple[VmStatistics, ...]:
        """See `IHypervisor.statistics`."""
        return self._inventory.statistics()

    def create_vm(self, vm_uuid: UUID, spec: VmSpec) -> None:
        """See `IHypervisor.create_vm`."""
        self._lifecycle.create_vm(vm_uuid, spec)

    def start_vm(self, vm_uuid: UUID, request: StartRequest) -> None:
        """See `IHypervisor.start_vm`."""
        self._power.start_vm(vm_uuid, request)

    def stop_vm(self, vm_uuid: UUID, request: StopRequest) -> None:
        """See `IHypervisor.stop_vm`."""
        self._power.stop_vm(vm_uuid, request)

    def reboot_vm(self, vm_uuid: UUID, request: RebootRequest) -> None:
        """See `IHypervisor.reboot_vm`."""
        self._power.reboot_vm(vm_uuid, request)

    def delete_vm(self, vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """See `IHypervisor.delete_vm`."""
        self._lifecycle.delete_vm(vm_uuid, request)

    def attach_disk(self, vm_uuid: UUID, request: AttachDiskRequest) -> None:
        """See `IDiskHotplug.attach_disk`."""
        self._disks.attach_disk(vm_uuid, request)

    def detach_disk(self, vm_uuid: UUID, request: DetachDiskRequest) -> None:
        """See `IDiskHotplug.detach_disk`."""
        self._disks.detach_disk(vm_uuid, request)

    def attach_nic(self, vm_uuid: UUID, request: AttachNicRequest) -> None:
        """See `INicHotplug.attach_nic`."""
        self._nics.attach_nic(vm_uuid, request)

    def detach_nic(self, vm_uuid: UUID, request: DetachNicRequest) -> None:
        """See `INicHotplug.detach_nic`."""
        self._nics.detach_nic(vm_uuid, request)

    def cache_image(self, request: CacheImageRequest) -> CachedImage:
        """See `IImageCache.cache_image`."""
        return self._images.cache_image(request)

    def list_cached_images(self) -> tuple[CachedImage, ...]:
        """See `IImageCache.list_cached_images`."""
        return self._images.list_cached_images()

    def delete_cached_image(self, request: DeleteImageRequest) -> None:
        """See `IImageCache.delete_cached_image`."""
        self._images.delete_cached_image(request)

    def close(self) -> None:
        """See `IHypervisor.close`."""
        self._events.close()
        self._session.close()
        self._files.close()


@implementer(IHypervisorFactory)
class HyperVFactory:
    """See `IHypervisorFactory`."""

    def settings_from(self, conf: cfg.ConfigOpts, group: str) -> Settings:
        """See `IHypervisorFactory.settings_from`."""
        return settings_from(conf, group)

    def connect(self, settings: Settings, services: IServices) -> HyperVHypervisor:
        """See `IHypervisorFactory.connect`."""
        session, files = Session(settings), Files(settings)
        try:
            return HyperVHypervisor(session, files, settings, services)
        except BaseException:
            session.close()
            files.close()
            raise
