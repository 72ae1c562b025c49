"""Settings of a guest in domain XML, and the host's own description, as libvirt writes both."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import uuid4

import testtools
from lxml import etree
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.guest_settings import (
    CpuMode,
    CpuPin,
    CpuSettings,
    Firmware,
    GuestNumaCell,
    GuestSettings,
    HostDevice,
    MemoryBacking,
    RandomSource,
    Share,
    Tpm,
    TpmModel,
    VmFeature,
    Watchdog,
    WatchdogAction,
)
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicLimits, NicSpec
from nova_virt_interface.values.secrets import SecretPurpose
from nova_virt_interface.values.topology import PciDeviceKind
from nova_virt_interface.values.vm import VmSpec

from nova_virt_libvirt import requirements, topology
from nova_virt_libvirt.domain_description import read_domain
from nova_virt_libvirt.domain_xml import domain_xml
from nova_virt_libvirt.mark import Mark
from nova_virt_libvirt.nic_xml import nic_xml
from nova_virt_libvirt.volume_xml import secret_uuid
from unit.test_domain_xml import FILES, HOST

MIB = 1024**2
CARD = "0000:3b:00.1"


class TestSettings(testtools.TestCase):
    def built(self, vcpus: int = 2, **settings: Any) -> Any:
        spec = VmSpec(
            name="vm", vcpus=vcpus, memory_bytes=64 * MIB, settings=GuestSettings(**settings)
        )
        vm_uuid = uuid4()
        mark = Mark.of("nova", vm_uuid, spec)
        return etree.fromstring(domain_xml(vm_uuid, spec, (), HOST, mark, FILES))

    def test_none_asked_for_is_none_written(self) -> None:
        domain = self.built()
        for path in ("cpu", "memoryBacking", "cputune", "numatune", "devices/watchdog"):
            self.assertIsNone(domain.find(path), path)

    def test_processors(self) -> None:
        cpu = CpuSettings(
            mode=CpuMode.NAMED, model="EPYC", features=("avx2",), sockets=1, cores=2, threads=1
        )
        domain = self.built(cpu=cpu, cpu_pins=(CpuPin(vcpu=1, host_cpus=(0, 3)),))
        self.assertEqual("EPYC", domain.findtext("cpu/model"))
        self.assertEqual("avx2", domain.find("cpu/feature[@policy='require']").get("name"))
        self.assertEqual("2", domain.find("cpu/topology").get("cores"))
        self.assertEqual("0,3", domain.find("cputune/vcpupin[@vcpu='1']").get("cpuset"))

    def test_cells_and_memory(self) -> None:
        cells = tuple(
            GuestNumaCell(vcpus=(number,), memory_bytes=32 * MIB, host_cell=number or None)
            for number in range(2)
        )
        memory = MemoryBacking(page_bytes=2 * MIB, locked=True, shared=True)
        domain = self.built(numa_cells=cells, memory=memory)
        self.assertEqual(["0", "1"], [c.get("cpus") for c in domain.iterfind("cpu/numa/cell")])
        self.assertEqual(["1"], [n.get("nodeset") for n in domain.iterfind("numatune/memnode")])
        page = domain.find("memoryBacking/hugepages/page")
        self.assertEqual((str(2 * MIB), "b"), (page.get("size"), page.get("unit")))
        self.assertIsNotNone(domain.find("memoryBacking/locked"))
        self.assertEqual("memfd", domain.find("memoryBacking/source").get("type"))

    def test_secure_boot(self) -> None:
        domain = self.built(firmware=Firmware.UEFI, secure_boot=True)
        self.assertEqual("efi", domain.find("os").get("firmware"))
        secure = domain.find("os/firmware/feature[@name='secure-boot']")
        self.assertEqual("yes", secure.get("enabled"))
        self.assertEqual("on", domain.find("features/smm").get("state"))
        self.assertEqual("pc-q35-7.2", domain.find("os/type").get("machine"))
        self.assertEqual("/pool/variables", domain.findtext("os/nvram"))
        ports = domain.findall("devices/controller[@model='pcie-root-port']")
        self.assertEqual(8, len(ports))

    def test_without_secure_boot_the_machine_is_the_hosts_usual_one(self) -> None:
        domain = self.built(firmware=Firmware.UEFI)
        self.assertEqual("pc-i440fx-7.2", domain.find("os/type").get("machine"))
        self.assertEqual([], domain.findall("devices/controller[@type='pci']"))

    def test_a_tpm_is_read_back_with_the_secret_that_it_needs(self) -> None:
        for model, written in ((None, "tpm-tis"), (TpmModel.CRB, "tpm-crb")):
            domain = self.built(tpm=Tpm(key="key", model=model))
            self.assertEqual(written, domain.find("devices/tpm").get("model"))
            backend = domain.find("devices/tpm/backend")
            self.assertEqual(("emulator", "2.0"), (backend.get("type"), backend.get("version")))
            read = read_domain(etree.tostring(domain, encoding="unicode"))
            self.assertEqual((("key", SecretPurpose.TPM),), read.needs)
            secret = secret_uuid(read.vm_uuid, "key", SecretPurpose.TPM)
            self.assertEqual(str(secret), backend.find("encryption").get("secret"))

    def test_devices(self) -> None:
        domain = self.built(
            guest_agent=True,
            watchdog=Watchdog(action=WatchdogAction.POWER_OFF),
            random_source=RandomSource(bytes_per_second=2048),
            shares=(Share(tag="work", path="/srv/<work>"),),
            host_devices=(HostDevice(key="card", address=CARD),),
        )
        self.assertEqual("poweroff", domain.find("devices/watchdog").get("action"))
        rate = domain.find("devices/rng/rate")
        self.assertEqual(("2048", "1000"), (rate.get("bytes"), rate.get("period")))
        self.assertEqual("/srv/<work>", domain.find("devices/filesystem/source").get("dir"))
        self.assertIsNotNone(domain.find("devices/channel/target[@type='virtio']"))
        address = domain.find("devices/hostdev/source/address")
        self.assertEqual(("0x3b", "0x1"), (address.get("bus"), address.get("function")))

    def test_shares_need_memory_that_can_be_mapped(self) -> None:
        settings = GuestSettings(shares=(Share(tag="work", path="/srv"),))
        spec = VmSpec(name="vm", vcpus=1, memory_bytes=MIB, settings=settings)
        features = (VmFeature.SHARES, VmFeature.SHARED_MEMORY)
        description = dataclasses.replace(HOST.description, features=features)
        host = dataclasses.replace(HOST, description=description)
        error: Any = self.assertRaises(Unsupported, requirements.check_vm, spec, host)
        self.assertEqual("settings.shares", error.field)
        shared = dataclasses.replace(settings, memory=MemoryBacking(shared=True))
        requirements.check_vm(dataclasses.replace(spec, settings=shared), host)


class TestNics(testtools.TestCase):
    def built(self, kind: NicBackingKind, name: str, **more: Any) -> Any:
        places = {field: more.pop(field) for field in ("vlan_id", "interface_id") if field in more}
        backing = NicBacking(kind=kind, name=name, **places)
        nic = NicSpec(key="port-1", mac="52:54:00:00:00:01", backing=backing, **more)
        return nic_xml(uuid4(), nic, HOST)

    def test_open_vswitch(self) -> None:
        nic = self.built(NicBackingKind.OPEN_VSWITCH, "br-int", interface_id="i-1", vlan_id=7)
        self.assertEqual(("bridge", "br-int"), (nic.get("type"), nic.find("source").get("bridge")))
        self.assertEqual("i-1", nic.find("virtualport/parameters").get("interfaceid"))
        self.assertEqual("7", nic.find("vlan/tag").get("id"))

    def test_a_function_of_a_card(self) -> None:
        nic = self.built(NicBackingKind.PCI_DEVICE, CARD)
        self.assertEqual(("hostdev", "yes"), (nic.get("type"), nic.get("managed")))
        self.assertEqual("0x3b", nic.find("source/address").get("bus"))
        self.assertIsNone(nic.find("model"))

    def test_a_shared_interface(self) -> None:
        nic = self.built(NicBackingKind.MACVTAP, "eth0")
        self.assertEqual(("direct", "eth0"), (nic.get("type"), nic.find("source").get("dev")))

    def test_queues_and_limits(self) -> None:
        limits = NicLimits(received_bytes_per_second=10 * 1024, sent_bytes_per_second=1)
        nic = self.built(NicBackingKind.NETWORK, "n", queues=4, limits=limits)
        self.assertEqual("4", nic.find("driver").get("queues"))
        self.assertEqual("10", nic.find("bandwidth/inbound").get("average"))
        self.assertEqual("1", nic.find("bandwidth/outbound").get("average"))


_DEVICE = """
<device><name>pci_0000_3b_02_1</name><capability type='pci'>
  <domain>0</domain><bus>59</bus><slot>2</slot><function>1</function>
  <product id='0x154c'/><vendor id='0x8086'/>
  <capability type='phys_function'>
    <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>
  </capability>
  <iommuGroup number='17'/><numa node='1'/>
</capability></device>"""
_GPU = """
<device><name>pci_0000_05_00_0</name><capability type='pci'>
  <domain>0</domain><bus>5</bus><slot>0</slot><function>0</function>
  <product id='0x1'/><vendor id='0x10de'/>
  <capability type='mdev_types'><type id='nvidia-35'>
    <availableInstances>12</availableInstances></type></capability>
</capability></device>"""
_HOST = """
<capabilities><host>
  <cpu><model>EPYC</model><vendor>AMD</vendor><topology sockets='1' cores='2' threads='2'/>
    <feature name='sha-ni'/><feature name='avx2'/></cpu>
  <topology><cells num='1'><cell id='0'><memory unit='KiB'>1024</memory>
    <pages unit='KiB' size='4'>256</pages><pages unit='KiB' size='2048'>3</pages>
    <distances><sibling id='0' value='10'/></distances>
    <cpus num='4'><cpu id='0' siblings='0,2'/><cpu id='1' siblings='1,3'/>
      <cpu id='2' siblings='0,2'/><cpu id='3' siblings='1,3'/></cpus></cell></cells></topology>
</host></capabilities>"""


class TestTopology(testtools.TestCase):
    def test_a_virtual_function(self) -> None:
        device = topology.read_device(etree.fromstring(_DEVICE), {"pci_0000_3b_02_1": "ens1v1"})
        self.assertEqual("0000:3b:02.1", device.address)
        self.assertIs(PciDeviceKind.VIRTUAL_FUNCTION, device.kind)
        self.assertEqual("0000:3b:00.0", device.parent_address)
        self.assertEqual(
            (1, 17, "ens1v1"), (device.numa_cell, device.iommu_group, device.network_interface)
        )

    def test_mediated_devices(self) -> None:
        (gpu,) = topology.read_gpu_types(etree.fromstring(_GPU))
        self.assertEqual(("0000:05:00.0", "nvidia-35", 12), (gpu.parent, gpu.type_name, gpu.total))

    def test_processors_and_cells(self) -> None:
        host = etree.fromstring(_HOST)
        cpu = topology.read_cpu(host)
        self.assertEqual(
            ("EPYC", 1, 2, 2), (cpu.model, cpu.sockets, cpu.cores_per_socket, cpu.threads_per_core)
        )
        self.assertEqual(("avx2", "sha_ni"), cpu.features)
        (cell,) = topology.read_cells(host)
        self.assertEqual(((0, 2), (1, 3)), cell.siblings)
        self.assertEqual(1024 * 1024, cell.memory_bytes)
        self.assertEqual([(4096, 256), (2 * MIB, 3)], [(p.page_bytes, p.total) for p in cell.pages])
