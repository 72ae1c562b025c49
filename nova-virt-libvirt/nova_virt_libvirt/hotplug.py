"""Adds devices to domains and takes them away, now and for later starts."""

from __future__ import annotations

from typing import Any

import libvirt
from lxml import etree
from nova_virt_interface.errors import Busy

from nova_virt_libvirt.domain_description import read_domain
from nova_virt_libvirt.domains import affected
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.names import device_alias
from nova_virt_libvirt.waiting import guest_did

__all__ = ["plug", "unplug"]

_ASK_AGAIN_SECONDS = 5.0
_GOING_ALREADY = "in the process of unplug"


def plug(domain: Any, device: Any) -> None:
    """Add the device that an element describes; libvirt does all of it or nothing."""
    domain.attachDeviceFlags(etree.tostring(device, encoding="unicode"), affected(domain))


def unplug(domain: Any, kind: str, key: str, timeout_seconds: float) -> None:
    """Take a ``disk`` or ``nic`` away, first from the running guest; raises Busy if it does not let
    go.
    """
    alias = device_alias(kind, key)
    # Asked of the host rather than waited for as an event: events get lost when a connection
    # breaks.
    gone = guest_did(
        lambda: not domain.isActive() or not _has(domain, kind, key, 0),
        lambda: _ask(domain, alias),
        timeout_seconds=timeout_seconds,
        ask_again_seconds=_ASK_AGAIN_SECONDS,
    )
    if not gone:
        raise Busy(
            f"the guest did not let go of {kind} {key} within {timeout_seconds} s",
            remedy="repeat it, or stop the VM first",
            may_have_been_done=True,
        )
    if _has(domain, kind, key, libvirt.VIR_DOMAIN_XML_INACTIVE):
        domain.detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def _has(domain: Any, kind: str, key: str, flags: int) -> bool:
    description = read_domain(domain.XMLDesc(flags))
    return key in (
        description.nic_keys if kind == "nic" else [disk.key for disk in description.disks]
    )


def _ask(domain: Any, alias: str) -> None:
    try:
        domain.detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    except libvirt.libvirtError as error:
        # It stopped, or let go, meanwhile; or the guest has not answered the last question yet.
        gone = is_code(error, libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_DEVICE_MISSING)
        if not gone and _GOING_ALREADY not in str(error):
            raise
