"""Runs of installed drivers, and of those that are broken, refused or not to be had."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from unittest import SkipTest
from uuid import UUID

import testtools
from fixtures import FakeLogger, MonkeyPatch, TempDir

from nova_virt_interface.errors import AccessDenied
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.handshake import DRIVER_GROUP, HARNESS_GROUP
from nova_virt_interface.reference.hypervisor import ReferenceFactory, ReferenceHypervisor
from nova_virt_interface.testing.__main__ import main
from nova_virt_interface.testing.case import suite_tests
from nova_virt_interface.testing.harness import BackendUnavailable
from nova_virt_interface.testing.reference import ReferenceHarness
from nova_virt_interface.testing.results import DriverRun, Record, Status
from nova_virt_interface.testing.runner import UnknownDriver, run_conformance
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite
from nova_virt_interface.version import CONTRACT_VERSION

TESTS = Path(__file__).parents[1]
RUNNER = "nova_virt_interface.testing.runner"


class NoBackend(ReferenceHarness):
    """A backend that is not installed."""

    driver = "absent"

    def start(self) -> None:
        raise BackendUnavailable("no daemon: install it")


class Crashing(ReferenceHarness):
    """A harness with a bug."""

    driver = "crashing"

    def start(self) -> None:
        raise FileNotFoundError("no such program: vmmd")


class LockedOut(ReferenceHarness):
    """A driver that cannot log in."""

    driver = "locked-out"

    def factory(self) -> IHypervisorFactory:
        return LockedFactory()


class Elsewhere(ReferenceHarness):
    """A harness for a host of the operator's own."""

    driver = "elsewhere"
    backend_name = "host"
    takes_url = True

    def start(self) -> None:
        raise BackendUnavailable(f"nobody is at {self.url}")


class Lazy(ReferenceHarness):
    """A harness that skips what it does not like."""

    driver = "lazy"

    def rename_vm(self, vm_uuid: UUID, name: str) -> None:
        raise SkipTest("too slow")


class LockedFactory(ReferenceFactory):
    """Connects to nothing."""

    def connect(self, settings: Any, services: Any) -> ReferenceHypervisor:
        raise AccessDenied("wrong password", remedy="set another")


def entry(name: str, thing: type | None, group: str) -> EntryPoint:
    """An entry point; without a thing, one that cannot be imported."""
    value = f"{thing.__module__}:{thing.__qualname__}" if thing else "no_such_module:Factory"
    return EntryPoint(name=name, value=value, group=group)


class RunnerTestCase(testtools.TestCase):
    """Installs drivers for the length of a test."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(FakeLogger())

    provides_folder = TESTS

    def install(self, drivers: dict[str, str | None], *harnesses: type[ReferenceHarness]) -> None:
        found = [
            entry(f"{name}-{contract}" if contract else name, None, DRIVER_GROUP)
            for name, contract in drivers.items()
        ]
        found += [entry(f"{cls.driver}-memory", cls, HARNESS_GROUP) for cls in harnesses]
        for name, double in {
            "entry_points": lambda group: [point for point in found if point.group == group],
            "version": lambda package: "9.9",
            "files": lambda package: self.provides_folder,
        }.items():
            self.useFixture(MonkeyPatch(f"{RUNNER}.{name}", double))

    def run_all(self, *drivers: str) -> tuple[list[DriverRun], list[tuple[str, Record]]]:
        told: list[tuple[str, Record]] = []
        runs = run_conformance(drivers, lambda backend, record: told.append((backend, record)))
        return runs, told


class TestHostsOfOnesOwn(RunnerTestCase):
    def test_they_are_checked_only_when_a_url_names_one(self) -> None:
        self.install({"elsewhere": CONTRACT_VERSION}, Elsewhere)
        [run], _ = self.run_all()
        self.assertIn("no harness in", run.behaviour[0].reason)
        [run] = run_conformance((), lambda backend, record: None, url="https://host-1")
        self.assertIn("nobody is at https://host-1", run.behaviour[0].reason)

    def test_a_driver_that_has_no_harness_for_them(self) -> None:
        self.install({"reference": CONTRACT_VERSION}, ReferenceHarness)
        [run] = run_conformance((), lambda backend, record: None, url="https://host-1")
        self.assertIn("no harness that takes a URL", run.behaviour[0].reason)


class TestRuns(RunnerTestCase):
    def test_the_reference_driver_passes_its_own_suite(self) -> None:
        self.install({"reference": CONTRACT_VERSION}, ReferenceHarness)
        [run], told = self.run_all()
        bad = [record for record in run.behaviour if record.status is not Status.PASS]
        self.assertEqual([], bad)
        self.assertTrue(run.succeeded)
        ran = {record.test for record in run.behaviour}
        self.assertLessEqual(set(suite_tests(HypervisorSuite).values()), ran)
        self.assertIn("completeness:HypervisorSuite", ran)
        self.assertEqual({"reference/memory"}, {backend for backend, _ in told})
        self.assertEqual(len(run.static) + len(run.behaviour), len(told))
        booted = next(r for r in run.behaviour if "exactly_its_nics" in r.test)
        self.assertIn("NVG dmi_uuid=", booted.evidence)
        self.assertEqual(("NIC-2", "ID-1"), booted.rules)

    def test_a_backend_that_does_not_start_could_not_be_checked(self) -> None:
        self.install({"absent": CONTRACT_VERSION}, NoBackend)
        [run], _ = self.run_all()
        [record] = run.behaviour
        self.assertIs(Status.ERROR, record.status)
        self.assertEqual("could not check: no daemon: install it", record.reason)
        self.assertFalse(run.succeeded)
        self.assertIsNone(run.backend)

    def test_a_harness_with_a_bug_costs_its_own_run_only(self) -> None:
        drivers: dict[str, str | None] = {"crashing": CONTRACT_VERSION, "absent": CONTRACT_VERSION}
        self.install(drivers, Crashing, NoBackend)
        runs, _ = self.run_all()
        self.assertEqual(["absent", "crashing"], [run.declaration.driver for run in runs])
        [record] = runs[1].behaviour
        self.assertIs(Status.ERROR, record.status)
        self.assertIn("no such program: vmmd", record.reason)

    def test_a_test_that_was_skipped_without_leave_fails_the_run(self) -> None:
        self.install({"lazy": CONTRACT_VERSION}, Lazy)
        [run], _ = self.run_all()
        [failed] = [record for record in run.behaviour if record.status is Status.FAIL]
        self.assertEqual("completeness:HypervisorSuite", failed.test)
        self.assertIn(
            "test_a_renamed_vm_is_still_the_same was skipped without leave", failed.reason
        )
        self.assertFalse(run.succeeded)

    def test_a_file_that_differs_from_the_connection_fails_the_run(self) -> None:
        self.provides_folder = Path(self.useFixture(TempDir()).path)
        text = (TESTS / "provides.toml").read_text(encoding="utf-8")
        text = text.replace("IImageCache = true", 'IImageCache = "the product has none"', 1)
        text += '[[backends.memory.deviations]]\ntest = "A.test_1"\nreason = "issue 7"\n'
        (self.provides_folder / "provides.toml").write_text(text, encoding="utf-8")
        self.install({"reference": CONTRACT_VERSION}, ReferenceHarness)
        [run], _ = self.run_all()
        failed = {
            record.test: record.reason for record in run.static if record.status is Status.FAIL
        }
        self.assertEqual({"static:provides.toml", "static:deviations"}, failed.keys())
        self.assertIn("IImageCache is provided", failed["static:provides.toml"])
        self.assertIn("A.test_1", failed["static:deviations"])

    def test_a_driver_that_cannot_connect_fails(self) -> None:
        self.install({"locked-out": CONTRACT_VERSION}, LockedOut)
        [run], _ = self.run_all()
        self.assertEqual(
            [("connect", Status.FAIL)], [(record.test, record.status) for record in run.behaviour]
        )

    def test_a_driver_without_a_harness_could_not_be_checked(self) -> None:
        self.install({"bare": CONTRACT_VERSION})
        [run], _ = self.run_all()
        self.assertEqual([Status.ERROR], [record.status for record in run.behaviour])
        self.assertFalse(run.succeeded)

    def test_a_refused_driver_is_not_run(self) -> None:
        self.install({"absent": "7.3"}, NoBackend)
        [run], told = self.run_all()
        self.assertFalse(run.verdict.accepted)
        self.assertFalse(run.succeeded)
        self.assertEqual(([], []), (run.behaviour, told))

    def test_an_unknown_driver_is_named_with_those_that_there_are(self) -> None:
        self.install({"absent": CONTRACT_VERSION}, NoBackend)
        error = self.assertRaises(UnknownDriver, self.run_all, "missing")
        self.assertIn("missing", str(error))
        self.assertIn("absent", str(error))

    def test_with_cores_adapter_both_levels_run(self) -> None:
        self.install({"reference": CONTRACT_VERSION}, ReferenceHarness)

        def adapt(connection: Any, services: Any) -> Any:
            return connection

        runs = run_conformance((), lambda backend, record: None, adapt)
        ran = {record.test for record in runs[0].behaviour}
        self.assertLessEqual(set(suite_tests(VirtDriverSuite).values()), ran)
        # The connection is no IVirtDriver: what an adapter must do is seen to be missing.
        self.assertFalse(runs[0].succeeded)


class TestCommand(RunnerTestCase):
    def command(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(arguments)
        return status, out.getvalue(), err.getvalue()

    def test_status_0_only_if_all_holds(self) -> None:
        self.install(
            {"reference": CONTRACT_VERSION, "absent": CONTRACT_VERSION}, ReferenceHarness, NoBackend
        )
        status, out, err = self.command("run", "--driver", "reference")
        self.assertEqual(0, status, out)
        self.assertIn("simulated", out)
        self.assertIn("PowerSuite.test_start ... pass", err)
        status, out, _ = self.command("run")
        self.assertEqual(1, status)
        self.assertIn("could not check: no daemon", out)

    def test_wrong_use_is_status_2(self) -> None:
        self.install({"absent": CONTRACT_VERSION}, NoBackend)
        status, _, err = self.command("run", "--driver", "missing")
        self.assertEqual(2, status)
        self.assertIn("no driver missing is installed", err)

    def test_json_and_files(self) -> None:
        self.install({"absent": CONTRACT_VERSION}, NoBackend)
        folder = Path(self.useFixture(TempDir()).path) / "report"
        _, out, _ = self.command("run", "--format", "json", "--report", str(folder))
        written = json.loads((folder / "conformance.json").read_text(encoding="utf-8"))
        self.assertEqual(json.loads(out), written)
        self.assertEqual("absent", written["runs"][0]["driver"])
        for suffix in ("xml", "html"):
            self.assertTrue((folder / f"conformance.{suffix}").exists(), suffix)

    def test_the_rules_and_the_mutants_are_printed(self) -> None:
        for command, text in (("rules", "**PWR-3**"), ("mutants", "PowerSuite.test_start")):
            status, out, _ = self.command(command)
            self.assertEqual(0, status)
            self.assertIn(text, out)
