"""How a mutant is marked, and put before one test of the suite."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import testtools

from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.hypervisor import ReferenceFactory, ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.services import IServices
from nova_virt_interface.testing.case import (
    ConformanceTestCase,
    HypervisorTestCase,
    VirtDriverTestCase,
    suite_tests,
)
from nova_virt_interface.testing.harness import finished
from nova_virt_interface.testing.reference import ReferenceDirectHarness, ReferenceHarness
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite

__all__ = ["Driver", "caught_by", "mutants_of", "run_suite_test"]

Driver = type[ReferenceHypervisor] | type[ReferenceVirtDriver]
_Driver = TypeVar("_Driver", bound=type[Any])


def caught_by(test: str) -> Callable[[_Driver], _Driver]:
    """Name the suite test that must fail on a broken driver, as ``SUITE.METHOD``."""

    def mark(driver: _Driver) -> _Driver:
        driver.caught_by = test
        return driver

    return mark


def mutants_of(module: ModuleType) -> list[Driver]:
    """The broken drivers that a module defines, in its order."""
    return [
        thing for thing in vars(module).values() if "caught_by" in getattr(thing, "__dict__", ())
    ]


def run_suite_test(
    driver: Driver, test: str, provides_file: Path | Traversable, patience_seconds: float = 10.0
) -> testtools.TestResult:
    """Run one test of the suite against the reference driver, or a mutant of it.

    Args:
        driver: the class that is connected to a host in memory.
        test: the test's key.
        provides_file: the reference driver's ``provides.toml``.
        patience_seconds: how long the test waits for what a mutant may never do.
    """
    direct = issubclass(driver, ReferenceVirtDriver)
    suite: type = VirtDriverSuite if direct else HypervisorSuite
    case: type[ConformanceTestCase] = VirtDriverTestCase if direct else HypervisorTestCase
    harness = type(
        f"{driver.__name__}Harness",
        (ReferenceDirectHarness if direct else ReferenceHarness,),
        {"_factory": _factory(driver), "patience_seconds": patience_seconds},
    )
    attributes = {
        "harness_class": harness,
        "provides_file": provides_file,
        "adapt": staticmethod(lambda connection, services: connection),
        "__module__": __name__,
    }
    test_class: Any = type(suite.__name__, (suite, case), attributes)
    names = {key: name for name, key in suite_tests(suite).items()}
    result = testtools.TestResult()
    try:
        test_class(names[test]).run(result)
    finally:
        finished(harness)
    return result


def _factory(driver: Driver) -> type[ReferenceFactory]:
    class Factory(ReferenceFactory):
        def connect(self, settings: Settings, services: IServices) -> Any:
            return driver(settings, services)

    return Factory
