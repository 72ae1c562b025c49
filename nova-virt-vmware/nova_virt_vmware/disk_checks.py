"""What a disk must be to come to a VM, or to go."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.digest import spec_digest
from nova_virt_interface.errors import Conflict, InvalidRequest, Resource
from nova_virt_interface.states import require_state
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.images import CachedImage
from nova_virt_interface.values.power import PowerState

from nova_virt_vmware import translate
from nova_virt_vmware.devices import Slot
from nova_virt_vmware.marks import DiskMark, kept_disks
from nova_virt_vmware.vms import Found

__all__ = ["require_equal", "require_free", "require_off", "require_size"]


def require_size(spec: DiskSpec, image: CachedImage) -> None:
    """A disk is as large as its image, or larger; raises InvalidRequest."""
    if (spec.size_bytes or 0) < image.virtual_size_bytes:
        raise InvalidRequest(
            f"disk {spec.key} of {spec.size_bytes} bytes is smaller than its image "
            f"of {image.virtual_size_bytes}",
            remedy="ask for a larger disk, or use a smaller image",
            field=f"disks[{spec.key}].size_bytes",
        )


def require_equal(spec: DiskSpec, mark: str) -> None:
    """The disk that is there, by its mark, is made of an equal spec; raises Conflict."""
    if DiskMark.parse(mark).digest != spec_digest(spec):
        raise Conflict(
            f"the VM has a disk {spec.key} of another spec",
            remedy="detach it first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )


def require_off(vm_uuid: UUID, slot: Slot, found: Found) -> None:
    """IDE is no bus for disks that come and go while it is in use."""
    if slot.bus == "ide":
        require_state(vm_uuid, translate.power_state(found.facts), PowerState.STOPPED)


def require_free(spec: DiskSpec, marks: dict[str, str]) -> None:
    """No pending resize has set a disk of this key aside; raises Conflict."""
    if spec.key in kept_disks(marks):
        raise Conflict(
            f"a pending resize has set a disk {spec.key} aside",
            remedy="confirm or revert the resize first, or use another key",
            resource=Resource.DISK,
            name=spec.key,
        )
