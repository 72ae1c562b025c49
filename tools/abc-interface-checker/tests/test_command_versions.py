"""The commands `freeze`, `verify` and `diff`, and what configures them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import testtools
from projects import CONTRACT, PROJECT, Project, run


class TestVersions(testtools.TestCase):
    """``freeze``, ``verify`` and ``diff``."""

    def setUp(self) -> None:
        super().setUp()
        self.project = self.useFixture(Project())

    def change(self, version: str, old: str = "path: str", new: str = "target: str") -> None:
        text = CONTRACT.replace('"1.0"', f'"{version}"').replace(old, new)
        self.project.write("acme_exporters/__init__.py", text)

    def frozen(self) -> list[Path]:
        return sorted((self.project.folder / "contracts").glob("*.json"))

    def test_check_writes_nothing(self) -> None:
        status, text, _ = run("freeze", "--check")
        self.assertNotEqual(0, status, text)
        self.assertEqual([], self.frozen())

    def test_freeze_then_verify(self) -> None:
        self.assertNotEqual(0, run("verify")[0])
        self.assertEqual(0, run("freeze")[0])
        (path,) = self.frozen()
        self.assertEqual(0, run("verify")[0])
        self.assertEqual(0, run("freeze", "--check")[0])
        before = path.read_bytes()
        self.assertEqual(0, run("freeze")[0])
        self.assertEqual(before, path.read_bytes())

    def test_a_released_contract_never_changes(self) -> None:
        run("freeze")
        (path,) = self.frozen()
        before = path.read_bytes()
        self.change("1.0")
        for command in ("verify", "freeze"):
            status, text, _ = run(command)
            self.assertEqual(1, status, text)
            self.assertIn("frozen-modified", text)
        self.assertEqual(before, path.read_bytes())

    def test_too_low(self) -> None:
        run("freeze")
        self.change("1.1")
        status, text, _ = run("diff", str(self.frozen()[0]), ".")
        self.assertEqual(1, status, text)
        self.assertIn("version-too-low", text)
        self.assertIn("param-renamed", text)

    def test_high_enough_is_no_error(self) -> None:
        run("freeze")
        self.change("2.0")
        status, text, _ = run("diff", str(self.frozen()[0]), ".")
        self.assertEqual(0, status, text)
        self.assertIn("info     param-renamed", text)

    def test_modules_alone(self) -> None:
        self.project.write("pyproject.toml", "")
        self.project.write("old/thing.py", CONTRACT)
        self.project.write("new/thing.py", CONTRACT.replace("path", "target"))
        status, text, _ = run("diff", "old/thing.py", "new/thing.py")
        self.assertEqual(1, status, text)
        self.assertIn("thing.Exporter.export(path)", text)

    def test_no_baseline_is_status_2(self) -> None:
        for old in ("none.json", "pyproject.toml", "git:HEAD"):
            status, text, _ = run("diff", old, ".")
            self.assertEqual(2, status, text)
            self.assertIn("baseline-", text)

    def test_revisions(self) -> None:
        for arguments in (
            ("init", "--quiet"),
            ("add", "."),
            ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first"),
        ):
            subprocess.run(["git", *arguments], cwd=self.project.folder, check=True)
        self.change("1.1")
        for old in ("git:HEAD", "git:HEAD:acme_exporters"):
            status, text, _ = run("diff", old, ".")
            self.assertEqual(1, status, text)
            self.assertIn("version-too-low", text)
        self.assertEqual(0, run("diff", "git:HEAD", "git:HEAD")[0])
        self.assertEqual(2, run("diff", "git:nowhere", ".")[0])

    def test_only_the_new_side_configures(self) -> None:
        run("freeze")
        self.change("1.1")
        for folder in ("old", "new"):
            self.project.write(f"{folder}/pyproject.toml", PROJECT)
        self.project.write("old/acme_exporters/__init__.py", CONTRACT)
        self.change("1.1")
        text = (self.project.folder / "acme_exporters/__init__.py").read_text("utf-8")
        self.project.write("new/acme_exporters/__init__.py", text)
        suppression = (
            "\n[[tool.abc-interface-checker.suppressions]]\n"
            'rule = "param-renamed"\nelement = "acme_exporters.Exporter.export(*)"\n'
            'versions = ["1.0", "1.1"]\nreason = "By position."\n'
        )
        self.project.write("old/pyproject.toml", f"{PROJECT}from-another-release = 1\n")
        self.project.write("new/pyproject.toml", PROJECT + suppression)
        status, said, _ = run("diff", "old", "new")
        self.assertEqual(0, status, said)
        self.assertIn("reason: By position.", said)
        self.project.write("old/pyproject.toml", PROJECT + suppression)
        self.project.write("new/pyproject.toml", PROJECT)
        status, said, _ = run("diff", "old", "new")
        self.assertEqual(1, status, said)
        self.assertIn("version-too-low", said)

    def test_a_policy_and_a_severity(self) -> None:
        run("freeze")
        for new, setting in (
            ("path: str, more: int = 0", "provider-minor = true\n"),
            ('path: str = "b"', 'severities.param-default-changed = "warning"\n'),
        ):
            self.project.write("acme_exporters/__init__.py", CONTRACT)
            if "default" in setting:
                old = CONTRACT.replace("path: str", 'path: str = "a"').replace("1.0", "1.5")
                self.project.write("acme_exporters/__init__.py", old)
                run("freeze")
            self.change("1.6", "path: str", new)
            before = str(self.frozen()[-1])
            self.project.write("pyproject.toml", PROJECT)
            status, said, _ = run("diff", before, ".")
            self.assertEqual((1, True), (status, "version-too-low" in said), said)
            self.project.write("pyproject.toml", PROJECT + setting)
            status, said, _ = run("diff", before, ".")
            self.assertEqual(0, status, said)
            self.assertRegex(said, "required bump +minor")

    def test_wrong_configuration_is_status_2(self) -> None:
        self.project.write("pyproject.toml", "[tool.abc-interface-checker]\npakages = []\n")
        for arguments in (("verify",), ("freeze",), ("diff", ".", "."), ("check", "acme_plugin:x")):
            status, _, error = run(*arguments)
            self.assertEqual(2, status)
            self.assertIn("did you mean 'packages'", error)
