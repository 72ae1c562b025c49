"""Optional: instances that do not boot any more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.instance_requests import RescueRequest, UnrescueRequest

__all__ = ["IRescue"]


class IRescue(Interface):
    """A node that boots an instance from another image, with its own disks beside it."""

    taggedValue("since", "1.0")

    def rescue(instance_uuid: UUID, request: RescueRequest) -> None:
        """Boot an instance from a rescue image.

        [RESC-1] On return it runs, booted from the image; its disks, volumes and ports are there.
        If it has a config drive, one with the rescue's metadata is in the place of that: a guest
        that sees two takes either.
        [RESC-2] Repeated with an equal request, it succeeds and does not boot anew. After an error
        the instance is as it was, but may be stopped. What is in the way after a crash at any
        moment is found at the hypervisor: a repeat goes on from there, and so does `unrescue`.

        Raises: NotFound (vm, image); Conflict (another rescue); InsufficientResources; Unsupported.
        """

    def unrescue(instance_uuid: UUID, request: UnrescueRequest) -> None:
        """Boot an instance from its own disks again.

        [RESC-3] On return it runs, booted as before the rescue, and nothing of the rescue is left.
        Repeated, or without a rescue behind it, it does not boot a running instance anew; a stopped
        one is started, because there an earlier call may have ended.

        Raises: NotFound (vm); InsufficientResources.
        """
