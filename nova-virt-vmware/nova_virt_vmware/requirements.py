"""What a request may ask of the host: all else is refused before anything is touched (CAP-2)."""

from __future__ import annotations

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import DiskBus, DiskSpec, Media
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.secrets import DeviceSecret
from nova_virt_interface.values.vm import VmSpec

from nova_virt_vmware.devices import free_slots
from nova_virt_vmware.keys import check_tpm
from nova_virt_vmware.volume_marks import check_volume

__all__ = ["check_disk", "check_remade", "check_spec"]

_MOST_NICS = 10


def check_disk(
    spec: DiskSpec, host: HostDescription, secrets: tuple[DeviceSecret, ...] = ()
) -> None:
    """Refuse what the host does not take."""
    offers.check_disk(spec, host, secrets)
    check_volume(spec)
    if isinstance(spec.source, Media):
        field = f"disks[{spec.key}]"
        if spec.boot_index is not None:
            raise Unsupported(f"{field}: no VM boots from a medium", field=f"{field}.boot_index")
        if spec.bus not in (None, DiskBus.SATA):
            raise Unsupported(f"{field}: a medium is on SATA", field=f"{field}.bus")


def check_remade(spec: VmSpec) -> None:
    """Refuse what a VM that is made anew of its disks would lose."""
    if spec.settings.tpm is not None:
        raise Unsupported(
            "settings.tpm: the state of a TPM is with the VM, not with its disks",
            remedy="migrate the VM while it runs, or make one without a TPM",
            field="settings.tpm",
        )


def check_spec(spec: VmSpec, host: HostDescription) -> None:
    """Refuse what the host does not take."""
    offers.check_vm(spec, host)
    check_tpm(spec.settings)
    cpu = spec.settings.cpu
    if cpu is not None and cpu.threads not in (None, 1):
        raise Unsupported(
            "settings.cpu.threads: a core of a VM has one thread",
            remedy="ask for more cores instead",
            field="settings.cpu.threads",
        )
    for disk in spec.disks:
        check_disk(disk, host, spec.secrets)
    if len(spec.nics) > _MOST_NICS:
        raise Unsupported(f"nics: a VM has at most {_MOST_NICS}", field="nics")
    free_slots(spec.disks, ())
