from __future__ import annotations

import sys

import testtools
from distributions import FACTORY, Distribution
from nova_virt_interface.errors import BackendError, IncompatibleContract, InvalidRequest
from nova_virt_interface.factory import IHypervisorFactory
from nova_virt_interface.handshake import DRIVER_GROUP
from nova_virt_interface.version import CONTRACT_VERSION

from nova_core_stub import loader

GOOD = FACTORY.format(connection="None")


class LoaderTest(testtools.TestCase):
    def install(self, package: str, *entries: str, module: str, source: str = GOOD) -> None:
        """Install a package whose entry points all name ``Factory`` of one module."""
        targets = dict.fromkeys(entries, f"{module}:Factory")
        self.useFixture(Distribution(package, {DRIVER_GROUP: targets}, {module: source}))

    def found(self, name: str, served: str = CONTRACT_VERSION) -> list[loader.FoundDriver]:
        return [item for item in loader.find_drivers(served) if item.declaration.driver == name]

    def test_a_driver_is_found_without_importing_it(self) -> None:
        self.install("p-good", f"good-{CONTRACT_VERSION}", module="d_unimported", source="1 / 0")
        (driver,) = self.found("good")
        self.assertTrue(driver.verdict.accepted)
        self.assertEqual("p-good", driver.declaration.package)
        self.assertEqual("1.0", driver.declaration.package_version)
        self.assertNotIn("d_unimported", sys.modules)

    def test_an_accepted_driver_loads(self) -> None:
        self.install("p-good", f"good-{CONTRACT_VERSION}", module="d_good")
        self.assertTrue(IHypervisorFactory.providedBy(loader.load("good")))

    def test_another_contract_is_refused_before_the_import(self) -> None:
        self.install("p-new", "new-9.0", module="d_new", source="1 / 0")
        error = self.assertRaises(IncompatibleContract, loader.load, "new")
        self.assertIn("contract 9.0", str(error))
        self.assertIn(CONTRACT_VERSION, str(error))
        self.assertIn("upgrade core", error.remedy)
        self.assertNotIn("d_new", sys.modules)

    def test_a_driver_without_contract_version_is_refused(self) -> None:
        self.install("p-mute", "mute", module="d_mute")
        (driver,) = self.found("mute")
        self.assertFalse(driver.verdict.accepted)
        self.assertIn("declares no contract version", driver.verdict.reason)
        self.assertRaises(IncompatibleContract, loader.load, "mute")
        self.assertRaises(IncompatibleContract, driver.load)

    def test_a_malformed_contract_version_is_refused(self) -> None:
        self.install("p-odd", "odd-1.0rc1", module="d_odd")
        error = self.assertRaises(IncompatibleContract, loader.load, "odd")
        self.assertIn("1.0rc1", str(error))

    def test_the_newest_accepted_contract_is_taken(self) -> None:
        entries = ("many-1.0", "many-1.10", "many-1.9", "many-2.0", "many-1.11.dev1")
        self.install("p-many", *entries, module="d_many")
        self.assertEqual(5, len(self.found("many", "1.12")))
        self.assertEqual("1.10", loader.choose("many", "1.12").declaration.contract)
        self.assertEqual("1.9", loader.choose("many", "1.9").declaration.contract)
        self.assertRaises(IncompatibleContract, loader.choose, "many", "3.0")

    def test_an_unknown_driver_is_answered_with_the_known_ones(self) -> None:
        self.install("p-good", f"good-{CONTRACT_VERSION}", module="d_known")
        error = self.assertRaises(InvalidRequest, loader.load, "bad")
        self.assertEqual("driver", error.field)
        self.assertIn("good", error.remedy)

    def test_broken_drivers_say_why_and_others_still_load(self) -> None:
        no_factory = "class Factory: pass"
        half = GOOD.replace("def connect(self, settings, services)", "def open(self)")
        broken = {
            "import": ("import d_missing_dependency", "No module named 'd_missing_dependency'"),
            "syntax": ("def", "SyntaxError"),
            "exit": ("raise SystemExit('no licence')", "no licence"),
            "attribute": ("Factories = 1", "Factory"),
            "raising": ("def Factory(): raise OSError('no such host')", "no such host"),
            "other": (no_factory, "IHypervisorFactory"),
            "half": (half, "connect"),
        }
        for name, (source, _) in broken.items():
            entry = f"{name}-{CONTRACT_VERSION}"
            self.install(f"p-{name}", entry, module=f"d_{name}", source=source)
        self.install("p-good", f"good-{CONTRACT_VERSION}", module="d_beside")
        for name, (_, reason) in broken.items():
            error = self.assertRaises(BackendError, loader.load, name)
            self.assertIn(f"driver {name} is broken", str(error))
            self.assertIn(reason, str(error))
            self.assertIn(f"p-{name}", error.remedy)
            self.assertIsNotNone(error.__cause__)
        self.assertTrue(IHypervisorFactory.providedBy(loader.load("good")))

    def test_two_packages_that_claim_one_name_are_both_refused(self) -> None:
        self.install("p-one", f"claimed-{CONTRACT_VERSION}", module="d_one", source="1 / 0")
        self.install("p-two", f"claimed-{CONTRACT_VERSION}", module="d_two", source="1 / 0")
        self.install("p-good", f"good-{CONTRACT_VERSION}", module="d_third")
        self.assertEqual([False, False], [item.verdict.accepted for item in self.found("claimed")])
        error = self.assertRaises(IncompatibleContract, loader.load, "claimed")
        self.assertIn("p-one 1.0 and p-two 1.0", str(error))
        self.assertIn("uninstall", error.remedy)
        self.assertTrue(IHypervisorFactory.providedBy(loader.load("good")))
