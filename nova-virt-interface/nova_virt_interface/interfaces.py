"""All interfaces of the contract by level; each level's first is the mandatory one."""

from __future__ import annotations

from nova_virt_interface.hypervisor.console import IConsoleLog
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.virt_driver.console import IConsoleOutput
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver

__all__ = ["HYPERVISOR_INTERFACES", "VIRT_DRIVER_INTERFACES"]

HYPERVISOR_INTERFACES = (IHypervisor, IConsoleLog, IDiskHotplug, IImageCache, INicHotplug)
VIRT_DRIVER_INTERFACES = (IVirtDriver, IConsoleOutput, IImageCaching, IInterfaceAttachment)
