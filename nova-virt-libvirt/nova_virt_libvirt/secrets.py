"""Secrets of devices: lent to libvirt for one call.

QEMU, or the emulator of a TPM, has them in its memory from then on. libvirt is told that they are
ephemeral, so that it writes none to its files, and private, so that it tells none to its clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose

from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.volume_xml import secret_uuid

__all__ = ["lend", "lent_secrets", "take_back"]

_USAGES = {
    SecretPurpose.ENCRYPTION: ("volume", "volume"),
    SecretPurpose.AUTHENTICATION: ("iscsi", "target"),
    SecretPurpose.TPM: ("vtpm", "name"),
}
"""What libvirt calls each use, and the element that names the user."""


@contextmanager
def lent_secrets(
    connection: Any, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]
) -> Iterator[None]:
    """libvirt knows the secrets of a VM's devices inside the block."""
    with ExitStack() as stack:
        for secret in secrets:
            if secret.purpose in _USAGES:
                lent = connection.secretDefineXML(_definition(vm_uuid, secret), 0)
                stack.callback(_take_back, lent)
                lent.setValue(secret.secret.reveal(), 0)
        yield


def lend(connection: Any, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]) -> None:
    """libvirt knows the secrets of a VM that is to come, until `take_back`."""
    for secret in secrets:
        if secret.purpose in _USAGES:
            lent = connection.secretDefineXML(_definition(vm_uuid, secret), 0)
            lent.setValue(secret.secret.reveal(), 0)


def take_back(connection: Any, vm_uuid: UUID, devices: Iterable[tuple[str, SecretPurpose]]) -> None:
    """libvirt forgets what was lent for these devices."""
    for key, purpose in devices:
        try:
            lent = connection.secretLookupByUUIDString(str(secret_uuid(vm_uuid, key, purpose)))
        except libvirt.libvirtError as error:
            if not is_code(error, libvirt.VIR_ERR_NO_SECRET):
                raise
        else:
            _take_back(lent)


def _definition(vm_uuid: UUID, secret: DeviceSecret) -> str:
    name = f"{vm_uuid}/{secret.key}/{secret.purpose.value}"
    kind, tag = _USAGES[secret.purpose]
    usage = E.usage(E(tag, name), type=kind)
    number = secret_uuid(vm_uuid, secret.key, secret.purpose)
    element = E.secret(E.uuid(str(number)), usage, ephemeral="yes", private="yes")
    return etree.tostring(element, encoding="unicode")


def _take_back(secret: Any) -> None:
    try:
        secret.undefine()
    except libvirt.libvirtError as error:
        # It went with a libvirtd that was restarted meanwhile.
        if not is_code(error, libvirt.VIR_ERR_NO_SECRET):
            raise
