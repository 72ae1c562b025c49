"""The files of VMs' disks, whether a VM has them or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.values.disks import DiskSpec, FromImage, Imported, Media
from nova_virt_interface.values.volumes import Volume

from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.files import DISKS, Files
from nova_virt_hyperv.images import Images
from nova_virt_hyperv.mark import UNIT, DiskName, disk_pattern, file_name
from nova_virt_hyperv.translate import whole_sectors
from nova_virt_hyperv.volumes import Volumes

__all__ = ["DiskStore"]


class DiskStore:
    """The folder of disks of one host."""

    def __init__(
        self, files: Files, disk_files: DiskFiles, images: Images, volumes: Volumes
    ) -> None:
        self._files = files
        self._disk_files = disk_files
        self._images = images
        self._volumes = volumes

    def check(self, spec: DiskSpec) -> None:
        """The disk's image is in the cache, and not larger than the disk; its volume is reached."""
        self._volumes.require_size(spec)
        if not isinstance(spec.source, FromImage):
            return
        image = self._images.require(spec.source.image_key)
        if (spec.size_bytes or 0) < image.virtual_size_bytes:
            raise InvalidRequest(
                f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image of "
                f"{image.virtual_size_bytes}",
                remedy="ask for a larger disk, or use a smaller image",
                field=f"disks[{spec.key}].size_bytes",
            )

    def make(self, vm_uuid: UUID, spec: DiskSpec) -> None:
        """Make the disk's file; a volume has its own."""
        name, about = (str(DiskName.of(vm_uuid, spec)), f"disk {spec.key} of VM {vm_uuid}")
        path, size = self._files.on_host(DISKS, name), whole_sectors(spec.size_bytes or 0)
        if isinstance(spec.source, Volume):
            return
        if isinstance(spec.source, Media):
            with self._files.new(DISKS, name) as file:
                file.write(spec.source.content)
        elif isinstance(spec.source, FromImage):
            image = self._images.require(spec.source.image_key)
            self._disk_files.make_from(path, self._images.path(image.key), about)
            if size > image.virtual_size_bytes:
                self._disk_files.resize(path, size, about)
        elif isinstance(spec.source, Imported):
            self._images.bring(spec.source, DISKS, name, size)
            if self._disk_files.require_growth(path, size, about):
                self._disk_files.resize(path, size, about)
        else:
            self._disk_files.make_blank(path, size, about)

    def path(self, vm_uuid: UUID, spec: DiskSpec) -> str:
        """The file that `make` makes, as the host names it."""
        return self._files.on_host(DISKS, str(DiskName.of(vm_uuid, spec)))

    def paths(self, names: dict[str, str]) -> dict[str, str]:
        """How the host names files of these names."""
        return {key: self._files.on_host(DISKS, name) for key, name in names.items()}

    def files(self, vm_uuid: UUID, *, media: bool = False) -> dict[str, str]:
        """The names of the files of a VM's disks by key, with or without media; the VM itself need
        not be there.
        """
        found = [file.name for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid))]
        names = {file: name for file in found if (name := DiskName.read(file)) is not None}
        return {name.key: file for file, name in names.items() if _is_disk(name, media)}

    def sizes(self, vm_uuid: UUID) -> Iterator[tuple[str, int, int]]:
        """Key, size that the guest sees and bytes in storage of each of a VM's own disks."""
        for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid)):
            name = DiskName.read(file.name)
            if name is None or name.digest == "export" or name.extension == UNIT:
                continue
            size = file.size_bytes
            if name.extension != "iso":
                path = self._files.on_host(DISKS, file.name)
                size = self._disk_files.read(path, f"disk {name.key}").size_bytes
            yield name.key, size, file.size_bytes

    def remove(self, vm_uuid: UUID, key: str = "*") -> None:
        """Delete the files of a disk, or of all disks, of a VM that has them no more."""
        self._files.remove_all(DISKS, disk_pattern(vm_uuid=vm_uuid, key=key))

    def remove_file(self, path: str) -> None:
        """Delete one file."""
        self._files.remove(DISKS, file_name(path))

    def remove_others(self, vm_uuid: UUID, used: Iterable[str]) -> None:
        """Delete the files of a VM's disks except those that it uses."""
        names = {file_name(path).lower() for path in used}
        for file in self._files.files(DISKS, disk_pattern(vm_uuid=vm_uuid)):
            if file.name.lower() not in names and not file.name.endswith(UNIT):
                self._files.remove(DISKS, file.name)


def _is_disk(name: DiskName, media: bool) -> bool:
    return name.extension == "vhdx" or (media and name.extension == "iso")
