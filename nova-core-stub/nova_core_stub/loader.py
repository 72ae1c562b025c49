"""Finds drivers by entry points and decides, before importing any of them, which may be used.

It reads `importlib.metadata` rather than asking a stevedore manager: those import what they list,
and keep what they found in a cache, so that a driver installed meanwhile is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from itertools import groupby

from nova_virt_interface.errors import BackendError, InvalidRequest
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.handshake import DRIVER_GROUP, Declaration, Verdict, negotiate
from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

__all__ = ["FoundDriver", "choose", "find_drivers", "load"]


@dataclass(frozen=True, kw_only=True)
class FoundDriver:
    """A driver as its package's metadata describe it; nothing of it has been imported."""

    declaration: Declaration
    verdict: Verdict
    entry_point: EntryPoint = field(repr=False, compare=False)

    @property
    def contract(self) -> ContractVersion:
        """The contract version that the driver implements.

        Raises: IncompatibleContract, for a driver that was refused.
        """
        self.verdict.require()
        return ContractVersion.parse(self.declaration.contract or "")

    def load(self) -> IHypervisorFactory:
        """Import the driver and make its factory.

        Raises: IncompatibleContract; BackendError (the driver is broken).
        """
        self.verdict.require()
        try:
            factory = self.entry_point.load()()
        except (Exception, SystemExit) as error:
            raise self._broken(f"{type(error).__name__}: {error}") from error
        try:
            verifyObject(IHypervisorFactory, factory)
        except Invalid as error:
            raise self._broken(str(error)) from error
        return factory  # type: ignore[no-any-return]

    def _broken(self, detail: str) -> BackendError:
        who = self.declaration
        return BackendError(
            f"driver {who.driver} is broken: {self.entry_point.value} gives no driver factory",
            detail=" ".join(detail.split()),
            remedy=f"install {who.package} anew, with what it depends on, or another release of it",
        )


def find_drivers(served: str = CONTRACT_VERSION) -> tuple[FoundDriver, ...]:
    """List all drivers that installed packages declare, by name, package, newest contract last.

    A driver that was built for several contracts is listed once for each.

    Args:
        served: the contract version that core serves.
    """
    found = sorted(_declared(served), key=_order)
    return tuple(
        driver
        for _, group in groupby(found, key=lambda driver: driver.declaration.driver)
        for driver in _without_rivals(tuple(group))
    )


def choose(name: str, served: str = CONTRACT_VERSION) -> FoundDriver:
    """Pick a driver by name: its newest entry that was accepted.

    Raises: InvalidRequest (there is no such driver); IncompatibleContract (it was refused).
    """
    drivers = find_drivers(served)
    entries = [driver for driver in drivers if driver.declaration.driver == name]
    if not entries:
        known = ", ".join(sorted({driver.declaration.driver for driver in drivers})) or "none"
        raise InvalidRequest(
            f"no installed package has a driver {name!r}",
            remedy=f"install its package, or use one of these: {known}",
            field="driver",
        )
    accepted = [driver for driver in entries if driver.verdict.accepted]
    best = (accepted or entries)[-1]
    best.verdict.require()
    return best


def load(name: str) -> IHypervisorFactory:
    """Pick a driver by name, import it and make its factory.

    Raises: InvalidRequest; IncompatibleContract; BackendError (the driver is broken).
    """
    return choose(name).load()


def _declared(served: str) -> Iterator[FoundDriver]:
    for entry_point in entry_points(group=DRIVER_GROUP):
        package = entry_point.dist
        declaration = Declaration.from_entry_point(
            entry_point.name,
            package.name if package else "unknown",
            package.version if package else "unknown",
        )
        verdict = negotiate(declaration, served)
        yield FoundDriver(declaration=declaration, verdict=verdict, entry_point=entry_point)


def _order(driver: FoundDriver) -> tuple[str, str, bool, ContractVersion]:
    who = driver.declaration
    try:
        contract = ContractVersion.parse(who.contract or "")
    except ValueError:
        return who.driver, who.package, False, ContractVersion(0, 0)
    return who.driver, who.package, True, contract


def _without_rivals(drivers: tuple[FoundDriver, ...]) -> tuple[FoundDriver, ...]:
    """Refuse drivers of one name from more than one package: no guess which was meant."""
    claims = {
        (driver.declaration.package, driver.declaration.package_version) for driver in drivers
    }
    if len(claims) == 1:
        return drivers
    packages = " and ".join(f"{package} {version}" for package, version in sorted(claims))
    verdict = Verdict(
        accepted=False,
        reason=f"more than one package has a driver {drivers[0].declaration.driver}: {packages}",
        remedy="uninstall all of them but one",
    )
    return tuple(
        FoundDriver(declaration=driver.declaration, verdict=verdict, entry_point=driver.entry_point)
        for driver in drivers
    )
