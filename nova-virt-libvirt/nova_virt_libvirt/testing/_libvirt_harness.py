"""What the harnesses of both backends have in common."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, ClassVar
from uuid import UUID, uuid4

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.testing.harness import Harness
from nova_virt_interface.values.guest_settings import VmFeature

from nova_virt_libvirt import event_loop
from nova_virt_libvirt.conf import Settings
from nova_virt_libvirt.hypervisor import LibvirtFactory
from nova_virt_libvirt.testing._power_answers import LibvirtPowerAnswers
from nova_virt_libvirt.testing.rpc_counter import RpcCounter

__all__ = ["LibvirtHarness", "objects"]


_FEATURE_PATHS = {
    VmFeature.CPU_MODEL: "cpu/@mode",
    VmFeature.CPU_TOPOLOGY: "cpu/topology",
    VmFeature.CPU_PINNING: "cputune/vcpupin",
    VmFeature.NUMA: "cpu/numa/cell",
    VmFeature.LOCKED_MEMORY: "memoryBacking/locked",
    VmFeature.SHARED_MEMORY: "memoryBacking/access[@mode='shared']",
    VmFeature.FILE_BACKED_MEMORY: "memoryBacking/source[@type='file']",
    VmFeature.SECURE_BOOT: "os/firmware/feature[@name='secure-boot'][@enabled='yes']"
    " or os/loader[@secure='yes']",
    VmFeature.TPM: "devices/tpm",
    VmFeature.WATCHDOG: "devices/watchdog",
    VmFeature.RANDOM_SOURCE: "devices/rng",
    VmFeature.GUEST_AGENT: "devices/channel/target[@name='org.qemu.guest_agent.0']",
}


class LibvirtHarness(LibvirtPowerAnswers, Harness):
    """What both backends have in common."""

    driver = "libvirt"
    _domain_type: ClassVar[str]

    def __init__(self) -> None:
        self.counter = RpcCounter()
        self._pool = f"conformance-{uuid4().hex[:12]}"
        self._foreign: dict[UUID, str] = {}

    @contextmanager
    def looking(self, uri: str = "") -> Iterator[Any]:
        """A libvirt connection of the harness's own, whose questions do not count."""
        # libvirt closes a socket in its event loop, of which a process has one: the driver's.
        with self.counter.paused():
            event_loop.acquire()
            try:
                with closing(libvirt.open(uri or self.settings().uri)) as connection:
                    yield connection
            finally:
                event_loop.release()

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return LibvirtFactory()

    def settings(self) -> Settings:
        """See `Harness`."""
        raise NotImplementedError

    def leftovers(self) -> frozenset[str]:
        """See `Harness`."""
        # libvirt closes a connection when the last object that came from it is gone: those that
        # hang on a caught error's traceback are gone once Python has looked.
        gc.collect()
        with self.looking() as connection:
            found = objects(connection, self._pool)
        return frozenset(found | self._files() | self._connections())

    def _files(self) -> set[str]:
        return set()

    def _connections(self) -> set[str]:
        return set()

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        # The name is such as the driver gives: ownership must not hang on it.
        definition = E.domain(
            E.name(f"{self.settings().owner}-{vm_uuid}"),
            E.uuid(str(vm_uuid)),
            E.memory("64", unit="MiB"),
            E.os(E.type("hvm")),
            type=self._domain_type,
        )
        with self.looking() as connection:
            connection.defineXML(etree.tostring(definition, encoding="unicode"))
            self._foreign[vm_uuid] = connection.lookupByUUIDString(str(vm_uuid)).XMLDesc(0)
        try:
            yield
        finally:
            with self.looking() as connection:
                connection.lookupByUUIDString(str(vm_uuid)).undefine()

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`. As virt-clone makes it, with the metadata, but without its disks."""
        copy_uuid = str(uuid4())
        with self.looking() as connection:
            text = connection.lookupByUUIDString(str(vm_uuid)).XMLDesc(0)
            domain: Any = etree.fromstring(text)
            domain.find("name").text = "copy"
            domain.find("uuid").text = copy_uuid
            for device in domain.find("devices"):
                domain.find("devices").remove(device)
            connection.defineXML(etree.tostring(domain, encoding="unicode"))
            before = connection.lookupByUUIDString(copy_uuid).XMLDesc(0)

        def is_untouched() -> bool:
            with self.looking() as connection:
                copy = connection.lookupByUUIDString(copy_uuid)
                return bool(copy.XMLDesc(0) == before and not copy.isActive())

        try:
            yield is_untouched
        finally:
            with self.looking() as connection:
                connection.lookupByUUIDString(copy_uuid).undefine()

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            return bool(domain.XMLDesc(0) == self._foreign[vm_uuid] and not domain.isActive())

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        with self.looking() as connection:
            text = connection.lookupByUUIDString(str(vm_uuid)).XMLDesc(
                libvirt.VIR_DOMAIN_XML_INACTIVE
            )
        domain = etree.fromstring(text)
        return frozenset(
            feature for feature, path in _FEATURE_PATHS.items() if domain.xpath(f"boolean({path})")
        )

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        with self.looking() as connection:
            domain = connection.lookupByUUIDString(str(vm_uuid))
            live = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
            flags = live | libvirt.VIR_DOMAIN_AFFECT_CONFIG
            domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, name, None, None, flags)

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        with self.looking() as connection:
            connection.lookupByUUIDString(str(vm_uuid)).destroy()

    def round_trips(self) -> int:
        """See `Harness`."""
        return self.counter.total


def objects(connection: Any, pool_name: str) -> set[str]:
    """Names of all domains, and of what is in the driver's pools."""
    found = {f"domain {domain.name()}" for domain in connection.listAllDomains()}
    for pool in connection.listAllStoragePools():
        if pool.name().startswith(pool_name):
            pool.refresh(0)
            found |= {f"volume {volume.name()}" for volume in pool.listAllVolumes()}
    return found
