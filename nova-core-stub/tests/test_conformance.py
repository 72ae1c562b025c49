"""Core's adapter keeps the upper level of the contract, on the reference driver."""

from __future__ import annotations

import contextlib
import io
import json
from importlib.resources import files

import testtools
from nova_virt_interface.testing.case import VirtDriverTestCase
from nova_virt_interface.testing.reference import ReferenceHarness
from nova_virt_interface.testing.suite.virt_driver import VirtDriverSuite
from nova_virt_interface.version import CONTRACT_VERSION, ContractVersion

from nova_core_stub.adaptation import adapted
from nova_core_stub.cli.app import CoreApp


class TestReferenceThroughCore(VirtDriverSuite, VirtDriverTestCase):
    """A driver of the lower level, guarded and adapted."""

    harness_class = ReferenceHarness
    provides_file = files("nova_virt_interface.testing") / "provides.toml"
    adapt = staticmethod(
        lambda connection, services: adapted(
            connection, ContractVersion.parse(CONTRACT_VERSION), name="reference"
        )
    )


class ConformCommandTest(testtools.TestCase):
    """The command; what it runs has tests of its own."""

    def conform(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = CoreApp().run(["conform", *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_both_levels_are_checked_and_reported(self) -> None:
        status, out, err = self.conform("--driver", "reference", "--format", "json")
        self.assertEqual(0, status, err)
        (run,) = json.loads(out)["runs"]
        self.assertEqual("reference", run["driver"])
        self.assertEqual(0, run["behaviour"]["fail"] + run["behaviour"]["error"])
        suites = {result["test"].partition(".")[0] for result in run["results"]}
        self.assertLessEqual({"LifecycleSuite", "InstanceSuite"}, suites)

    def test_a_url_goes_with_one_driver(self) -> None:
        status, _, err = self.conform("--url", "https://host-1")
        self.assertEqual(2, status)
        self.assertIn("exactly one driver", err)

    def test_an_unknown_driver_is_said_to_be_unknown(self) -> None:
        status, _, err = self.conform("--driver", "nobody")
        self.assertEqual(2, status)
        self.assertIn("nobody", err)
        self.assertIn("reference", err)
