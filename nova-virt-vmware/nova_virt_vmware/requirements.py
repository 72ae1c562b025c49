"""What a request may ask of the host: all else is refused before anything is touched (CAP-2)."""

from __future__ import annotations

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.nics import NicSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_vmware.devices import free_slots

__all__ = ["check_disk", "check_nic", "check_spec"]

_MOST_NICS = 10


def _offered(wanted: object, offered: tuple[object, ...], field: str) -> None:
    if wanted is not None and wanted not in offered:
        raise Unsupported(f"{field}: this host does not take {wanted}", field=field)


def check_disk(spec: DiskSpec, host: HostDescription) -> None:
    """Refuse what the host does not take."""
    field = f"disks[{spec.key}]"
    _offered(spec.format, host.disk_formats, f"{field}.format")
    _offered(spec.bus, host.disk_buses, f"{field}.bus")
    if isinstance(spec.source, Media):
        _offered(spec.source.format, host.media_formats, f"{field}.source.format")
        if spec.boot_index is not None:
            raise Unsupported(f"{field}: no VM boots from a medium", field=f"{field}.boot_index")
        if spec.bus not in (None, DiskBus.SATA):
            raise Unsupported(f"{field}: a medium is on SATA", field=f"{field}.bus")


def check_nic(spec: NicSpec, host: HostDescription) -> None:
    """Refuse what the host does not take."""
    field = f"nics[{spec.key}]"
    _offered(spec.model, host.nic_models, f"{field}.model")
    _offered(spec.backing.kind, host.nic_backings, f"{field}.backing.kind")
    if spec.mtu_bytes is not None:
        raise Unsupported(
            f"{field}: the virtual switch has the MTU, no NIC of its own",
            field=f"{field}.mtu_bytes",
        )


def check_spec(spec: VmSpec, host: HostDescription) -> None:
    """Refuse what the host does not take."""
    for disk in spec.disks:
        check_disk(disk, host)
    for nic in spec.nics:
        check_nic(nic, host)
    _offered(spec.firmware, host.firmware, "firmware")
    if len(spec.nics) > _MOST_NICS:
        raise Unsupported(f"nics: a VM has at most {_MOST_NICS}", field="nics")
    free_slots(spec.disks, ())
