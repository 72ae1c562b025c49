"""The page of a conformance run: drivers by operations, each cell linked to its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from nova_virt_interface.interfaces import HYPERVISOR_INTERFACES, VIRT_DRIVER_INTERFACES
from nova_virt_interface.testing.markup import clean
from nova_virt_interface.testing.results import DriverRun, Record, Status, counts

__all__ = ["as_html"]

_STYLE: Final = """
body { font: 14px/1.4 sans-serif; margin: 2em; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: 2px 8px; text-align: left; }
thead th { position: sticky; top: 0; background: #fff; }
.pass { background: #e2f4e2; } .fail, .error { background: #f8d0d0; }
.skip, .none { background: #f3f3f3; color: #555; }
pre { background: #f7f7f7; padding: 1em; overflow: auto; }
"""
_WORST: Final = (Status.FAIL, Status.ERROR, Status.PASS, Status.SKIP)
"""A cell looks like the first of these that is in it."""
_OPERATIONS: Final = {
    f"{interface.__name__}.{name}": interface.__name__
    for interface in dict.fromkeys((*HYPERVISOR_INTERFACES, *VIRT_DRIVER_INTERFACES))
    for name in sorted(interface.names())
}


def as_html(runs: Iterable[DriverRun]) -> str:
    """One page that needs nothing but itself."""
    runs = list(runs)
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    _text(head, "title", "Conformance of virt drivers")
    _text(head, "style", _STYLE)
    body = SubElement(page, "body")
    _text(body, "h1", "Conformance of virt drivers")
    _text(
        body,
        "p",
        "A cell counts the tests that asked the driver for the operation, by how they ended. "
        "They are apart for hypervisors that are real and that are simulated.",
    )
    _matrix(body, runs)
    for number, run in enumerate(runs):
        _section(body, number, run)
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    child = SubElement(parent, tag, attributes)
    child.text = clean(text)
    return child


def _matrix(body: Element, runs: list[DriverRun]) -> None:
    table = SubElement(body, "table")
    head = SubElement(SubElement(table, "thead"), "tr")
    _text(head, "th", "operation")
    for number, run in enumerate(runs):
        cell = SubElement(head, "th")
        _text(cell, "a", run.declaration.driver, href=f"#{number}")
        _text(cell, "div", _backend(run))
    rows = SubElement(table, "tbody")
    for part in ("static", "behaviour"):
        row = SubElement(rows, "tr")
        _text(row, "th", f"all {part} checks")
        for number, run in enumerate(runs):
            _cell(row, getattr(run, part), f"#{number}")
    for operation, interface in _OPERATIONS.items():
        row = SubElement(rows, "tr")
        _text(row, "th", operation)
        for number, run in enumerate(runs):
            if found := _of(run, operation):
                _cell(row, found, f"#{number}.{operation}")
            else:
                _no_cell(row, run, interface)


def _backend(run: DriverRun) -> str:
    backend = run.backend
    return f"{backend.kind.value}: {backend.name} {backend.version}" if backend else "not run"


def _of(run: DriverRun, operation: str) -> list[Record]:
    return [record for record in run.behaviour if operation in record.operations]


def _cell(row: Element, records: list[Record], target: str) -> None:
    found = counts(records)
    worst = next((status.value for status in _WORST if found[status.value]), "none")
    cell = SubElement(row, "td", {"class": worst})
    text = ", ".join(f"{number} {status}" for status, number in found.items() if number)
    _text(cell, "a", text or "none", href=target)


def _no_cell(row: Element, run: DriverRun, interface: str) -> None:
    is_provided = interface in run.provided
    text = "no test asked for it" if is_provided else "not provided"
    reason = "" if is_provided else run.not_provided.get(interface, "")
    _text(row, "td", text, **{"class": "none", "title": clean(reason)})


def _section(body: Element, number: int, run: DriverRun) -> None:
    declaration = run.declaration
    _text(body, "h2", f"{declaration.driver}: {_backend(run)}", id=str(number))
    _text(
        body,
        "p",
        f"{declaration.package} {declaration.package_version}, contract "
        f"{declaration.contract or 'not declared'}: {run.verdict}. Suite {run.suite_version}.",
    )
    for interface, reason in sorted(run.not_provided.items()):
        _text(body, "p", f"Not provided: {interface}: {reason}")
    records = [*run.static, *run.behaviour]
    targets = {id(record): f"{number}-{place}" for place, record in enumerate(records)}
    for operation in _OPERATIONS:
        if found := _of(run, operation):
            line = _text(body, "p", f"{operation}: ", id=f"{number}.{operation}")
            for record in found:
                name = f"{record.test} {record.status.value}"
                _text(line, "a", name, href=f"#{targets[id(record)]}").tail = " "
    for record in records:
        _record(body, record, targets[id(record)])


def _record(body: Element, record: Record, target: str) -> None:
    details = SubElement(body, "details", {"id": target, "class": record.status.value})
    rules = f" [{', '.join(record.rules)}]" if record.rules else ""
    summary = f"{record.status.value}: {record.test}{rules} ({record.seconds:.2f} s)"
    _text(details, "summary", summary)
    for text in filter(None, (record.reason, record.evidence)):
        _text(details, "pre", text)
