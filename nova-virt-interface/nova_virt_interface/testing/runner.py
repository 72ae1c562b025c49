"""Runs the suites over the backends of installed drivers, without core if need be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points, version
from importlib.resources import files
from typing import Any, ClassVar

import testtools
from zope.interface import providedBy

from nova_virt_interface.errors import VirtError
from nova_virt_interface.handshake import (
    DRIVER_GROUP,
    HARNESS_GROUP,
    Declaration,
    Verdict,
    negotiate,
)
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.interfaces import HYPERVISOR_INTERFACES, VIRT_DRIVER_INTERFACES
from nova_virt_interface.testing.case import (
    ConformanceTestCase,
    HypervisorTestCase,
    VirtDriverTestCase,
    suite_tests,
    test_key,
)
from nova_virt_interface.testing.completeness import gaps, unknown_deviations
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.harness import BackendUnavailable, Harness, finished, started
from nova_virt_interface.testing.provides import Provides
from nova_virt_interface.testing.results import DriverRun, Record, Status
from nova_virt_interface.testing.static import check_static
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite
from nova_virt_interface.testing.tracker import Asked
from nova_virt_interface.version import CONTRACT_VERSION

__all__ = ["Adapt", "UnknownDriver", "run_conformance"]

Adapt = Callable[[Any, SuiteServices], Any]
"""Core's adapter: a connection and the services that it was made with → an `IVirtDriver`."""
Report = Callable[[str, Record], None]


class UnknownDriver(ValueError):
    """A driver was asked for that is not installed."""


def run_conformance(
    drivers: Iterable[str], on_record: Report, adapt: Adapt | None = None, url: str = ""
) -> list[DriverRun]:
    """Run everything for the named drivers, or for all that are installed if none is named.

    Args:
        drivers: names of drivers.
        on_record: told of every check as it ends, with ``DRIVER/BACKEND``.
        adapt: core's adapter, for the upper level of drivers that provide the lower one alone.
        url: a host of the operator's own, which is checked instead of the drivers' usual backends.

    Raises: UnknownDriver.
    """
    declared = _declarations()
    wanted = list(drivers) or sorted(declared)
    unknown = sorted(set(wanted) - declared.keys())
    if unknown:
        known = ", ".join(sorted(declared))
        raise UnknownDriver(f"no driver {', '.join(unknown)} is installed; there are: {known}")
    runs = []
    for name in wanted:
        declaration, verdict = declared[name]
        try:
            backends = _harnesses(name, url) if verdict.accepted else []
        except Exception as error:  # noqa: BLE001 - whatever importing a broken package raises
            runs.append(_not_run(declaration, verdict, f"{type(error).__name__}: {error}"))
            continue
        if not backends:
            kind = "harness that takes a URL" if url else "harness"
            reason = f"its package has no {kind} in entry-point group {HARNESS_GROUP}"
            runs.append(_not_run(declaration, verdict, reason))
        runs += [_Backend(cls, on_record, adapt).run(declaration, verdict) for cls in backends]
    return runs


def _harnesses(driver: str, url: str) -> list[type[Harness]]:
    """The harnesses of one driver; nothing of another driver's package is imported."""
    entries = entry_points(group=HARNESS_GROUP)
    named = [entry.load() for entry in entries if entry.name.startswith(f"{driver}-")]
    found = [cls for cls in named if cls.driver == driver and cls.takes_url == bool(url)]
    return [_at(cls, url) for cls in found] if url else found


def _at(cls: type[Harness], url: str) -> type[Harness]:
    """A harness that checks this host."""
    return type(cls.__name__, (cls,), {"url": url, "__module__": cls.__module__})


def _declarations() -> dict[str, tuple[Declaration, Verdict]]:
    """Driver name → what it declares; of several contracts the one that is accepted."""
    found: dict[str, tuple[Declaration, Verdict]] = {}
    for entry in entry_points(group=DRIVER_GROUP):
        declaration = _declaration(entry)
        verdict = negotiate(declaration, CONTRACT_VERSION)
        if declaration.driver not in found or verdict.accepted:
            found[declaration.driver] = declaration, verdict
    return found


def _declaration(entry: EntryPoint) -> Declaration:
    package, package_version = (entry.dist.name, entry.dist.version) if entry.dist else ("?", "?")
    return Declaration.from_entry_point(entry.name, package, package_version)


def _not_run(declaration: Declaration, verdict: Verdict, reason: str) -> DriverRun:
    run = DriverRun(
        declaration=declaration, verdict=verdict, backend=None, suite_version=_suite_version()
    )
    if verdict.accepted:
        run.behaviour.append(Record(test="harness", status=Status.ERROR, reason=reason))
    return run


def _suite_version() -> str:
    return version("nova-virt-interface")


class _Backend:
    """The run of one backend."""

    def __init__(self, harness_class: type[Harness], on_record: Report, adapt: Adapt | None):
        self._harness_class = harness_class
        self._name = f"{harness_class.driver}/{harness_class.backend_name}"
        self._on_record = on_record
        self._adapt = adapt
        package = harness_class.__module__.rpartition(".")[0]
        self._provides_file = files(package) / "provides.toml"

    def run(self, declaration: Declaration, verdict: Verdict) -> DriverRun:
        run = DriverRun(
            declaration=declaration, verdict=verdict, backend=None, suite_version=_suite_version()
        )
        try:
            harness = started(self._harness_class)
            run.backend = harness.backend()
            self._check(run, harness)
        except BackendUnavailable as error:
            run.behaviour.append(
                self._problem("harness", Status.ERROR, f"could not check: {error}")
            )
        except VirtError as error:
            run.behaviour.append(self._problem("connect", Status.FAIL, str(error)))
        except Exception as error:  # noqa: BLE001 - it is reported, and costs no other driver's run
            reason = f"could not check: {type(error).__name__}: {error}"
            run.behaviour.append(self._problem("harness", Status.ERROR, reason))
        finally:
            finished(self._harness_class)
        return run

    def _problem(self, test: str, status: Status, reason: str) -> Record:
        return self._told(Record(test=test, status=status, reason=reason))

    def _check(self, run: DriverRun, harness: Harness) -> None:
        provides = Provides.read(self._provides_file, harness.backend_name)
        for case, suite, interfaces, adapt in self._levels(harness):
            provided = self._check_static(run, harness, provides, interfaces, adapt)
            run.provided |= provided
            records = self._behaviour(case, suite, adapt)
            problems = gaps(suite_tests(suite).values(), records, provided, provides)
            status = Status.FAIL if problems else Status.PASS
            test = f"completeness:{suite.__name__}"
            run.behaviour += [*records, self._problem(test, status, "; ".join(problems))]
        run.not_provided = provides.reasons
        tests = {*suite_tests(HypervisorSuite).values(), *suite_tests(VirtDriverSuite).values()}
        unknown = unknown_deviations(tests, provides)
        status = Status.FAIL if unknown else Status.PASS
        run.static.append(self._problem("static:deviations", status, "; ".join(unknown)))

    def _levels(self, harness: Harness) -> list[tuple[Any, ...]]:
        """Test case, suite, interfaces and adapter of each level that can be checked."""
        connection = harness.factory().connect(harness.settings(), SuiteServices())
        connection.close()
        if not IHypervisor.providedBy(connection):
            return [(VirtDriverTestCase, VirtDriverSuite, VIRT_DRIVER_INTERFACES, _as_it_is)]
        levels: list[tuple[Any, ...]] = [
            (HypervisorTestCase, HypervisorSuite, HYPERVISOR_INTERFACES, _as_it_is)
        ]
        if self._adapt is not None:
            levels.append((VirtDriverTestCase, VirtDriverSuite, (), self._adapt))
        return levels

    def _check_static(
        self, run: DriverRun, harness: Harness, provides: Provides, interfaces: Any, adapt: Adapt
    ) -> set[str]:
        """Check what the driver itself provides; return the names of all that is provided."""
        services = SuiteServices()
        connection = harness.factory().connect(harness.settings(), services)
        adapted = adapt(connection, services)
        if interfaces:
            run.static += map(self._told, check_static(connection, interfaces, provides))
        adapted.close()
        return {interface.__name__ for interface in providedBy(adapted).flattened()}

    def _behaviour(
        self, case: type[ConformanceTestCase], suite: type, adapt: Adapt
    ) -> list[Record]:
        attributes = {
            "harness_class": self._harness_class,
            "provides_file": self._provides_file,
            "adapt": staticmethod(adapt),
            "__module__": suite.__module__,
        }
        test_class = type(suite.__name__, (suite, case), attributes)
        result = Recorder(self._told)
        for name in suite_tests(suite):
            test_class(name).run(result)
        return result.records

    def _told(self, record: Record) -> Record:
        self._on_record(self._name, record)
        return record


def _as_it_is(connection: Any, services: SuiteServices) -> Any:
    return connection


class Recorder(testtools.TestResult):
    """Turns what testtools reports into records."""

    _EVIDENCE: ClassVar = ("console", "deviation")

    def __init__(self, told: Callable[[Record], Record]) -> None:
        super().__init__()
        self._told = told
        self.records: list[Record] = []

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self._began = time.monotonic()

    def _add(self, test: Any, status: Status, details: Any, reason: str = "") -> None:
        details = details or {}
        evidence = [details[name].as_text() for name in self._EVIDENCE if name in details]
        texts = [d.as_text() for name, d in details.items() if name not in self._EVIDENCE]
        method = getattr(test, test._testMethodName)
        # A test that cannot be set up has asked for nothing.
        asked = getattr(test, "asked", Asked())
        self.records.append(
            self._told(
                Record(
                    test=test_key(type(test), test._testMethodName),
                    status=status,
                    rules=getattr(method, "rule_ids", ()),
                    reason=reason or ("\n".join(texts) if status is not Status.PASS else ""),
                    seconds=time.monotonic() - self._began,
                    evidence="\n".join(evidence),
                    operations=tuple(sorted(asked.operations)),
                    errors=tuple(sorted(asked.errors)),
                )
            )
        )

    def addSuccess(self, test: Any, details: Any = None) -> None:
        self._add(test, Status.PASS, details)

    def addSkip(self, test: Any, reason: Any = None, details: Any = None) -> None:
        self._add(test, Status.SKIP, details, reason or details["reason"].as_text())

    def addFailure(self, test: Any, err: Any = None, details: Any = None) -> None:
        self._add(test, Status.FAIL, details)

    def addError(self, test: Any, err: Any = None, details: Any = None) -> None:
        status = Status.ERROR if test.could_not_check else Status.FAIL
        self._add(test, status, details)
