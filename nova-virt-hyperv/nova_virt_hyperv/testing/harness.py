"""The harness of the Hyper-V driver: a simulated host, and a real SMB server for its files."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
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

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.hypervisor import HyperVFactory
from nova_virt_hyperv.testing import rdp
from nova_virt_hyperv.testing.counting import Questions
from nova_virt_hyperv.testing.harness_storage import SimulatorStorage, key_of, make_disk
from nova_virt_hyperv.testing.process import SimulatorProcess
from nova_virt_hyperv.testing.samba import Samba

__all__ = ["SimulatorHarness"]

_MIB = 1024 * 1024
_IMAGE_BYTES = 16 * _MIB
_USER = "Administrator"
_SHARE = "nova-virt"
_POLL_SECONDS = 0.2
_SECOND, _THIRD = 1, 2
_SLOW_SECONDS = 10.0
# Msvm_ComputerSystem.EnabledState, of a VM that is in no transition.
_STATES = {
    2: PowerState.RUNNING,
    3: PowerState.STOPPED,
    6: PowerState.SUSPENDED,
    9: PowerState.PAUSED,
}


class SimulatorHarness(SimulatorStorage, Harness):
    """The driver against a simulated Hyper-V host of its own."""

    driver = "hyperv"
    backend_name = "simulator"
    kind = BackendKind.SIMULATED
    patience_seconds = 20.0
    # Half of it is still a virtual disk of Hyper-V.
    disk_bytes = 6 * _MIB
    more_arguments: tuple[str, ...] = ()

    def start(self) -> None:
        """See `Harness`."""
        self._directory = tempfile.TemporaryDirectory(prefix="nova-virt-hyperv-")
        self.root = root = Path(self._directory.name)
        self._shared = root / "c" / "nova-virt"
        self._shared_by_second = root / "d" / "nova-virt"
        folders = ("simulator", "samba", "samba-2")
        for folder in (self._shared, self._shared_by_second, *map(root.joinpath, folders)):
            folder.mkdir(parents=True)
        self._password = secrets.token_urlsafe(16)
        self._samba = Samba(root / "samba", self._shared, _SHARE, _USER, self._password)
        self._samba.start()
        self._samba_of_second = Samba(
            root / "samba-2", self._shared_by_second, _SHARE, _USER, self._password
        )
        # The first and the third have one drive: a cluster's shared volume.
        drives = (root / "c", root / "d", root / "c")
        self._simulator = SimulatorProcess(root, drives, self._password, self.more_arguments)
        self._image = root / "image.vhdx"
        make_disk(self._image, _IMAGE_BYTES)
        places = tuple(f":{port}/" for port in self._simulator.ports)
        self._questions = Questions(lambda url: any(place in url for place in places))

    def stop(self) -> None:
        """See `Harness`."""
        if hasattr(self, "_questions"):
            self._questions.stop()
        if hasattr(self, "_simulator"):
            self._simulator.stop()
        for samba in (getattr(self, name, None) for name in ("_samba", "_samba_of_second")):
            if samba is not None:
                samba.stop()
        if hasattr(self, "_directory"):
            self._directory.cleanup()

    def control(self, do: str, **arguments: Any) -> Any:
        """Tell the simulated host something behind the driver's back; see its `controls`."""
        return self._simulator.control(do, **arguments)

    def backend(self) -> Backend:
        """See `Harness`."""
        return Backend(name=self.backend_name, version="10.0.20348", kind=self.kind)

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return HyperVFactory()

    def settings(self) -> Settings:
        """See `Harness`."""
        return Settings(
            host="127.0.0.1",
            port=self._simulator.port,
            username=_USER,
            password=self._password,
            ca_file=self._simulator.authority,
            storage_path="C:\\nova-virt",
            share=_SHARE,
            share_port=self._samba.port,
            storage_id="volume-1",
            timeout_seconds=20,
            poll_interval_seconds=_POLL_SECONDS,
        )

    def second_settings(self) -> Settings:
        """See `Harness`."""
        if not self._samba_of_second.port:
            self._samba_of_second.start()
        return replace(
            self.settings(),
            port=self._simulator.ports[_SECOND],
            share_port=self._samba_of_second.port,
            storage_id="volume-2",
        )

    def shared_hosts(self) -> tuple[Settings, Settings]:
        """See `Harness`."""
        return self.settings(), replace(self.settings(), port=self._simulator.ports[_THIRD])

    @property
    def slow_bytes_per_second(self) -> int:  # type: ignore[override]
        """See `Harness`. Hyper-V limits no migration: the next one, from any host, is slow."""
        for host in range(len(self._simulator.ports)):
            self.control("slow_migration", host=host, seconds=_SLOW_SECONDS)
        return _MIB

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        # Nothing listens on the discard service's port of any sane machine.
        return replace(self.settings(), port=9)

    def image(self) -> TestImage:
        """See `Harness`."""
        return TestImage(
            path=self._image, format=DiskFormat.VHDX, virtual_size_bytes=_IMAGE_BYTES, boots=False
        )

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name="external")

    def leftovers(self) -> frozenset[str]:
        """See `Harness`."""
        found = set()
        for host in range(len(self._simulator.ports)):
            for vm in self.control("vms", host=host):
                found.add(f"VM {vm['guid']} {vm['name']} on {host}")
                found |= {
                    f"device {row['id']} of {vm['guid']} on {host}" for row in vm["resources"]
                }
            found |= {f"{item} on {host}" for item in self.control("iscsi", host=host)}
        for host, shared in enumerate((self._shared, self._shared_by_second)):
            files = (item for item in shared.rglob("*") if item.is_file())
            # That the host is in maintenance is a state, and nothing that is left.
            files = (item for item in files if item.name != "maintenance")
            found |= {f"file {item.relative_to(shared)} on {host}" for item in files}
        return frozenset(found)

    def vm(self, vm_uuid: UUID, host: int = 0) -> dict[str, Any]:
        """What a simulated host has of a VM of the driver."""
        guid = f"{{{str(vm_uuid).upper()}}}"
        found: list[dict[str, Any]] = [
            vm for vm in self.control("vms", host=host) if vm["bios_guid"].upper() == guid
        ]
        return found[0]

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        guid = self.control(
            "define", name="foreign", bios_guid=f"{{{str(vm_uuid).upper()}}}", notes="mine"
        )
        try:
            yield
        finally:
            self.control("destroy", guid=guid)

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        vm = self.vm(vm_uuid)
        return (vm["name"], vm["notes"], vm["state"]) == ("foreign", "mine", 3)

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`. An import that copies keeps the notes and the GUID of the BIOS."""
        vm = self.vm(vm_uuid)
        guid = self.control("define", name="copy", bios_guid=vm["bios_guid"], notes=vm["notes"])

        def copy() -> dict[str, Any]:
            return next(vm for vm in self.control("vms") if vm["guid"] == guid)

        before = copy()
        try:
            yield lambda: copy() == before
        finally:
            self.control("destroy", guid=guid)

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        self.control("rename", guid=self.vm(vm_uuid)["guid"], name=name)

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `PowerQuestions`."""
        return _STATES.get(self.vm(vm_uuid)["state"], PowerState.UNKNOWN)

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self.control("run", guid=self.vm(vm_uuid)["guid"])

    def resume_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self.run_vm(vm_uuid)
        # What changed between two looks is not told (EVT-2): there is one before anything follows.
        before = self._looks()
        give_up = time.monotonic() + self.patience_seconds
        while self._looks() < before + 2 and time.monotonic() < give_up:
            time.sleep(_POLL_SECONDS / 4)

    def _looks(self) -> int:
        found: int = self.control("requests").get("GetSummaryInformation", 0)
        return found

    def interrupts_of(self, vm_uuid: UUID) -> int:
        """See `PowerQuestions`."""
        found: int = self.vm(vm_uuid)["interrupts"]
        return found

    def console_lets_in(self, vm_uuid: UUID, console: Console) -> bool:
        """See `PowerQuestions`."""
        before = len(self.control("consoles"))
        let_in = rdp.connects(console.host, console.port, console.path)
        guid = self.vm(vm_uuid)["guid"]
        return let_in and self.control("consoles")[before:] == [guid]

    def device_addresses(self, vm_uuid: UUID) -> dict[str, str]:
        """See `PowerQuestions`."""
        found = {}
        for row in self.vm(vm_uuid)["resources"]:
            key = key_of(row["name"] or "")
            if key and row["kind"].endswith("Drive"):
                found[key] = f"0:0:0:{row['slot']}"
            elif key:
                found[key] = row["id"].rpartition("\\")[2].lower()
        return found

    def host_measures(self) -> dict[str, float]:
        """See `PowerQuestions`."""
        found: dict[str, float] = self.control("measures")
        return found

    @contextmanager
    def host_orders(self) -> Iterator[list[str]]:
        """See `PowerQuestions`."""
        yield _Orders(self)

    def takes_vms(self) -> bool:
        """See `PowerQuestions`."""
        return not (self._shared / "maintenance").exists()

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        return frozenset(map(VmFeature, self.vm(vm_uuid)["features"]))

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self.control("power_off", guid=self.vm(vm_uuid)["guid"])

    @contextmanager
    def outage(self) -> Iterator[None]:
        """See `Harness`."""
        self._samba.stop()
        self.control("outage", away=True)
        try:
            yield
            # One that ends before the next look is none to a driver that looks now and then.
            time.sleep(5 * _POLL_SECONDS)
        finally:
            self.control("outage", away=False)
            self._samba.start()

    @contextmanager
    def full_storage(self) -> Iterator[None]:
        """See `Harness`."""
        self.control("free", free=4096)
        try:
            yield
        finally:
            self.control("free", free=None)

    def round_trips(self) -> int:
        """See `Harness`."""
        return self._questions.count


class _Orders(list[str]):
    """What the host was told about its power since this was made."""

    def __init__(self, harness: SimulatorHarness) -> None:
        super().__init__()
        self._harness = harness
        self._before = len(harness.control("orders"))

    def __eq__(self, other: object) -> bool:
        found: list[str] = self._harness.control("orders")[self._before :]
        return found == other

    __hash__ = None
