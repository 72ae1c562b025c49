"""Every driver that is broken on purpose is caught by the test that it names, for its bug."""

from __future__ import annotations

from pathlib import Path

import testtools
from fixtures import FakeLogger

from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.reference.virt_driver import ReferenceVirtDriver
from nova_virt_interface.testing.case import suite_tests
from nova_virt_interface.testing.mutants import MUTANTS, Driver, as_text, run_suite_test
from nova_virt_interface.testing.suite.hypervisor import HypervisorSuite
from nova_virt_interface.testing.suite.instances import InstanceSuite

PROVIDES = Path(__file__).parents[1] / "provides.toml"
OWN_BUGS = ("AttributeError", "ImportError", "KeyError", "NameError", "TypeError")
"""How a mutant would fail that is broken otherwise than it says."""


def test_of(mutant: Driver) -> str:
    """The key of the test that must catch a mutant."""
    key: str = vars(mutant)["caught_by"]
    return key


class TestMutants(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(FakeLogger())

    def test_there_are_enough_of_them_and_each_has_a_name_and_a_bug_of_its_own(self) -> None:
        self.assertGreaterEqual(len(MUTANTS), 20)
        for texts in ([m.__name__ for m in MUTANTS], [m.__doc__ for m in MUTANTS]):
            self.assertEqual(len(texts), len(set(texts)))
            self.assertNotIn(None, texts)

    def test_the_list_says_who_catches_whom(self) -> None:
        lines = as_text().splitlines()
        self.assertEqual(len(MUTANTS), len(lines))
        for mutant, line in zip(MUTANTS, lines, strict=True):
            self.assertTrue(line.startswith(f"{mutant.__name__}: "), line)
            self.assertTrue(line.endswith(f" → {test_of(mutant)}"), line)

    def test_every_suite_has_a_test_that_catches_one(self) -> None:
        for level in (HypervisorSuite, InstanceSuite):
            suites = {key.partition(".")[0] for key in suite_tests(level).values()}
            self.assertLessEqual(suites, {test_of(mutant).partition(".")[0] for mutant in MUTANTS})

    def test_the_unbroken_driver_passes_the_tests_that_catch_mutants(self) -> None:
        for key in sorted({test_of(mutant) for mutant in MUTANTS}):
            direct = key in suite_tests(InstanceSuite).values()
            driver: Driver = ReferenceVirtDriver if direct else ReferenceHypervisor
            result = run_suite_test(driver, key, PROVIDES)
            self.assertTrue(result.wasSuccessful(), f"{key}: {result.errors + result.failures}")
            self.assertEqual({}, result.skip_reasons, key)


def _caught(mutant: Driver) -> None:
    def test(self: testtools.TestCase) -> None:
        result = run_suite_test(mutant, test_of(mutant), PROVIDES, patience_seconds=2.0)
        self.assertEqual(1, result.testsRun)
        self.assertFalse(result.wasSuccessful(), f"{test_of(mutant)} does not catch it")
        [(_, traceback)] = result.errors + result.failures
        raised = traceback.strip().splitlines()[-1]
        self.assertNotIn(raised.partition(":")[0], OWN_BUGS, traceback)

    setattr(TestMutants, f"test_caught_{mutant.__name__}", test)


for _mutant in MUTANTS:
    _caught(_mutant)
