"""The conformance suite's harness: the driver on a simulated pool of its own."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.testing.harness import (
    Backend,
    BackendKind,
    Harness,
    TestImage,
)
from nova_virt_interface.values.console import Console
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind
from nova_virt_interface.values.power import PowerState

from nova_virt_xenapi.conf import Settings
from nova_virt_xenapi.hypervisor import XenApiFactory
from nova_virt_xenapi.testing.process import Simulator
from nova_virt_xenapi.testing.storage_questions import VOLUMES, StorageAnswers
from nova_virt_xenapi.testing.viewer import screen_name

__all__ = ["FOREIGN", "SimulatorHarness"]

MIB = 1024 * 1024
_OPERATOR_SECONDS = 0.3
_SLOW_BYTES_PER_SECOND = 32 * MIB
# fmt: off
_CLASSES: Final = (
    "VM", "VBD", "VIF", "VDI", "VTPM", "VM_metrics", "console", "task", "session",
)
# fmt: on
_NETWORK = "Pool-wide network associated with eth0"


class SimulatorHarness(StorageAnswers, Harness):
    """A pool, and another one to which VMs go; guests that listen to nobody."""

    driver = "xenapi"
    backend_name = "simulator"
    kind = BackendKind.SIMULATED
    patience_seconds = 15.0

    def start(self) -> None:
        """See `Harness`."""
        self.simulator = Simulator(hosts=2)
        self.other_pool = Simulator(hosts=1, label="other")
        for pool in (self.simulator, self.other_pool):
            # Each call waits for its events; what xapi's own 50 ms may hide has tests of its own.
            pool.ask("event_delay", seconds=0.005)
        # In the simulator's own directory, which goes with it even when this process is killed.
        self._image = Path(self.simulator.ca_file).with_name("image.raw")
        self._image.write_bytes(os.urandom(MIB) + bytes(MIB))
        self._foreign: dict[UUID, tuple[str, dict[str, Any]]] = {}

    def stop(self) -> None:
        """See `Harness`."""
        for name in ("simulator", "other_pool"):
            if hasattr(self, name):
                getattr(self, name).stop()

    def backend(self) -> Backend:
        """See `Harness`."""
        return Backend(name=self.backend_name, version="xapi 26.17", kind=self.kind)

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return XenApiFactory()

    def settings(self) -> Settings:
        """See `Harness`."""
        return self.simulator.settings()

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        # Nobody listens on the discard service's port.
        return self.simulator.settings(url="https://127.0.0.1:9")

    def image(self) -> TestImage:
        """See `Harness`."""
        size = self._image.stat().st_size
        return TestImage(
            path=self._image, format=DiskFormat.RAW, virtual_size_bytes=size, boots=False
        )

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name=_NETWORK)

    def leftovers(self) -> frozenset[str]:
        """See `Harness`."""
        return self._objects(self.simulator) | self._objects(self.other_pool)

    def _objects(self, simulator: Simulator) -> frozenset[str]:
        def records(class_name: str) -> dict[str, dict[str, Any]]:
            found: dict[str, dict[str, Any]] = simulator.ask("records", class_name=class_name)
            return found

        vms, names = records("VM"), Counter[str]()
        services = {ref for ref, row in records("SR").items() if row["name_label"] == VOLUMES}
        hosts = {ref: row["uuid"] for ref, row in records("host").items()}
        # A VM that goes to another host of the pool stays the same object.
        places = {
            ref: hosts.get(vm["resident_on"]) or vm["other_config"].get("nova-virt-host", "")
            for ref, vm in vms.items()
        }
        places |= {vm["metrics"]: places[ref] for ref, vm in vms.items()}
        for class_name in _CLASSES:
            for ref, record in records(class_name).items():
                if class_name == "VDI" and record["SR"] in services:
                    continue
                place = places.get(ref) or places.get(record.get("VM", ""), "")
                # What is made anew in the place of another is no leftover.
                names[f"{class_name} {_identity(class_name, ref, record)} {place}"] += 1
        return frozenset(
            f"{name} {number}" for name, count in names.items() for number in range(count)
        )

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        ask = self.simulator.ask
        vm = ask("call", method="VM.create", parameters=[FOREIGN])
        ask("write", class_name="VM", ref=vm, field="uuid", value=str(vm_uuid))
        self._foreign[vm_uuid] = (vm, self._records("VM")[vm])
        try:
            yield
        finally:
            ask("call", method="VM.destroy", parameters=[vm])

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        vm, record = self._foreign[vm_uuid]
        return bool(self._records("VM").get(vm) == record)

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`."""
        clone = self._call("VM.clone", self._ref(vm_uuid), "copy")
        before = self._records("VM")[clone]
        vbds = self._records("VBD")
        try:
            yield lambda: bool(self._records("VM").get(clone) == before)
        finally:
            vdis = [vbds[ref]["VDI"] for ref in before["VBDs"]]
            self._call("VM.destroy", clone)
            for vdi in vdis:
                self._call("VDI.destroy", vdi)

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        self._call("VM.set_name_label", self._ref(vm_uuid), name)

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self._call("VM.hard_shutdown", self._ref(vm_uuid))

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        record = self._record(vm_uuid)
        asked = {
            VmFeature.CPU_TOPOLOGY: "cores-per-socket" in record["platform"],
            VmFeature.CPU_PINNING: "mask" in record["VCPUs_params"],
            VmFeature.SECURE_BOOT: record["platform"].get("secureboot") == "true",
            VmFeature.PCI_PASSTHROUGH: "pci" in record["other_config"],
            VmFeature.TPM: bool(record["VTPMs"]),
            VmFeature.PARAVIRTUALIZED_GUESTS: record["domain_type"] in ("pv", "pv_in_pvh"),
            VmFeature.PVH_GUESTS: record["domain_type"] == "pvh",
        }
        return frozenset(feature for feature, is_set in asked.items() if is_set)

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `Harness`."""
        return _STATES[self._record(vm_uuid)["power_state"]]

    def resume_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self._call("VM.unpause", self._ref(vm_uuid))
        # An operator is not so fast that the next change hides this one from ``event.from``.
        time.sleep(_OPERATOR_SECONDS)

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self._call("VM.start", self._ref(vm_uuid), False, False)

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """See `Harness`."""
        found = screen_name(console, self.simulator.ca_file)
        return bool(found == self._record(vm_uuid)["uuid"])

    def device_addresses(self, vm_uuid: UUID) -> Mapping[str, str]:
        """See `Harness`."""
        vm = self._ref(vm_uuid)
        found = {}
        for class_name in ("VBD", "VIF"):
            for record in self._records(class_name).values():
                if record["VM"] == vm and record["currently_attached"]:
                    # Linux gives a Xen disk the block device number 202:16n.
                    number = int(record["userdevice"]) if class_name == "VBD" else None
                    key = record["other_config"]["nova-virt-key"]
                    place = record.get("device") if number is None else os.makedev(202, 16 * number)
                    found[key] = str(place)
        return found

    def host_measures(self) -> Mapping[str, float]:
        """See `Harness`."""
        [host] = [row for row in self._records("host").values() if row["name_label"] == "xcp-0"]
        booted = float(host["other_config"]["boot_time"])
        return {"uptime_seconds": time.time() - booted, "cpu_load": 0.25}

    @contextmanager
    def host_orders(self) -> Iterator[list[str]]:
        """See `Harness`."""
        taken = _Orders(self.simulator)
        try:
            yield taken
        finally:
            self.simulator.ask("hosts_on")

    def takes_vms(self) -> bool:
        """See `Harness`."""
        hosts = self._records("host").values()
        return any(row["enabled"] for row in hosts if row["name_label"] == "xcp-0")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """See `Harness`."""
        self.simulator.ask("away")
        # Who listens on a connection that was cut hears of it a moment later.
        time.sleep(_OPERATOR_SECONDS)
        try:
            yield
        finally:
            self.simulator.ask("back")

    @contextmanager
    def full_storage(self) -> Iterator[None]:
        """See `Harness`."""
        self.simulator.ask("ballast", free_bytes=4096)
        try:
            yield
        finally:
            self.simulator.ask("ballast")

    def round_trips(self) -> int:
        """See `Harness`. The loop's long poll waits beside every call and is no question of any."""
        calls = self.simulator.ask("calls")
        return sum(count for method, count in calls.items() if method != "event.from")

    @property
    def slow_bytes_per_second(self) -> int:  # type: ignore[override]
        """See `Harness`. xapi takes no limit for a migration: for whoever wants a slow one both
        pools are slow, until the next test asks for a second host.
        """
        self.set_speed(_SLOW_BYTES_PER_SECOND)
        return _SLOW_BYTES_PER_SECOND

    def set_speed(self, bytes_per_second: int) -> None:
        """How fast both pools copy disks and memory; 0: at once."""
        for simulator in (self.simulator, self.other_pool):
            simulator.ask("speed", bytes_per_second=bytes_per_second)

    def second_settings(self) -> Settings:
        """See `Harness`. A host of another pool, which certificates of its own vouch for."""
        self.set_speed(0)
        return self.other_pool.settings()

    def shared_hosts(self) -> tuple[Settings, Settings]:
        """See `Harness`."""
        one, other = (
            self.simulator.settings(host=host, storage_repository="Shared storage")
            for host in ("xcp-0", "xcp-1")
        )
        return one, other

    def read_disk(self, settings: Any, vm_uuid: UUID, key: str, size_bytes: int) -> bytes:
        """See `Harness`."""
        return self._disk(settings, vm_uuid, key).read_bytes()[:size_bytes]

    def write_disk(self, settings: Any, vm_uuid: UUID, key: str, content: bytes) -> None:
        """See `Harness`."""
        with self._disk(settings, vm_uuid, key).open("r+b") as file:
            file.write(content)

    def _disk(self, settings: Settings, vm_uuid: UUID, key: str) -> Path:
        """The file that has the content of a disk of the VM that is that host's."""
        is_other = settings.url == self.other_pool.url
        simulator = self.other_pool if is_other else self.simulator
        records = {
            name: simulator.ask("records", class_name=name) for name in ("host", "VM", "VBD", "VDI")
        }
        hosts = {row["uuid"]: row["name_label"] for row in records["host"].values()}
        host = "other-0" if is_other else settings.host or "xcp-0"
        for ref, record in records["VM"].items():
            config = record["other_config"]
            is_vm = "nova-virt-spec" in config and "nova-virt-kept" not in config
            here = hosts.get(config.get("nova-virt-host")) == host
            if config.get("nova-virt-vm") == str(vm_uuid) and here and is_vm:
                for vbd in records["VBD"].values():
                    if vbd["VM"] == ref and vbd["other_config"]["nova-virt-key"] == key:
                        uuid = str(records["VDI"][vbd["VDI"]]["uuid"])
                        return Path(simulator.ca_file).parent / uuid
        raise AssertionError(f"the host has no disk {key} of a VM {vm_uuid}")

    def _records(self, class_name: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.simulator.ask("records", class_name=class_name)
        return found

    def _call(self, method: str, *parameters: Any) -> Any:
        return self.simulator.ask("call", method=method, parameters=list(parameters))

    def _record(self, vm_uuid: UUID) -> dict[str, Any]:
        return self._records("VM")[self._ref(vm_uuid)]

    def _ref(self, vm_uuid: UUID) -> str:
        for ref, record in self._records("VM").items():
            if str(vm_uuid) in (record["other_config"].get("nova-virt-vm"), record["uuid"]):
                return ref
        raise AssertionError(f"the pool has no VM {vm_uuid}")


class _Orders(list[str]):
    """What the hosts were told to do, whenever it is looked at."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def __eq__(self, other: object) -> bool:
        return bool(self._simulator.ask("orders") == other)

    __hash__ = None


_STATES: Final = {
    "Running": PowerState.RUNNING,
    "Paused": PowerState.PAUSED,
    "Halted": PowerState.STOPPED,
    "Suspended": PowerState.SUSPENDED,
}

FOREIGN: dict[str, Any] = {
    "name_label": "foreign",
    "user_version": "1",
    "is_a_template": False,
    "affinity": "OpaqueRef:NULL",
    "memory_static_max": "134217728",
    "memory_dynamic_max": "134217728",
    "memory_dynamic_min": "134217728",
    "memory_static_min": "134217728",
    "VCPUs_params": {},
    "VCPUs_max": "1",
    "VCPUs_at_startup": "1",
    "actions_after_shutdown": "destroy",
    "actions_after_reboot": "restart",
    "actions_after_crash": "destroy",
    "PV_bootloader": "",
    "PV_kernel": "",
    "PV_ramdisk": "",
    "PV_args": "",
    "PV_bootloader_args": "",
    "PV_legacy_args": "",
    "HVM_boot_policy": "BIOS order",
    "HVM_boot_params": {},
    "platform": {},
    "PCI_bus": "",
    "other_config": {},
    "recommendations": "",
    "has_vendor_device": False,
}


def _identity(class_name: str, ref: str, record: dict[str, Any]) -> str:
    marks = record.get("other_config", {})
    if class_name == "console":
        return str(record["VM"])
    if "nova-virt-key" not in marks:
        return ref
    owner = record.get("VM") or f"{marks['nova-virt-vm']} {record['SR']}"
    return f"{owner} {marks['nova-virt-key']}"
