"""How fast abc-interface-checker is: `check` beside zope's own verifyClass, `diff`, and its start.

Every round of `check` gets a class that was just made, so no verdict can have been kept; the
contract is kept, as it is in a suite of tests that checks one class after the other.
"""

import importlib
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import abc_interface_checker
from zope.interface.verify import verifyClass

from toolbox.bench import parse
from toolbox.benchmarks.timing import Row, measure, write
from toolbox.layout import child_environment

__all__ = ["contract", "implementation", "main", "rows"]

_METHODS = 100
_DIFFED = 150
_SIGNATURES = (
    "{self}",
    "{self}name: str, timeout: float = 30.0",
    "{self}path: str, *, mode: str = 'r', encoding: str | None = None",
    "{self}items: list[str], *rest: int, **options: str",
)


def contract(methods: int, *, changed: bool = False) -> str:
    """Source of an interface; ``changed``: every tenth method in another way than before."""
    lines = [
        '"""An interface."""',
        "from zope.interface import Interface",
        f"VERSION = '{'2.0' if changed else '1.0'}'",
        "class IMany(Interface):",
        '    """Has many methods."""',
    ]
    for number in range(methods):
        parameters = _parameters(number, "")
        if changed and number % 10 == 0:
            parameters = f"{parameters}, extra: int = {number}".removeprefix(", ")
        lines.append(f"    def method_{number}({parameters}) -> {_result(number)}:")
        lines.append(f'        """Do the thing of number {number}."""')
    return "\n".join(lines) + "\n"


def implementation(methods: int, *, broken: bool = False) -> str:
    """Source of a class that keeps the contract; ``broken``: no method does, each needs more."""
    first = "self, wanted: int, " if broken else "self, "
    lines = [
        "from contract import IMany",
        "from zope.interface import implementer",
        "@implementer(IMany)",
        "class Many:",
    ]
    for number in range(methods):
        lines.append(f"    def method_{number}({_parameters(number, first)}) -> {_result(number)}:")
        lines.append(f"        return {_result(number)}()")
    return "\n".join(lines) + "\n"


def rows(folder: Path) -> list[Row]:
    """All rows; their sources are written to the folder."""
    return [*_check_rows(folder), *_diff_rows(folder), *_start_rows(folder)]


def _parameters(number: int, first: str) -> str:
    # Nothing can follow **options, and what follows a default needs one.
    shape = _SIGNATURES[0 if number % 10 == 0 else number % len(_SIGNATURES)]
    return shape.format(self=first).removesuffix(", ")


def _result(number: int) -> str:
    return ("str", "int", "list", "dict")[number % 4]


def _check_rows(folder: Path) -> list[Row]:
    (folder / "contract.py").write_text(contract(_METHODS), encoding="utf-8")
    sys.path.insert(0, str(folder))
    interface = importlib.import_module("contract").IMany

    def check(cls: Any, wrong: int) -> None:
        report = abc_interface_checker.check(cls, interface)
        found = len({finding.place for finding in report.findings})
        if found != wrong:
            raise AssertionError(f"{found} methods are wrong, not {wrong}")

    peer = f"verifyClass, {_METHODS} methods"
    sound = _fresh(folder / "implementation.py", implementation(_METHODS))
    broken = _fresh(folder / "broken.py", implementation(_METHODS, broken=True))
    return [
        Row(peer, sound, lambda cls: verifyClass(interface, cls)),
        Row(f"check, {_METHODS} methods", sound, lambda cls: check(cls, 0), budget=30, peer=peer),
        Row(
            f"check, {_METHODS} methods, all broken",
            broken,
            lambda cls: check(cls, _METHODS),
            budget=30,
        ),
    ]


def _fresh(path: Path, source: str) -> Callable[[], Any]:
    """What makes the class anew, from a file that can be read."""
    path.write_text(source, encoding="utf-8")
    code = compile(source, str(path), "exec")

    def make() -> Any:
        module = types.ModuleType(path.stem)
        module.__file__ = str(path)
        sys.modules[path.stem] = module
        exec(code, module.__dict__)  # noqa: S102 - our own source
        return module.Many

    return make


def _diff_rows(folder: Path) -> list[Row]:
    sides = []
    for name, changed in (("old", False), ("new", True)):
        package = folder / name / "acme"
        package.mkdir(parents=True)
        text = contract(_DIFFED, changed=changed)
        (package / "__init__.py").write_text(text, encoding="utf-8")
        (folder / name / "pyproject.toml").write_text(
            '[tool.abc-interface-checker]\npackages = ["acme"]\nversion = "acme:VERSION"\n',
            encoding="utf-8",
        )
        report = abc_interface_checker.freeze(folder / name)
        if report.exit_status:
            raise AssertionError(report)
        (frozen,) = (folder / name).rglob("*.json")
        sides.append((folder / name, frozen))
    (old, old_frozen), (new, new_frozen) = sides
    return [
        _diff_row(f"diff, {_DIFFED} methods, of sources", old, new),
        _diff_row(f"diff, {_DIFFED} methods, of frozen files", old_frozen, new_frozen),
    ]


def _diff_row(name: str, old: Path, new: Path) -> Row:
    def diff(_: object) -> None:
        report = abc_interface_checker.diff(old, new)
        if not report.findings or report.could_not_check:
            raise AssertionError(report)

    return Row(name, _nothing, diff, budget=150)


def _start_rows(folder: Path) -> list[Row]:
    peer = "start of Python alone"
    module = ("-m", "abc_interface_checker")
    return [
        Row(peer, _nothing, _process(folder, "-c", "pass")),
        *(
            Row(
                f"start of {' '.join(arguments)}",
                _nothing,
                _process(folder, *module, *arguments),
                budget=250,
                peer=peer,
            )
            for arguments in (
                ("explain", "param-renamed"),
                ("check", "--help"),
                ("diff", "--help"),
            )
        ),
    ]


def _process(folder: Path, *arguments: str) -> Callable[[object], None]:
    def run(_: object) -> None:
        subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=child_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )

    return run


def _nothing() -> None:
    return None


def main(arguments: list[str]) -> int:
    """Measure all rows and tell them."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        write(measure(rows(Path(folder)), options.rounds), options.format)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
