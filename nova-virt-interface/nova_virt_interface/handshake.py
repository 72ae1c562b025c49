"""The version handshake: pure functions over what a driver declares in its package metadata.

[HAND-1] A driver names the contract version that it implements in the name of its entry point:
group ``nova_virt.hypervisors``, name ``DRIVER-VERSION``, for instance ``libvirt-1.0``. It is read
without importing the driver.
[HAND-2] Core accepts a driver of the same major version whose minor version is not newer than
core's.
[HAND-3] A draft (``1.0.dev2``) is compatible with itself alone.
[HAND-4] A refusal names both versions, says which side is the old one, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from nova_virt_interface.errors import IncompatibleContract
from nova_virt_interface.version import ContractVersion

__all__ = ["DRIVER_GROUP", "HARNESS_GROUP", "Declaration", "Verdict", "negotiate"]

DRIVER_GROUP = "nova_virt.hypervisors"
"""Entry-point group of drivers."""
HARNESS_GROUP = "nova_virt.harnesses"
"""Entry-point group of conformance harnesses, named ``DRIVER-BACKEND``."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a driver's package metadata say. ``contract`` is None when they name no contract
    version.
    """

    driver: str
    package: str
    package_version: str
    contract: str | None

    @classmethod
    def from_entry_point(cls, name: str, package: str, package_version: str) -> Declaration:
        """Split an entry point's name at the last hyphen into the driver's name and its contract
        version.
        """
        driver, _, contract = name.rpartition("-")
        if not driver or not contract[:1].isdigit():
            driver, contract = name, ""
        return cls(
            driver=driver,
            package=package,
            package_version=package_version,
            contract=contract or None,
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether core may use the driver, and if not, why and what to do."""

    accepted: bool
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        text = "accepted" if self.accepted else "refused"
        return f"{text}: {self.reason}" + (f"; {self.remedy}" if self.remedy else "")

    def require(self) -> None:
        """Raise `IncompatibleContract` unless the driver was accepted."""
        if not self.accepted:
            raise IncompatibleContract(self.reason, remedy=self.remedy)


def negotiate(declaration: Declaration, served: str) -> Verdict:
    """Decide whether a core that serves contract ``served`` may use the driver.

    Args:
        declaration: what the driver declares.
        served: the newest contract version that core speaks; it serves all older minors of that
            major.
    """
    who = f"driver {declaration.driver} ({declaration.package} {declaration.package_version})"
    if declaration.contract is None:
        remedy = f"its package must name the entry point {declaration.driver}-MAJOR.MINOR"
        return Verdict(accepted=False, reason=f"{who} declares no contract version", remedy=remedy)
    try:
        theirs = ContractVersion.parse(declaration.contract)
    except ValueError as error:
        return Verdict(
            accepted=False, reason=f"{who}: {error}", remedy="correct its entry point's name"
        )
    ours = ContractVersion.parse(served)
    reason = f"{who} implements contract {theirs}, core serves {_served(ours)}"
    if _compatible(theirs, ours):
        return Verdict(accepted=True, reason=reason)
    return Verdict(accepted=False, reason=reason, remedy=_remedy(declaration, theirs, ours))


def _compatible(theirs: ContractVersion, ours: ContractVersion) -> bool:
    if theirs.is_draft or ours.is_draft:
        return theirs == ours
    return theirs.major == ours.major and theirs.minor <= ours.minor


def _served(ours: ContractVersion) -> str:
    if ours.is_draft:
        return f"the draft {ours} alone"
    return str(ours) if ours.minor == 0 else f"{ours.major}.0 to {ours}"


def _remedy(declaration: Declaration, theirs: ContractVersion, ours: ContractVersion) -> str:
    if theirs < ours:
        return (
            f"the driver is the old side: install a release of {declaration.package} "
            f"for contract {ours}"
        )
    return (
        f"core is the old side: upgrade core, or install an older release of {declaration.package} "
        f"that implements contract {ours}"
    )
