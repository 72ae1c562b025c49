"""Reading provides.toml, and refusing what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import testtools
from fixtures import TempDir

from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.provides import Deviation, Provides

GOOD = """
[backends.one.interfaces]
IHypervisor = true
IImageCache = "the product has no cache"

[[backends.one.deviations]]
test = "PowerSuite.test_start"
reason = "issue 7"
"""
BAD = {
    "no TOML": "[backends",
    "no such backend": "[backends.two.interfaces]",
    "no reason": "[backends.one.interfaces]\nIHypervisor = false",
    "an empty reason": '[backends.one.interfaces]\nIHypervisor = " "',
    "a number": "[backends.one.interfaces]\nIHypervisor = 1",
    "no table": "backends = 1",
    "an empty deviation reason": '[[backends.one.deviations]]\ntest = "x"\nreason = ""',
    "a deviation without a reason": '[[backends.one.deviations]]\ntest = "x"',
    "a deviation with more": '[[backends.one.deviations]]\ntest = "x"\nreason = "y"\nuntil = 1',
    "a deviation of numbers": "[[backends.one.deviations]]\ntest = 1\nreason = 2",
    "deviations that are no list": '[backends.one]\ndeviations = "all"',
}


class TestProvides(testtools.TestCase):
    def file(self, content: str) -> Path:
        path = Path(self.useFixture(TempDir()).path) / "provides.toml"
        path.write_text(content, encoding="utf-8")
        return path

    def test_a_good_file(self) -> None:
        provides = Provides.read(self.file(GOOD), "one")
        self.assertEqual(
            {"IHypervisor": True, "IImageCache": "the product has no cache"}, provides.interfaces
        )
        deviation = Deviation("PowerSuite.test_start", "issue 7")
        self.assertEqual((deviation,), provides.deviations)
        self.assertEqual(deviation, provides.deviation("PowerSuite.test_start"))
        self.assertIsNone(provides.deviation("PowerSuite.test_stop"))

    def test_bad_files_are_refused_by_name(self) -> None:
        for what, content in BAD.items():
            file = self.file(content)
            error = self.assertRaises(ValueError, Provides.read, file, "one")
            self.assertIn(str(file), str(error), what)

    def test_file_and_connection_must_agree_both_ways(self) -> None:
        connection = ReferenceHypervisor(Settings(host=self.id()), SuiteServices())
        self.addCleanup(connection.close)
        names = frozenset({"IHypervisor", "IImageCache", "ISnapshots"})
        says = Provides({"IHypervisor": True, "IImageCache": True, "ISnapshots": "not yet"}, ())
        self.assertEqual([], says.differences(connection, names))
        wrong: tuple[tuple[dict[str, bool | str], str], ...] = (
            ({"IHypervisor": True, "ISnapshots": "no"}, "IImageCache is not listed"),
            ({**says.interfaces, "ITypo": True}, "ITypo is listed, but no interface"),
            ({**says.interfaces, "IImageCache": "no"}, "IImageCache is provided"),
            ({**says.interfaces, "ISnapshots": True}, "ISnapshots is not provided"),
        )
        for interfaces, found in wrong:
            self.assertIn(found, "; ".join(Provides(interfaces, ()).differences(connection, names)))
