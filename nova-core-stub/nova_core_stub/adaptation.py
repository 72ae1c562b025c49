"""Brings what a driver's factory returned to the interface that core works with."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver
from zope.interface.adapter import AdapterRegistry

from nova_core_stub.guard import Before, guarded
from nova_core_stub.library_driver.driver import LibraryDriver

__all__ = ["adapted"]

_REGISTRY: Any = AdapterRegistry()
_REGISTRY.register((IHypervisor,), IVirtDriver, "", LibraryDriver)


def adapted(
    connection: object, contract: ContractVersion, *, name: str, before: Before | None = None
) -> Any:
    """Put a guard around a connection and adapt it; one that provides `IVirtDriver` is not adapted.

    Every call makes a new adapter, so that the caller keeps it for as long as the connection.

    Args:
        connection: what a driver's factory returned; it provides one of the two levels.
        contract: the contract version that the driver implements.
        name: names the driver in logs and errors.
        before: called with each call's arguments before it is made.

    Returns: an object that provides `IVirtDriver`.
    """
    lower = guarded(connection, contract, name=name, before=before)
    if IVirtDriver.providedBy(lower):
        return lower
    driver = _REGISTRY.queryAdapter(lower, IVirtDriver)
    # Core's own adapter needs the guard, too: no two calls about one instance overlap.
    return guarded(driver, ContractVersion.parse(CONTRACT_VERSION), name="core", before=before)
