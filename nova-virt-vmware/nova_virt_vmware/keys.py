"""Virtual TPMs, and the vCenter's key provider that encrypts their state."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings
from pyVmomi import vim, vmodl

from nova_virt_vmware.api import Api

__all__ = ["added_tpm", "check_tpm", "has_key_provider", "has_tpm"]

_device = vim.vm.device
_query = vmodl.query.PropertyCollector
# What a VM's TPM came with.
_OLDEST = (6, 7)


def has_key_provider(api: Api) -> bool:
    """Whether VMs may have a TPM: the vCenter has a key provider that is its default."""
    manager = api.content.cryptoManager
    is_one = isinstance(manager, vim.encryption.CryptoManagerKmip)
    if not is_one or api.api_version < _OLDEST or api.content.about.apiType != "VirtualCenter":
        return False
    start = _query.ObjectSpec(obj=manager)
    wanted = {vim.encryption.CryptoManagerKmip: ["kmipServers"]}
    found = [facts.get("kmipServers") for _, facts in api.retrieve([start], wanted)]
    return any(provider.useAsDefault for providers in found for provider in providers or ())


def check_tpm(settings: GuestSettings) -> None:
    """Refuse a TPM that vSphere does not make; raises Unsupported."""
    if settings.tpm is None:
        return
    if settings.tpm.model is not None:
        raise Unsupported(
            "settings.tpm.model: vSphere has one model, and no name for it",
            remedy="leave it open",
            field="settings.tpm.model",
        )
    if settings.firmware is Firmware.BIOS:
        raise Unsupported(
            "settings.tpm: a VM with a TPM boots by UEFI",
            remedy="ask for UEFI",
            field="settings.tpm",
        )


def added_tpm(settings: GuestSettings) -> list[Any]:
    """The change of the hardware that adds what is asked for; vCenter encrypts its state."""
    if settings.tpm is None:
        return []
    tpm = _device.VirtualTPM(key=-3000)
    add = _device.VirtualDeviceSpec.Operation.add
    return [_device.VirtualDeviceSpec(operation=add, device=tpm)]


def has_tpm(hardware: Any) -> bool:
    """Whether a VM has one."""
    return any(isinstance(device, _device.VirtualTPM) for device in hardware)
