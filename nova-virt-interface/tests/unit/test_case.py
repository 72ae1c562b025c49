"""Adopting the suite: what an adopting class cannot do, and how a test may end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import testtools
from fixtures import TempDir
from zope.interface import Interface

from nova_virt_interface.errors import NotFound, Resource, VirtError
from nova_virt_interface.reference.host import Image
from nova_virt_interface.testing.case import HypervisorTestCase, suite_tests
from nova_virt_interface.testing.harness import BackendUnavailable, Harness, finished, started
from nova_virt_interface.testing.reference import ReferenceHarness
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.power import PowerSuite

PROVIDES = Path(__file__).parents[1] / "provides.toml"
DEVIATES = """
[[backends.memory.deviations]]
test = "Case.test_it"
reason = "issue 7"
"""


class INotProvided(Interface):
    """What nobody provides."""


class BrokenHarness(ReferenceHarness):
    """A backend that is not there."""

    starts = 0
    stops = 0

    def start(self) -> None:
        type(self).starts += 1
        raise BackendUnavailable("no daemon: install it")

    def stop(self) -> None:
        type(self).stops += 1


def outcome(
    body: Callable[[Any], None],
    provides: Path = PROVIDES,
    harness: type[Harness] = ReferenceHarness,
) -> testtools.TestResult:
    """The result of a test with this body."""

    class Case(HypervisorTestCase):
        harness_class = harness
        provides_file = provides

        def test_it(self) -> None:
            body(self)

    result = testtools.TestResult()
    Case("test_it").run(result)
    return result


class TestAdoption(testtools.TestCase):
    def test_a_suite_test_cannot_be_overridden(self) -> None:
        def adopt() -> None:
            class Adopting(PowerSuite, HypervisorTestCase):
                def test_start(self) -> None:
                    pass

        error = self.assertRaises(TypeError, adopt)
        self.assertIn("test_start", str(error))
        self.assertIn("provides.toml", str(error))

    def test_nor_by_a_class_beside_it(self) -> None:
        class Beside:
            def test_start(self) -> None:
                pass

        def adopt() -> None:
            class Adopting(Beside, PowerSuite, HypervisorTestCase):
                pass

        self.assertIn("test_start", str(self.assertRaises(TypeError, adopt)))

    def test_tests_of_ones_own_may_be_added(self) -> None:
        class Adopting(PowerSuite, HypervisorTestCase):
            def test_of_our_own(self) -> None:
                pass

        self.assertLess(suite_tests(PowerSuite).keys(), suite_tests(Adopting).keys())

    def test_the_key_of_a_test_does_not_depend_on_who_adopts_it(self) -> None:
        keys = suite_tests(HypervisorSuite)
        self.assertEqual("PowerSuite.test_start", keys["test_start"])

        class Adopting(HypervisorSuite, HypervisorTestCase):
            pass

        self.assertEqual(keys, suite_tests(Adopting))


class TestOutcome(testtools.TestCase):
    def deviating(self) -> Path:
        path = Path(self.useFixture(TempDir()).path) / "provides.toml"
        path.write_text(PROVIDES.read_text(encoding="utf-8") + DEVIATES, encoding="utf-8")
        return path

    def test_a_deviating_test_that_fails_is_skipped_with_the_written_reason(self) -> None:
        for error in (AssertionError("no"), VirtError("no")):

            def body(case: Any, error: Exception = error) -> None:
                raise error

            result = outcome(body, self.deviating())
            self.assertTrue(result.wasSuccessful())
            self.assertEqual(["deviation: issue 7"], list(result.skip_reasons))

    def test_a_stale_deviation_fails(self) -> None:
        result = outcome(lambda case: None, self.deviating())
        self.assertIn("stale deviation", result.failures[0][1])

    def test_a_deviation_does_not_excuse_what_is_left_behind(self) -> None:
        class Leaving(ReferenceHarness):
            pass

        def body(case: Any) -> None:
            case.harness.host.put_image("left", Image(format="raw", content=b""))
            raise VirtError("no")

        self.addCleanup(finished, Leaving)
        result = outcome(body, self.deviating(), Leaving)
        self.assertIn("left something behind", result.failures[0][1])

    def test_a_backend_that_dies_is_no_deviation(self) -> None:
        def body(case: Any) -> None:
            raise BackendUnavailable("the daemon died")

        result = outcome(body, self.deviating())
        self.assertEqual({}, result.skip_reasons)
        self.assertIn("the daemon died", result.errors[0][1])

    def test_what_is_not_provided_is_skipped_by_name(self) -> None:
        def body(case: Any) -> None:
            case.requires(INotProvided)

        self.assertEqual(["not provided: INotProvided"], list(outcome(body).skip_reasons))

    def test_a_refusal_must_come_be_of_its_kind_and_say_something(self) -> None:
        def refusing(error: Exception | None, resource: Resource | None = None) -> Any:
            def body(case: Any) -> None:
                with case.refused(NotFound, resource):
                    if error is not None:
                        raise error

            return outcome(body)

        gone = NotFound("gone", resource=Resource.VM, name="x")
        self.assertTrue(refusing(gone, Resource.VM).wasSuccessful())
        for bad, resource in (
            (None, None),
            (gone, Resource.IMAGE),
            (NotFound(" ", resource=Resource.VM, name="x"), None),
            (VirtError("another"), None),
        ):
            self.assertFalse(refusing(bad, resource).wasSuccessful(), bad)


class TestHarness(testtools.TestCase):
    def test_a_start_that_failed_is_cleaned_up_and_not_tried_again(self) -> None:
        class Once(BrokenHarness):
            pass

        for _ in range(3):
            result = outcome(lambda case: None, harness=Once)
            self.assertFalse(result.wasSuccessful())
            self.assertIn("no daemon: install it", result.errors[0][1])
        self.assertEqual((1, 1), (Once.starts, Once.stops))

    def test_a_harness_is_started_once_and_stopped_when_finished(self) -> None:
        class Counting(ReferenceHarness):
            stops = 0

            def stop(self) -> None:
                type(self).stops += 1
                super().stop()

        harness = started(Counting)
        self.assertIs(harness, started(Counting))
        image = harness.image().path
        self.assertTrue(image.exists())
        for _ in range(2):
            finished(Counting)
        self.assertEqual(1, Counting.stops)
        self.assertFalse(image.exists())
