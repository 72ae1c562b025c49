"""Another description for a VM that exists."""

from __future__ import annotations

from nova_virt_interface.marks import value
from nova_virt_interface.values.vm import VmSpec

__all__ = ["ConfirmResizeRequest", "ResizeVmRequest", "RevertResizeRequest"]


@value(since="1.0")
class ResizeVmRequest:
    """What the VM is to be; the whole description."""

    spec: VmSpec


@value(since="1.0")
class ConfirmResizeRequest:
    """How to make a resize final."""


@value(since="1.0")
class RevertResizeRequest:
    """How to undo a resize."""
