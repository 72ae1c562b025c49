"""Secrets of disks: lent to libvirt for one call.

QEMU has them in its memory from then on. libvirt is told that they are ephemeral, so that it writes
none to its files, and private, so that it tells none to its clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import libvirt
from lxml import etree
from lxml.builder import E
from nova_virt_interface.values.secrets import DeviceSecret, SecretPurpose

from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.volume_xml import secret_uuid

__all__ = ["lent_secrets"]


@contextmanager
def lent_secrets(
    connection: Any, vm_uuid: UUID, secrets: tuple[DeviceSecret, ...]
) -> Iterator[None]:
    """libvirt knows the secrets of a VM's disks inside the block."""
    with ExitStack() as stack:
        for secret in secrets:
            if secret.purpose in (SecretPurpose.ENCRYPTION, SecretPurpose.AUTHENTICATION):
                lent = connection.secretDefineXML(_definition(vm_uuid, secret), 0)
                stack.callback(_take_back, lent)
                lent.setValue(secret.secret.reveal(), 0)
        yield


def _definition(vm_uuid: UUID, secret: DeviceSecret) -> str:
    name = f"{vm_uuid}/{secret.key}/{secret.purpose.value}"
    if secret.purpose is SecretPurpose.ENCRYPTION:
        usage = E.usage(E.volume(name), type="volume")
    else:
        usage = E.usage(E.target(name), type="iscsi")
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
