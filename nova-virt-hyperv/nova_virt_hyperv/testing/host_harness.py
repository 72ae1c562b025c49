"""The harness of a host of one's own: ``conform --driver hyperv --url https://HOST:5986``.

`docs/limits.md` says how such a host is prepared. The account comes from the environment, because
arguments are seen by everybody on this machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import smbclient
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.testing.cannot_provoke import CannotProvoke
from nova_virt_interface.testing.harness import (
    Backend,
    BackendKind,
    BackendUnavailable,
    Harness,
    TestImage,
)
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.nics import NicBacking, NicBackingKind
from nova_virt_interface.values.power import PowerState

from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.hypervisor import HyperVFactory
from nova_virt_hyperv.testing.counting import Questions
from nova_virt_hyperv.testing.harness_storage import key_of, make_disk
from nova_virt_hyperv.testing.host_client import HostClient, Ref, Row, instance_text, select
from nova_virt_hyperv.testing.host_storage import HostStorage

__all__ = ["HostHarness"]

_PREFIX = "NOVA_VIRT_HYPERV_"
_IMAGE_BYTES = 16 * 1024 * 1024
_REALIZED = "VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'"
_STATES = {
    "2": PowerState.RUNNING,
    "3": PowerState.STOPPED,
    "6": PowerState.SUSPENDED,
    "9": PowerState.PAUSED,
}
_SETTINGS = "Msvm_VirtualSystemSettingData"
_PER_CELL = "MaxProcessorsPerNumaNode"
_TESTED = "conformance"
_MAINTENANCE = "\\maintenance"
_POLL_SECONDS = 1.0
_Vm = tuple[str, Row]
"""GUID and settings of a VM."""


class HostHarness(HostStorage, Harness):
    """The driver against a Hyper-V host that somebody else runs.

    It looks at the host by a client of its own, and cannot break it: tests that need an outage, a
    full drive or another host deviate.
    """

    driver = "hyperv"
    backend_name = "host"
    kind = BackendKind.REAL
    takes_url = True
    patience_seconds = 60.0
    settle_seconds = 5.0

    def start(self) -> None:
        """See `Harness`."""
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise BackendUnavailable(f"{self.url} is no https://HOST:PORT")
        tls = address.scheme == "https"
        self._settings = Settings(
            host=address.hostname,
            port=address.port or (5986 if tls else 5985),
            tls=tls,
            username=_told("USERNAME"),
            password=_password(),
            auth=_told("AUTH", "negotiate"),
            ca_file=_told("CA_FILE", ""),
            storage_path=_told("STORAGE_PATH", "C:\\nova-virt"),
            share=_told("SHARE", "nova-virt"),
            share_port=int(_told("SHARE_PORT", "445")),
            owner=_TESTED,
            poll_interval_seconds=_POLL_SECONDS,
        )
        self._switch = _told("SWITCH", "external")
        self._client = HostClient(self._settings)
        try:
            [computer] = self._client.rows("SELECT * FROM Win32_ComputerSystem", "cimv2")
            [system] = self._client.rows("SELECT * FROM Win32_OperatingSystem", "cimv2")
        except Exception as error:
            raise BackendUnavailable(f"{self.url}: {error}") from error
        self._version = system["Version"][0]
        self._simulated = "simulat" in " ".join(computer.get("Manufacturer", [])).lower()
        self._folder = tempfile.TemporaryDirectory(prefix="nova-virt-hyperv-")
        self._image = Path(self._folder.name, "image.vhdx")
        make_disk(self._image, _IMAGE_BYTES)
        place = f"{address.hostname}:{self._settings.port}/"
        self._questions = Questions(lambda url: place in url)

    def stop(self) -> None:
        """See `Harness`."""
        if hasattr(self, "_questions"):
            self._questions.stop()
        if hasattr(self, "_folder"):
            self._folder.cleanup()
        if hasattr(self, "_client"):
            self._client.close()

    def backend(self) -> Backend:
        """See `Harness`. The package's simulator says that it is one."""
        kind = BackendKind.SIMULATED if self._simulated else BackendKind.REAL
        return Backend(name=self.backend_name, version=self._version, kind=kind)

    def factory(self) -> IHypervisorFactory:
        """See `Harness`."""
        return HyperVFactory()

    def settings(self) -> Settings:
        """See `Harness`."""
        return self._settings

    def unreachable_settings(self) -> Settings:
        """See `Harness`."""
        return replace(self._settings, host="127.0.0.1", port=9)

    def image(self) -> TestImage:
        """See `Harness`."""
        return TestImage(
            path=self._image, format=DiskFormat.VHDX, virtual_size_bytes=_IMAGE_BYTES, boots=False
        )

    def nic_backing(self) -> NicBacking:
        """See `Harness`."""
        return NicBacking(kind=NicBackingKind.NETWORK, name=self._switch)

    def leftovers(self) -> frozenset[str]:
        """See `Harness`. Of VMs it tells the driver's and those that the harness has made."""
        found = set()
        for guid, settings in self._vms():
            if _TESTED in " ".join(settings.get("Notes", [])):
                found.add(f"VM {guid} {settings['ElementName'][0]}")
                found |= {f"device {row['InstanceID'][0]} of {guid}" for row in self._devices(guid)}
        # That the host is in maintenance is a state, and nothing that is left.
        files = set(self._files("")) - {_MAINTENANCE}
        return frozenset(found | {f"file {path}" for path in files})

    def _files(self, folder: str) -> Iterator[str]:
        for entry in smbclient.scandir(self.folder_at(folder), **self.access):
            name = f"{folder}\\{entry.name}"
            if entry.is_dir():
                yield from self._files(name)
            else:
                yield name

    def _vms(self, condition: str = "") -> list[_Vm]:
        rows = self._client.rows(select(_SETTINGS, _REALIZED + condition))
        return [(row["VirtualSystemIdentifier"][0], row) for row in rows]

    def _vm(self, vm_uuid: UUID) -> _Vm:
        [found] = self._vms(f" AND BIOSGUID = '{{{str(vm_uuid).upper()}}}'")
        return found

    def _devices(self, guid: str) -> list[Row]:
        return self._rows_of(guid, "CIM_ResourceAllocationSettingData")

    def devices_of(self, vm_uuid: UUID) -> list[Row]:
        """All devices of one of the driver's VMs."""
        return self._devices(self._vm(vm_uuid)[0])

    def paths_in_use(self) -> set[str]:
        """The files of all disks of VMs that are not off, in lower case."""
        on = [guid for guid, _ in self._vms() if self._state(guid) is not PowerState.STOPPED]
        rows = (row for guid in on for row in self._devices(guid))
        return {path.lower() for row in rows for path in row.get("HostResource", [])}

    def _rows_of(self, guid: str, class_name: str) -> list[Row]:
        condition = f"InstanceID LIKE 'Microsoft:{guid}\\\\%'"
        return self._client.rows(select(class_name, condition))

    def _change(self, guid: str, state: str) -> None:
        target = ("Msvm_ComputerSystem", {"Name": guid})
        self._client.call(target, "RequestStateChange", RequestedState=state)

    def _service(self) -> Ref:
        name = "Msvm_VirtualSystemManagementService"
        return name, {"CreationClassName": name}

    @contextmanager
    def foreign_vm(self, vm_uuid: UUID) -> Iterator[None]:
        """See `Harness`."""
        bios_guid = f"{{{str(vm_uuid).upper()}}}"
        with self._defined("foreign", [f"of the {_TESTED} suite"], bios_guid):
            yield

    @contextmanager
    def copy_vm(self, vm_uuid: UUID) -> Iterator[Callable[[], bool]]:
        """See `Harness`. An import that copies keeps the notes and the GUID of the BIOS."""
        _, settings = self._vm(vm_uuid)
        with self._defined("copy", settings["Notes"], settings["BIOSGUID"][0]) as guid:
            yield lambda: self._state(guid) is PowerState.STOPPED

    @contextmanager
    def _defined(self, name: str, notes: list[str], bios_guid: str) -> Iterator[str]:
        """A VM of the host; gives the host's own GUID of it."""
        text = instance_text(_SETTINGS, ElementName=name, Notes=notes, BIOSGUID=bios_guid)
        self._client.call(self._service(), "DefineSystem", SystemSettings=text)
        [(guid, _)] = self._vms(f" AND ElementName = '{name}'")
        try:
            yield guid
        finally:
            system = ("Msvm_ComputerSystem", {"Name": guid})
            if self._state(guid) is not PowerState.STOPPED:
                self._change(guid, "3")
            self._client.call(self._service(), "DestroySystem", AffectedSystem=system)

    def foreign_vm_untouched(self, vm_uuid: UUID) -> bool:
        """See `Harness`."""
        guid, settings = self._vm(vm_uuid)
        same = settings["ElementName"] == ["foreign"]
        return same and self._state(guid) is PowerState.STOPPED

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        """See `Harness`."""
        _, settings = self._vm(vm_uuid)
        text = instance_text(_SETTINGS, InstanceID=settings["InstanceID"][0], ElementName=name)
        self._client.call(self._service(), "ModifySystemSettings", SystemSettings=text)

    def power_off_vm(self, vm_uuid: UUID) -> None:
        """See `Harness`."""
        self._change(self._vm(vm_uuid)[0], "3")

    def run_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self._change(self._vm(vm_uuid)[0], "2")

    def power_state_of(self, vm_uuid: UUID) -> PowerState:
        """See `PowerQuestions`."""
        return self._state(self._vm(vm_uuid)[0])

    def _state(self, guid: str) -> PowerState:
        [row] = self._client.rows(select("Msvm_ComputerSystem", f"Name = '{guid}'"))
        return _STATES.get(row["EnabledState"][0], PowerState.UNKNOWN)

    def takes_vms(self) -> bool:
        """See `PowerQuestions`."""
        return _MAINTENANCE not in self._files("")

    def resume_vm(self, vm_uuid: UUID) -> None:
        """See `PowerQuestions`."""
        self.run_vm(vm_uuid)
        # What changed between two looks is not told (EVT-2): there is one before anything follows.
        time.sleep(2 * _POLL_SECONDS)

    def device_addresses(self, vm_uuid: UUID) -> dict[str, str]:
        """See `PowerQuestions`."""
        found = {}
        for row in self.devices_of(vm_uuid):
            key = key_of(" ".join(row.get("ElementName", [])))
            if key and row["ResourceSubType"][0].endswith("Drive"):
                found[key] = f"0:0:0:{row['AddressOnParent'][0]}"
            elif key:
                found[key] = row["InstanceID"][0].rpartition("\\")[2].lower()
        return found

    def features_of_vm(self, vm_uuid: UUID) -> frozenset[VmFeature]:
        """See `Harness`."""
        guid, settings = self._vm(vm_uuid)
        rows = [settings, *self._devices(guid), *self._rows_of(guid, "Msvm_SecuritySettingData")]
        signs = {
            "SecureBootEnabled": VmFeature.SECURE_BOOT,
            "LimitProcessorFeatures": VmFeature.CPU_MODEL,
            "TpmEnabled": VmFeature.TPM,
        }
        found = {sign for row in rows for name, sign in signs.items() if row.get(name) == ["true"]}
        sizes = [
            row["MaxProcessorsPerNumaNode"] for row in rows if "MaxProcessorsPerNumaNode" in row
        ]
        usual = self._client.rows(
            "SELECT * FROM Msvm_ProcessorSettingData "
            "WHERE InstanceID LIKE 'Microsoft:Definition\\\\%\\\\Default'"
        )
        if usual and sizes != [usual[0]["MaxProcessorsPerNumaNode"]]:
            found.add(VmFeature.NUMA)
        return frozenset(found)

    def outage(self) -> AbstractContextManager[None]:
        """See `Harness`."""
        raise CannotProvoke("nobody turns off a host that is not this suite's own")

    def full_storage(self) -> AbstractContextManager[None]:
        """See `Harness`."""
        raise CannotProvoke("nobody fills the drive of a host that is not this suite's own")

    def round_trips(self) -> int:
        """See `Harness`."""
        return self._questions.count


def _told(name: str, default: str | None = None) -> str:
    found = os.environ.get(_PREFIX + name, default)
    if found is None:
        raise BackendUnavailable(f"set {_PREFIX}{name} in the environment")
    return found


def _password() -> str:
    """From a file that only its owner reads, or from the environment."""
    file = _told("PASSWORD_FILE", "")
    return Path(file).read_text(encoding="utf-8").strip() if file else _told("PASSWORD")
