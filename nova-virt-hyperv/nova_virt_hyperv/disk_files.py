"""Virtual disks as files: made, resized and examined by the host's image service."""

from __future__ import annotations

from dataclasses import dataclass

from nova_virt_interface.errors import BackendError, InvalidRequest, NotFound

from nova_virt_hyperv.cim import Number, embedded
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.machines import Services
from nova_virt_hyperv.wmi import Wmi

__all__ = ["DiskFile", "DiskFiles"]

# Msvm_VirtualHardDiskSettingData.Type and .Format.
_DYNAMIC = Number(3, "uint16")
_DIFFERENCING = Number(4, "uint16")
_VHDX = Number(3, "uint16")


@dataclass(frozen=True)
class DiskFile:
    """What a file of a virtual disk says of itself."""

    size_bytes: int
    """As the guest sees it."""
    parent_path: str


class DiskFiles:
    """The image service of one host."""

    def __init__(self, wmi: Wmi, services: Services) -> None:
        self._wmi = wmi
        self._service = services.disk_files

    def make_blank(self, path: str, size_bytes: int, name: str) -> None:
        """Make a dynamically growing disk of zeros."""
        settings = embedded(
            "Msvm_VirtualHardDiskSettingData",
            {
                "Type": _DYNAMIC,
                "Format": _VHDX,
                "Path": path,
                "MaxInternalSize": Number(size_bytes, "uint64"),
            },
        )
        self._make(settings, name)

    def make_from(self, path: str, parent_path: str, name: str) -> None:
        """Make a disk that begins as its parent and has its size."""
        settings = embedded(
            "Msvm_VirtualHardDiskSettingData",
            {"Type": _DIFFERENCING, "Format": _VHDX, "Path": path, "ParentPath": parent_path},
        )
        self._make(settings, name)

    def resize(self, path: str, size_bytes: int, name: str) -> None:
        """Enlarge a disk; while its VM runs, one on SCSI only."""
        self._wmi.invoke(
            self._service,
            "ResizeVirtualHardDisk",
            [("Path", path), ("MaxInternalSize", size_bytes)],
            about=About(name),
        )

    def require_growth(self, path: str, size_bytes: int, name: str) -> bool:
        """Whether a disk has to grow to have this size; InvalidRequest if it is larger."""
        found = self.read(path, name).size_bytes
        if size_bytes < found:
            raise InvalidRequest(
                f"{name} has {found} bytes: it does not shrink",
                remedy="ask for a larger size",
                field="size_bytes",
            )
        return size_bytes > found

    def exists(self, path: str, name: str) -> bool:
        """Whether there is a disk of this path, maybe on another host."""
        try:
            self.read(path, name)
        except NotFound:
            return False
        return True

    def copy(self, path: str, target: str, name: str) -> None:
        """Make a disk that stands alone of what another, which nobody writes to, holds."""
        settings = embedded(
            "Msvm_VirtualHardDiskSettingData",
            {"Type": _DYNAMIC, "Format": _VHDX, "Path": target},
        )
        self._wmi.invoke(
            self._service,
            "ConvertVirtualHardDisk",
            [("SourcePath", path), ("VirtualDiskSettingData", settings)],
            about=About(name),
        )

    def read(self, path: str, name: str) -> DiskFile:
        """Examine a disk; raises ImageCorrupt, or BackendError, if the host cannot read it."""
        output = self._wmi.invoke(
            self._service,
            "GetVirtualHardDiskSettingData",
            [("Path", path)],
            about=About(name),
            changing=False,
        )
        found = output.instances("SettingData")
        size = found[0].number("MaxInternalSize") if found else None
        if size is None:
            raise BackendError(f"the host does not say how large {name} is")
        return DiskFile(size, found[0].text("ParentPath"))

    def _make(self, settings: str, name: str) -> None:
        self._wmi.invoke(
            self._service,
            "CreateVirtualHardDisk",
            [("VirtualDiskSettingData", settings)],
            about=About(name),
        )
