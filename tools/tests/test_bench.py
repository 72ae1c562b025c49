"""What is measured takes turns, and is told with its peer."""

import contextlib
import importlib
import io
import json
import os
import subprocess

import testtools

from toolbox.bench import SUBJECTS, parse
from toolbox.benchmarks.checker import contract, implementation
from toolbox.benchmarks.timing import Row, measure, write
from toolbox.layout import TOOLS


class TestCommand(testtools.TestCase):
    """The command line."""

    def test_help_names_every_subject(self) -> None:
        done = subprocess.run(
            ["/bin/bash", str(TOOLS / "bench"), "--help"],
            env={**os.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        for name in SUBJECTS:
            self.assertIn(f"  {name}  ", done.stdout)

    def test_every_subject_has_a_module(self) -> None:
        for name in SUBJECTS:
            module = importlib.import_module(f"toolbox.benchmarks.{name}")
            self.assertTrue(callable(module.main))

    def test_wrong_use(self) -> None:
        for arguments in ([], ["nothing"], ["checker", "--rounds", "0"]):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                error = self.assertRaises(SystemExit, parse, arguments)
            self.assertEqual(2, error.code)
            self.assertIn("error:", said.getvalue())


class TestMeasure(testtools.TestCase):
    """The order of rounds, and the figures."""

    def test_rows_take_turns_and_the_first_round_does_not_count(self) -> None:
        order: list[str] = []
        rows = [
            Row("peer", lambda: order.append("prepare peer"), lambda _: order.append("peer")),
            Row("own", lambda: 3, lambda given: order.append(f"own {given}"), 30, "peer"),
        ]
        peer, own = measure(rows, 2)
        self.assertEqual(["prepare peer", "peer", "own 3"] * 3, order)
        self.assertEqual((2, None, 30.0), (own.rounds, peer.ratio, own.budget))
        self.assertEqual(own.median / peer.median, own.ratio)
        self.assertTrue(own.least <= own.median <= own.most)

    def test_text_and_json(self) -> None:
        found = measure([Row("a", int, str), Row("b", int, str, 30, "a")], 3)
        text, document = io.StringIO(), io.StringIO()
        write(found, "text", text)
        self.assertRegex(text.getvalue(), r"\nb .* 30 ms +[0-9.]+ times a\n")
        write(found, "json", document)
        self.assertEqual(["a", "b"], [row["name"] for row in json.loads(document.getvalue())])


class TestSources(testtools.TestCase):
    """What is measured is what was meant."""

    def test_as_many_methods_as_were_asked_for(self) -> None:
        for text in (contract(30), contract(30, changed=True), implementation(30)):
            compile(text, "generated", "exec")
            self.assertEqual(30, text.count("    def method_"))

    def test_every_tenth_is_changed(self) -> None:
        before, after = contract(30).splitlines(), contract(30, changed=True).splitlines()
        changed = [new for old, new in zip(before, after, strict=True) if old != new]
        self.assertEqual(3 + 1, len(changed))
        self.assertEqual(3, sum("extra: int" in line for line in changed))
