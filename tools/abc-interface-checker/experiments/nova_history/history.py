"""What nova's releases did to those who implement its driver class, and to those who call it.

Downloads one wheel of each release series from the package index, reads ``nova/virt/driver.py`` of
each (nothing is installed, imported or run), and compares release with release. The contract of a
step is the methods of ``ComputeDriver`` that only raise NotImplementedError in one of the two
releases: these are what a driver is asked for.

    python experiments/nova_history/history.py FOLDER > experiments/nova_history/results.md

FOLDER keeps the wheels; those that are there already are not downloaded again.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import itertools
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from abc_interface_checker.compatibility.compare import compare
from abc_interface_checker.findings import Effect, Finding
from abc_interface_checker.model import Interface, Package
from abc_interface_checker.source.reader import Reading, read_package
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.versions import required_bump

__all__ = ["RELEASES", "Step", "main", "page", "step"]

RELEASES = (
    "16.1.8", "17.0.13", "18.3.0", "19.3.2", "20.6.1", "21.2.4", "22.4.0", "23.2.2", "24.2.1",
    "25.3.0", "26.3.0", "27.5.1", "28.3.1", "29.4.0", "30.3.0", "31.3.1", "32.2.1", "33.0.2",
    "34.0.0",
)  # fmt: skip
"""The newest release of each series that the index had."""

_HEAD = (
    "| step | asked for | break callers | break implementers | only implementers "
    "| consumer-only view | our verdict |"
)
_FILE = "nova/virt/driver.py"
_DRIVER = "nova.virt.driver.ComputeDriver"


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One release beside the next."""

    old: str
    new: str
    methods: int
    """How many the contract has in the new one."""
    findings: tuple[Finding, ...]
    """Of rules that mean something to a program: not those of texts and of order."""

    def broken(self, side: str) -> frozenset[str]:
        """The methods that break a side: ``callers`` or ``implementers``."""
        return frozenset(
            _method(finding) for finding in self.findings if getattr(finding, side) is Effect.BREAKS
        )


def main() -> int:
    """Write the page to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the wheels are kept")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    packages = [driver(version, source(version, folder)) for version in RELEASES]
    steps = [step(old, new) for old, new in itertools.pairwise(packages)]
    sys.stdout.write("\n".join(page(steps, datetime.datetime.now(datetime.UTC).date())) + "\n")
    return 0


def source(version: str, folder: Path) -> str:
    """The driver module of one release."""
    if not list(folder.glob(f"nova-{version}-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        # A wheel is only unpacked, where a source distribution would have to run its own code.
        command += ["--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder)]
        subprocess.run([*command, f"nova=={version}"], check=True)
    [wheel] = folder.glob(f"nova-{version}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(_FILE).decode("utf-8")


def driver(version: str, text: str) -> Package:
    """A contract of nothing but the driver class."""
    reading = Reading(interfaces=("ComputeDriver",), version=version)
    read = read_package(Sources.from_texts({_FILE: text}), reading)
    if read.could_not_check or _DRIVER not in read.package.interfaces:
        raise ValueError(f"nova {version}: {read.could_not_check or 'has no such class'}")
    interface = read.package.interfaces[_DRIVER]
    return Package(name="nova", version=version, interfaces={_DRIVER: _public(interface)})


def _public(interface: Interface) -> Interface:
    methods = tuple(method for method in interface.methods if not method.name.startswith("_"))
    return dataclasses.replace(interface, methods=methods, attributes=())


def step(old: Package, new: Package) -> Step:
    """Compare two releases by the methods that one of them leaves to drivers."""
    asked = _asked(old) | _asked(new)
    findings = compare(_only(old, asked), _only(new, asked))
    told = tuple(f for f in findings if Effect.BREAKS in (f.callers, f.implementers))
    return Step(old.version, new.version, len(_asked(new)), told)


def _asked(package: Package) -> set[str]:
    return {method.name for method in package.interfaces[_DRIVER].methods if method.abstract}


def _only(package: Package, names: set[str]) -> Package:
    interface = package.interfaces[_DRIVER]
    methods = tuple(method for method in interface.methods if method.name in names)
    made = dataclasses.replace(interface, methods=methods)
    return dataclasses.replace(package, interfaces={_DRIVER: made})


def page(steps: Iterable[Step], day: datetime.date) -> Iterator[str]:
    """The lines of the page."""
    steps = list(steps)
    yield "# What nova's releases did to its drivers"
    yield ""
    yield f"Made by `history.py` on {day:%Y-%m-%d} from the wheels on the package index:"
    yield f"nova {', '.join(RELEASES)}."
    yield ""
    yield "The contract is the methods of `nova.virt.driver.ComputeDriver` that only raise"
    yield "NotImplementedError in one of the two releases; a driver that lacks one inherits just"
    yield "that. Numbers are methods. The consumer-only view is what this tool says of callers:"
    yield "it is no run of another tool."
    yield ""
    yield _HEAD
    yield "|---|--:|--:|--:|--:|---|---|"
    yield from _rows(steps)
    yield ""
    yield from _summary(steps)
    yield ""
    yield "A count of signatures from tag to tag, Icehouse to 2025.2 and so over a longer span, had"
    yield "46 methods added, 32 removed and 68 signatures changed, 49 of these breaking callers;"
    yield "what breaks drivers was not asked there."
    yield ""
    yield "## What changed"
    for each in steps:
        yield ""
        yield f"### {each.old} to {each.new}"
        yield ""
        yield from _details(each) or ("Nothing that breaks anybody.",)


def _rows(steps: Iterable[Step]) -> Iterator[str]:
    for each in steps:
        callers, implementers = each.broken("callers"), each.broken("implementers")
        yield (
            f"| {each.old} → {each.new} | {each.methods} | {len(callers)} | {len(implementers)} "
            f"| {len(implementers - callers)} "
            f"| {'breaking' if callers else 'compatible'} | {required_bump(each.findings).value} |"
        )


def _summary(steps: list[Step]) -> Iterator[str]:
    callers = sum(len(each.broken("callers")) for each in steps)
    implementers = sum(len(each.broken("implementers")) for each in steps)
    unseen = [each.broken("implementers") - each.broken("callers") for each in steps]
    silent = sum(1 for each in steps if each.broken("implementers") and not each.broken("callers"))
    major = sum(1 for each in steps if each.findings)
    rules = collections.Counter(finding.rule for each in steps for finding in each.findings)
    only = sum(map(len, unseen))
    yield f"Of {len(steps)} steps {major} break somebody: {callers} times a method breaks callers,"
    yield f"{implementers} times one breaks implementers, {only} times nobody else."
    yield f"Steps that a consumer-only view calls compatible and that broke drivers: {silent}."
    yield ""
    yield "By rule: " + ", ".join(f"{rule} {count}" for rule, count in rules.most_common()) + "."


def _details(each: Step) -> list[str]:
    return [
        f"* {finding.rule}: `{finding.element.removeprefix(_DRIVER + '.')}`: {finding.message}"
        for finding in each.findings
    ]


def _method(finding: Finding) -> str:
    return finding.element.partition("(")[0]


if __name__ == "__main__":
    sys.exit(main())
