"""Must understand: a request is refused before the call when it asks for more than the driver
knows.

Without this check a driver of contract 1.0 would silently boot a VM without a device that contract
1.1 added.

[UND-1] A value's field that is newer than the driver's contract and not at its default is refused,
unless it is advisory; so is a value of a class that is newer.
[UND-2] An enumeration member that is newer than the driver's contract is refused.
[UND-3] The refusal is `Unsupported`; it names the field's path, the version that added it, and the
driver's version.
"""

from __future__ import annotations

import dataclasses
import enum

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.marks import field_since, is_advisory, member_since, value_since
from nova_virt_interface.version import ContractVersion

__all__ = ["check_understood"]


def check_understood(request: object, contract: ContractVersion, path: str = "request") -> None:
    """Raise `Unsupported` if ``request`` holds something newer than ``contract``.

    Args:
        request: a contract value, an enumeration member, a tuple of such, or anything else (which
            is ignored).
        contract: the version that the driver declares.
        path: how to name ``request`` in the error.
    """
    if isinstance(request, tuple):
        for index, item in enumerate(request):
            check_understood(item, contract, f"{path}[{index}]")
    elif isinstance(request, enum.Enum) and hasattr(request, "__contract_since__"):
        _require(member_since(request), contract, f"{path}={request.name}")
    elif hasattr(request, "__contract_since__") and dataclasses.is_dataclass(request):
        _require(value_since(request), contract, path)
        for field in dataclasses.fields(request):
            content = getattr(request, field.name)
            place = f"{path}.{field.name}"
            since = field_since(request, field)
            ignored = is_advisory(field) and _is_newer(since, contract)
            if content != field.default and not ignored:
                _require(since, contract, place)
                check_understood(content, contract, place)


def _is_newer(added: str, contract: ContractVersion) -> bool:
    version = ContractVersion.parse(added)
    # A draft implements what the release of the same number will have.
    return (version.major, version.minor) > (contract.major, contract.minor)


def _require(added: str, contract: ContractVersion, place: str) -> None:
    if _is_newer(added, contract):
        raise Unsupported(
            f"{place} is part of contract {added}, but the driver implements {contract}",
            remedy="install a newer driver, or do not ask for it",
            field=place,
        )
