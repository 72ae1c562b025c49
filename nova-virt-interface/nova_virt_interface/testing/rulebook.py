"""The contract's rules, read from the docstrings that state them, and the tests that check them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import nova_virt_interface
from nova_virt_interface.testing.case import suite_tests

__all__ = ["as_markdown", "rules", "tests_by_rule"]

_RULE = re.compile(r"^ *\[([A-Z]+-\d+)\] (.+?)(?=\n *\n|\n *\[[A-Z]+-\d+\]|\Z)", re.M | re.S)


def rules() -> dict[str, str]:
    """Rule id → its text, in alphabetical order; a rule that is stated twice raises ValueError."""
    found: dict[str, str] = {}
    for module in _contract_modules():
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        for docstring in re.findall(r'"""(.*?)"""', source, re.S):
            for rule, text in _RULE.findall(inspect.cleandoc(docstring)):
                if rule in found:
                    raise ValueError(f"{module.__name__} states {rule} a second time")
                found[rule] = " ".join(text.split())
    return dict(sorted(found.items(), key=_order))


def _order(item: tuple[str, str]) -> tuple[str, int]:
    subject, _, number = item[0].partition("-")
    return subject, int(number)


def _contract_modules() -> Iterator[ModuleType]:
    names = [
        module.name
        for module in walk_packages(nova_virt_interface.__path__, "nova_virt_interface.")
        if not re.match(r"nova_virt_interface\.(testing|reference)\b", module.name)
    ]
    return map(import_module, names)


def tests_by_rule(*suites: type) -> dict[str, list[str]]:
    """Rule id → keys of the suite tests that quote it."""
    found: dict[str, list[str]] = {}
    for suite in suites:
        for name, key in suite_tests(suite).items():
            for rule in getattr(getattr(suite, name), "rule_ids", ()):
                found.setdefault(rule, []).append(key)
    return found


def as_markdown(*suites: type) -> str:
    """The page of all rules with the tests that check each."""
    tests = tests_by_rule(*suites)
    lines = ["# Rules of the contract", ""]
    for rule, text in rules().items():
        checked = ", ".join(f"`{key}`" for key in tests.get(rule, ())) or "no suite test"
        lines += [f"**{rule}** {text}  ", f"Checked by: {checked}", ""]
    return "\n".join(lines)
