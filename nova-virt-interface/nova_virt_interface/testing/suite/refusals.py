"""What cannot be had is refused by every operation that takes a description, not by one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from nova_virt_interface.errors import InvalidState, NotFound, Resource, Unsupported
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ISuspend
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import (
    HypervisorMixin,
    blank_disk,
    nic,
    nic_to_nowhere,
)
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskBus,
    DiskSpec,
    FromImage,
)
from nova_virt_interface.values.images import CacheImageRequest, DiskFormat
from nova_virt_interface.values.nics import (
    AttachNicRequest,
    DetachNicRequest,
    NicBackingKind,
    NicModel,
    NicSpec,
)
from nova_virt_interface.values.power import PowerState, StartRequest, SuspendRequest
from nova_virt_interface.values.resize import ResizeVmRequest
from nova_virt_interface.values.vm import VmSpec

__all__ = ["RefusalSuite"]


class RefusalSuite(HypervisorMixin):
    """`VmSpec`, `DiskSpec` and `NicSpec`, wherever they are taken."""

    @contextmanager
    def _nothing_is_touched(self) -> Iterator[None]:
        before, listed = self.harness.leftovers(), self.hypervisor.list_vms()
        yield
        self.assertEqual(before, self.harness.leftovers())
        self.assertEqual(listed, self.hypervisor.list_vms())

    def _takers_of_nics(self) -> Iterator[tuple[str, Callable[[NicSpec], None]]]:
        driver = self.hypervisor
        yield "create", lambda card: driver.create_vm(self.new_uuid(), self.spec(nics=(card,)))
        vm_uuid = self.made()
        if INicHotplug.providedBy(driver):
            yield "attach", lambda card: driver.attach_nic(vm_uuid, AttachNicRequest(nic=card))
        if IResize.providedBy(driver):
            yield "resize", lambda card: self._resized(self.spec(nics=(card,)))

    def _takers_of_disks(self) -> Iterator[tuple[str, Callable[[DiskSpec], None]]]:
        driver = self.hypervisor
        yield "create", lambda disk: driver.create_vm(self.new_uuid(), self.spec(disks=(disk,)))
        vm_uuid = self.made()
        if IDiskHotplug.providedBy(driver):
            yield "attach", lambda disk: driver.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
        if IResize.providedBy(driver):
            disks = self.spec().disks
            yield "resize", lambda disk: self._resized(self.spec(disks=(*disks, disk)))

    def _resized(self, spec: VmSpec) -> None:
        self.hypervisor.resize_vm(self.made(), ResizeVmRequest(spec=spec))

    @rules("ERR-4")
    def test_a_network_that_is_not_there(self) -> None:
        card = nic_to_nowhere(self.harness)
        if NicBackingKind.NETWORK not in self.hypervisor.describe().nic_backings:
            with self.refused(Unsupported):
                self.made(nics=(card,))
            return
        for taker, take in self._takers_of_nics():
            with self.refused(NotFound) as caught:
                take(card)
            self.assertEqual((taker, Resource.NETWORK), (taker, caught.error.resource))
            self.assertFalse(caught.error.may_have_been_done, taker)

    @rules("CAP-2", "ERR-4")
    def test_a_nic_that_is_not_offered(self) -> None:
        host, card = self.hypervisor.describe(), nic(self.harness)
        wrong = [replace(card, model=model) for model in set(NicModel) - {*host.nic_models}]
        for _, take in self._takers_of_nics():
            for one in wrong:
                with self.refused(Unsupported) as caught:
                    take(one)
                self.assertIn("model", caught.error.field)

    @rules("CAP-2", "ERR-4")
    def test_a_disk_that_is_not_offered(self) -> None:
        host, disk = self.hypervisor.describe(), blank_disk(self.harness, "wrong")
        wrong = [replace(disk, bus=bus) for bus in set(DiskBus) - {*host.disk_buses}]
        wrong += [replace(disk, format=form) for form in set(DiskFormat) - {*host.disk_formats}]
        for _, take in self._takers_of_disks():
            for one in wrong:
                with self.refused(Unsupported) as caught:
                    take(one)
                self.assertRegex(caught.error.field, "bus|format")

    @rules("ERR-4")
    def test_an_image_that_is_not_cached(self) -> None:
        self.requires(IImageCache)
        source = FromImage(image_key="never-cached")
        disk = DiskSpec(key="wrong", source=source, size_bytes=self.harness.disk_bytes)
        for _, take in self._takers_of_disks():
            with self.refused(NotFound, Resource.IMAGE):
                take(disk)

    @rules("CAP-2", "ERR-4")
    def test_an_image_of_a_format_that_is_not_offered(self) -> None:
        self.requires(IImageCache)
        with self._nothing_is_touched():
            for form in set(DiskFormat) - {*self.hypervisor.describe().image_formats}:
                request = CacheImageRequest(key="wrong", format=form, size_bytes=1024)
                with self.refused(Unsupported):
                    self.hypervisor.cache_image(request)

    @rules("DISK-12", "NIC-6", "ERR-4")
    def test_a_suspended_vm_keeps_the_devices_that_its_memory_knows(self) -> None:
        self.requires(ISuspend)
        vm_uuid = self.running(nics=(nic(self.harness, 1),))
        self.hypervisor.suspend_vm(vm_uuid, SuspendRequest())
        disk, card = blank_disk(self.harness, "extra"), nic(self.harness, 2)
        changes = {
            IDiskHotplug: (
                ("attach_disk", AttachDiskRequest(disk=disk)),
                ("detach_disk", DetachDiskRequest(key="data")),
            ),
            INicHotplug: (
                ("attach_nic", AttachNicRequest(nic=card)),
                ("detach_nic", DetachNicRequest(key="nic-1")),
            ),
        }
        with self._nothing_is_touched():
            for interface, methods in changes.items():
                for method, request in methods if interface.providedBy(self.hypervisor) else ():
                    with self.refused(InvalidState) as caught:
                        getattr(self.hypervisor, method)(vm_uuid, request)
                    self.assertEqual(PowerState.SUSPENDED.value, caught.error.state, method)
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        self.assert_state(vm_uuid, PowerState.RUNNING)
