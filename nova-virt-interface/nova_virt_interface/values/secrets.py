"""Secrets that belong to devices of a VM."""

from __future__ import annotations

import enum

from nova_virt_interface.marks import enumeration, value
from nova_virt_interface.secret import Secret
from nova_virt_interface.values._checks import device_key

__all__ = ["DeviceSecret", "SecretPurpose"]


@enumeration(since="1.0", open=True)
class SecretPurpose(enum.Enum):
    """What a secret opens."""

    ENCRYPTION = "encryption"
    """The passphrase of an encrypted disk."""
    AUTHENTICATION = "authentication"
    """The password, or the key, of a volume's user at its storage."""
    TPM = "tpm"
    """The passphrase of a virtual TPM's state; its key is `values.guest_settings.Tpm.key`."""


@value(since="1.0")
class DeviceSecret:
    """The secret of one device.

    [SEC-3] Core brings the secrets of a VM's devices with every request that makes or starts the
    VM, or attaches the device. Where the hypervisor needs one while the VM runs, the driver puts it
    where the hypervisor keeps it in memory alone, and takes it away when the VM is off.
    [SEC-4] A device that needs a secret which the request does not bring is an `InvalidRequest`,
    before anything is touched.
    [SEC-5] A secret that does not open its device, where the device or its storage can tell, is an
    `InvalidRequest` about ``secrets``; the VM is as it was.
    """

    key: str
    """The device's key in its VM."""
    purpose: SecretPurpose
    secret: Secret

    def __post_init__(self) -> None:
        device_key(self.key, "key")
