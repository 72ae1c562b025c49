"""What the libvirt driver costs beside libvirt itself: bulk questions, a boot, a host's report.

The bulk questions are put to libvirt's test driver with a thousand domains, the rest to QEMU behind
a private libvirtd. Needs root, like the tests on QEMU.
"""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import libvirt
from lxml import etree
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._mixins import blank_disk, image_disk, image_request
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_libvirt.inventory import ALL_STATISTICS
from nova_virt_libvirt.testing.harness import LibvirtHarness, QemuHarness, TestDriverHarness

from toolbox.bench import parse
from toolbox.benchmarks.timing import Row, Timed, measure, write

__all__ = ["main"]

_DOMAINS = 1000
_FEW = 20
_READY = b"NVG ready"
_MEMORY_BYTES = 128 * 1024**2
_CONSOLE_BYTES = 64 * 1024


def main(arguments: list[str]) -> int:
    """Measure all rows and tell them; what was counted goes to standard error."""
    options = parse(arguments)
    found = [*_bulk(options.rounds), *_boot(options.rounds)]
    write(found, options.format)
    return 0


def _started(harness: LibvirtHarness) -> Any:
    harness.start()
    return harness.factory().connect(harness.settings(), SuiteServices())


def _bulk(rounds: int) -> list[Timed]:
    harness = TestDriverHarness()
    driver = _started(harness)
    # It would slow down whoever asks more than its peer.
    harness.counter.remove()
    try:
        for number in range(_DOMAINS):
            spec = VmSpec(name=f"vm-{number}", vcpus=1, memory_bytes=_MEMORY_BYTES)
            driver.create_vm(uuid4(), spec)
        with closing(libvirt.open(harness.settings().uri)) as bare:
            return measure(_bulk_rows(driver, bare), rounds)
    finally:
        _delete_all(driver)
        driver.close()
        harness.stop()


def _bulk_rows(driver: Any, bare: Any) -> list[Row]:
    flags = {"states": libvirt.VIR_DOMAIN_STATS_STATE, "statistics": ALL_STATISTICS}
    rows = []
    for name, ask in (("states", driver.list_vms), ("statistics", driver.statistics)):
        peer = f"getAllDomainStats, {name} of {_DOMAINS} domains"
        rows.append(Row(peer, int, _asking(bare, flags[name])))
        rows.append(Row(f"{name} of {_DOMAINS} domains", int, _calling(ask), peer=peer))
    return rows


def _calling(ask: Callable[[], object]) -> Callable[[object], object]:
    return lambda _: ask()


def _asking(bare: Any, flags: int) -> Callable[[object], object]:
    return lambda _: bare.getAllDomainStats(flags, 0)


def _boot(rounds: int) -> list[Timed]:
    harness = QemuHarness()
    harness.start()
    services = SuiteServices()
    driver: Any = harness.factory().connect(harness.settings(), services)
    try:
        request = image_request(harness, services)
        driver.cache_image(request)
        _count(harness, driver)
        harness.counter.remove()
        with harness.looking() as bare:
            boots = _Boots(harness, driver, bare, image_disk(harness, request.key))
            boots.learn()
            peer = Row("define + create until the guest is up", boots.clear, boots.bare)
            own = Row("create_vm + start_vm until the guest is up", boots.clear, boots.driver)
            found = measure([peer, Row(own.name, own.prepare, own.run, peer=peer.name)], rounds)
            boots.clear()
        return found
    finally:
        driver.close()
        harness.stop()


class _Boots:
    """One guest, booted by the driver or by libvirt's own calls with the same definition."""

    def __init__(self, harness: QemuHarness, driver: Any, bare: Any, disk: Any) -> None:
        self._harness, self._driver, self._bare = harness, driver, bare
        self._spec = VmSpec(name="vm", vcpus=1, memory_bytes=_MEMORY_BYTES, disks=(disk,))
        self._template = ""
        self._volume = ""

    def driver(self, _: object) -> None:
        """Boot by the driver."""
        vm_uuid = uuid4()
        self._driver.create_vm(vm_uuid, self._spec)
        self._driver.start_vm(vm_uuid, StartRequest())
        self._wait_ready(vm_uuid)

    def learn(self) -> None:
        """Keep the definition, and that of the disk, which the driver makes."""
        vm_uuid = uuid4()
        self._driver.create_vm(vm_uuid, self._spec)
        domain = self._bare.lookupByUUIDString(str(vm_uuid))
        text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        path = etree.fromstring(text).xpath("string(devices/disk/source/@file)")
        disk = self._bare.storageVolLookupByPath(path)
        volume, (_, _, written) = disk.XMLDesc(), disk.info()
        sys.stderr.write(f"the guest's disk, before it boots: {written} bytes written\n")
        self._template = text.replace(str(vm_uuid), "{uuid}")
        self._volume = volume.replace(str(vm_uuid), "{uuid}")
        self._driver.delete_vm(vm_uuid, DeleteVmRequest())

    def bare(self, _: object) -> None:
        """Boot by libvirt's own calls."""
        vm_uuid = uuid4()
        pool = self._bare.storagePoolLookupByName(self._harness.settings().storage_pool)
        pool.createXML(self._volume.replace("{uuid}", str(vm_uuid)))
        domain = self._bare.defineXML(self._template.replace("{uuid}", str(vm_uuid)))
        domain.create()
        self._wait_ready(vm_uuid)

    def clear(self) -> None:
        """Remove what is there; both kinds bear the driver's mark."""
        _delete_all(self._driver)

    def _wait_ready(self, vm_uuid: UUID) -> None:
        # The same way for both: the log is where only the private libvirtd sees it.
        give_up = time.monotonic() + self._harness.patience_seconds
        while _READY not in self._driver.console_log(vm_uuid, _CONSOLE_BYTES):
            if time.monotonic() > give_up:
                raise TimeoutError(f"the guest of VM {vm_uuid} did not come up")
            time.sleep(0.02)


def _count(harness: QemuHarness, driver: Any) -> None:
    """How many questions a boot and a host's report are."""
    vm_uuid = uuid4()
    spec = VmSpec(name="vm", vcpus=1, memory_bytes=_MEMORY_BYTES, disks=(blank_disk(harness),))
    _tell(harness, "create_vm", lambda: driver.create_vm(vm_uuid, spec))
    _tell(harness, "start_vm", lambda: driver.start_vm(vm_uuid, StartRequest()))
    for _ in range(_FEW - 1):
        driver.create_vm(uuid4(), spec)
    name = f"report of a host with {_FEW} domains (inventory, statistics)"
    _tell(harness, name, lambda: (driver.inventory(), driver.statistics()))
    _delete_all(driver)


def _delete_all(driver: Any) -> None:
    for vm in driver.list_vms():
        driver.delete_vm(vm.vm_uuid, DeleteVmRequest())


def _tell(harness: QemuHarness, name: str, act: Callable[[], object]) -> None:
    before = harness.counter.total
    act()
    sys.stderr.write(f"{name}: {harness.counter.total - before} libvirt calls\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
