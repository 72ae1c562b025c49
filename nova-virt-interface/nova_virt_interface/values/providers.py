"""A compute node as the placement service knows it."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.marks import value
from nova_virt_interface.values._checks import at_least, fits, unique

__all__ = [
    "Allocation",
    "Inventory",
    "ProviderTree",
    "ReshapeRequest",
    "ResourceProvider",
]


@value(since="1.0")
class Inventory:
    """How much of one resource class a provider has."""

    resource_class: str
    """Placement's name: ``VCPU``, ``MEMORY_MB``, ``CUSTOM_…``. Once told, a name keeps its
    meaning.
    """
    total: int
    min_unit: int = 1
    max_unit: int | None = None
    """None: the total."""
    step_size: int = 1

    def __post_init__(self) -> None:
        fits(self.resource_class.isupper(), "resource_class", "must be in upper case")
        at_least(0, self.total, "total")
        at_least(1, self.min_unit, "min_unit")
        at_least(1, self.step_size, "step_size")


@value(since="1.0")
class ResourceProvider:
    """The node, or a part of it that has resources of its own."""

    name: str
    parent: str | None = None
    """Name of the provider that it is part of; None: it is the node."""
    inventories: tuple[Inventory, ...] = ()
    traits: tuple[str, ...] = ()
    """Placement's names, sorted."""

    def __post_init__(self) -> None:
        unique((inventory.resource_class for inventory in self.inventories), "inventories")
        unique(self.traits, "traits")


@value(since="1.0")
class ProviderTree:
    """The node and its parts; a parent comes before its children.

    [PRV-1] Reserved amounts and allocation ratios are core's (rule INV-1).
    [PRV-2] A provider keeps its name while the hardware is the same.
    """

    providers: tuple[ResourceProvider, ...]

    def __post_init__(self) -> None:
        seen: set[str | None] = {None}
        for provider in self.providers:
            fits(provider.parent in seen, "providers", f"has no {provider.parent!r} before a child")
            fits(provider.name not in seen, "providers", f"has {provider.name!r} twice")
            seen.add(provider.name)
        roots = sum(provider.parent is None for provider in self.providers)
        fits(roots == 1, "providers", f"has {roots} providers without a parent, it must be one")


@value(since="1.0")
class Allocation:
    """What one consumer has of one resource class of one provider."""

    consumer: UUID
    provider: str
    resource_class: str
    amount: int

    def __post_init__(self) -> None:
        at_least(1, self.amount, "amount")


@value(since="1.0")
class ReshapeRequest:
    """All allocations on a node whose providers have another shape than before."""

    allocations: tuple[Allocation, ...]
