"""The command `check`, from names to the exit status."""

from __future__ import annotations

import json
import sys

import testtools
from projects import CONTRACT, PLUGIN, PROJECT, Project, run


class TestCheck(testtools.TestCase):
    """``check`` on classes, instances and names that lead nowhere."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.useFixture(Project())

    def test_good_class_and_instance(self) -> None:
        for target in ("acme_plugin:Good", "acme_plugin:good"):
            status, text, _ = run("check", target, "--interface", "acme_exporters:Exporter")
            self.assertEqual(0, status, text)
            self.assertIn(f"{target} against acme_exporters.Exporter", text)

    def test_several(self) -> None:
        targets = ("acme_plugin:Good", "acme_plugin:good", "acme_plugin:Renamed")
        status, text, _ = run("check", *targets, "--interface", "acme_exporters:Exporter")
        self.assertEqual(1, status)
        self.assertTrue(text.startswith("3 implementations\n"), text)
        for target in targets:
            self.assertRegex(text, rf"\n{target} +acme_exporters.Exporter\n")

    def test_broken_class(self) -> None:
        status, text, _ = run(
            "check", "acme_plugin:Renamed", "--interface", "acme_exporters:Exporter"
        )
        self.assertEqual(1, status)
        self.assertIn("impl-param-renamed", text)

    def test_frozen_contract_counts_not_the_installed_one(self) -> None:
        self.assertEqual(0, run("freeze")[0])
        (frozen,) = (self.project.folder / "contracts").glob("*.json")
        self.project.write("acme_exporters/__init__.py", CONTRACT.replace("path", "target"))
        interface = ("--interface", "acme_exporters:Exporter")
        self.assertEqual(1, run("check", "acme_plugin:Good", *interface)[0])
        frozen_options = (*interface, "--frozen", str(frozen))
        status, text, _ = run("check", "acme_plugin:Good", *frozen_options)
        self.assertEqual(0, status, text)

    def test_what_cannot_be_checked_is_status_2(self) -> None:
        for arguments, reason in (
            (("acme_plugin:Missing",), "AttributeError"),
            (("acme_nowhere:Good",), "ModuleNotFoundError"),
            (("acme_plugin:Good",), "does not say which interface"),
            (("--entry-point", "acme.nobody"), "no installed distribution"),
            (("acme_plugin:Good", "--frozen", "none.json"), "baseline-missing"),
            (("acme_plugin:Good", "--frozen", "pyproject.toml"), "baseline-unreadable"),
        ):
            status, text, _ = run("check", *arguments)
            self.assertEqual(2, status, text)
            self.assertIn(reason, text)

    def test_entry_points(self) -> None:
        self.project.write("acme_plugins-1.0.dist-info/METADATA", "Name: acme-plugins\n")
        self.project.write(
            "acme_plugins-1.0.dist-info/entry_points.txt",
            "[acme.formats]\ngood = acme_plugin:Good\nold = acme_plugin:Renamed [extra]\n"
            "gone = acme_gone:Exporter\n",
        )
        sys.path.insert(0, str(self.project.folder))
        status, text, _ = run(
            "check", "--entry-point", "acme.formats", "--interface", "acme_exporters:Exporter"
        )
        self.assertEqual(2, status, text)
        for part in ("acme_plugin:Good ", "acme_plugin.Renamed.export", "No module named"):
            self.assertIn(part, text)

    def test_report_in_a_file(self) -> None:
        status, text, _ = run(
            "check",
            "acme_plugin:Renamed",
            "--interface=acme_exporters:Exporter",
            "--format=json",
            "--output=report.json",
        )
        self.assertEqual((1, ""), (status, text))
        document = json.loads((self.project.folder / "report.json").read_text("utf-8"))
        self.assertEqual("check", document["command"])
        status, _, error = run(
            "check", "acme_plugin:Good", "--interface=acme_exporters:Exporter", "--output=/no/x"
        )
        self.assertEqual(2, status)
        self.assertIn("cannot write the report", error)

    def test_suppressions_hold_and_must_be_used(self) -> None:
        self.project.write(
            "pyproject.toml",
            f"{PROJECT}\n[[tool.abc-interface-checker.suppressions]]\n"
            'rule = "impl-param-renamed"\nelement = "acme_plugin.Renamed.*"\nreason = "Old."\n',
        )
        interface = ("--interface", "acme_exporters:Exporter")
        status, text, _ = run("check", "acme_plugin:Renamed", *interface)
        self.assertEqual(0, status, text)
        self.assertIn("reason: Old.", text)
        self.assertEqual(0, run("check", "acme_plugin:Good", *interface)[0])
        self.project.write("acme_plugin.py", PLUGIN.replace("target", "path"))
        del sys.modules["acme_plugin"]
        status, text, _ = run("check", "acme_plugin:Renamed", *interface)
        self.assertEqual(1, status, text)
        self.assertIn("suppression-unused", text)
