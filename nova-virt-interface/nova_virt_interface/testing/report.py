"""Reports of a conformance run: text, JSON, and JUnit's XML; and all that are written to files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from nova_virt_interface.testing.html_report import as_html
from nova_virt_interface.testing.markup import clean
from nova_virt_interface.testing.results import DriverRun, Record, Status, counts

__all__ = ["as_json", "as_text", "write_reports"]


def as_json(runs: Iterable[DriverRun]) -> str:
    """The runs as one JSON object with the list ``runs``."""
    return json.dumps({"runs": [run.as_dict() for run in runs]}, indent=2)


def as_text(runs: Iterable[DriverRun]) -> str:
    """A few lines for each run: who, against what, how many checks ended how, which went wrong."""
    return "\n\n".join(_run_text(run) for run in runs)


def _run_text(run: DriverRun) -> str:
    declaration, backend = run.declaration, run.backend
    lines = [
        f"{declaration.driver}: {declaration.package} {declaration.package_version}, "
        f"contract {declaration.contract or 'not declared'}",
        f"  verdict    {run.verdict}",
        f"  backend    {_backend_text(run) if backend else 'none'}",
        f"  static     {_counts_text(run.static)}",
        f"  behaviour  {_counts_text(run.behaviour)}",
    ]
    for record in (*run.static, *run.behaviour):
        if record.status in (Status.FAIL, Status.ERROR):
            lines.append(f"  {record.status.value}: {record.test}: {_last_line(record.reason)}")
    return "\n".join(lines)


def _backend_text(run: DriverRun) -> str:
    backend = run.backend
    return f"{backend.name}, {backend.version}, {backend.kind.value}" if backend else "none"


def _counts_text(records: Iterable[Record]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts(records).items())


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def write_reports(runs: Iterable[DriverRun], directory: Path) -> None:
    """Write ``conformance.json``, ``.xml`` (JUnit) and ``.html`` into the directory, made if need
    be.
    """
    runs = list(runs)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "conformance.json").write_text(as_json(runs) + "\n", encoding="utf-8")
    (directory / "conformance.html").write_text(as_html(runs), encoding="utf-8")
    root = ElementTree.Element("testsuites")
    root.extend(_junit_suite(run) for run in runs)
    tree = ElementTree.ElementTree(root)
    ElementTree.indent(tree)
    tree.write(directory / "conformance.xml", encoding="utf-8", xml_declaration=True)


def _junit_suite(run: DriverRun) -> ElementTree.Element:
    name = f"{run.declaration.driver}/{run.backend.name if run.backend else '-'}"
    records = [*run.static, *run.behaviour]
    found = counts(records)
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(records)))
    suite.set("failures", str(found["fail"]))
    suite.set("errors", str(found["error"]))
    suite.set("skipped", str(found["skip"]))
    suite.extend(_junit_case(name, record) for record in records)
    return suite


def _junit_case(name: str, record: Record) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=name, name=record.test)
    case.set("time", f"{record.seconds:.3f}")
    tags = {Status.FAIL: "failure", Status.ERROR: "error", Status.SKIP: "skipped"}
    if record.status in tags:
        child = ElementTree.SubElement(case, tags[record.status])
        child.set("message", clean(_last_line(record.reason)))
        child.text = clean(record.reason)
    if record.evidence:
        ElementTree.SubElement(case, "system-out").text = clean(record.evidence)
    return case
