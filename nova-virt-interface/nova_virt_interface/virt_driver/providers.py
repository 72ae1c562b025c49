"""Optional: the node as the placement service knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.providers import Allocation, ProviderTree, ReshapeRequest

__all__ = ["IProviderReshape", "IProviderTree"]


class IProviderTree(Interface):
    """A node that says of which resource providers it is made."""

    taggedValue("since", "1.0")

    def get_provider_tree() -> ProviderTree:
        """Say which providers the node has, with inventories and traits.

        [PRV-3] A number of round trips that does not grow with the number of instances.
        """


class IProviderReshape(Interface):
    """A node whose tree has got another shape with a new version of its driver."""

    taggedValue("since", "1.0")

    def reshape_allocations(request: ReshapeRequest) -> tuple[Allocation, ...]:
        """Say where the allocations of the old tree belong in the new one. Changes nothing.

        [PRV-4] Of each consumer and resource class the amounts stay the same. What need not move is
        returned as it is.

        Raises: InvalidRequest (allocations of a provider that never was).
        """
