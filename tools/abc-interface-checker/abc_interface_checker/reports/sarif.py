"""For code scanning: SARIF 2.1.0."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from abc_interface_checker import catalogue
from abc_interface_checker.findings import CouldNotCheck, Finding, Report, Severity
from abc_interface_checker.model import Place
from abc_interface_checker.reports.presentation import breaks, path_of, witness_lines

__all__ = ["document", "render"]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report) -> str:
    """The report as JSON by SARIF's schema, indented, with a line end at the end."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """What is written: one run with the rules that were broken, their results, and as
    notifications what could not be checked.
    """
    rules = sorted({finding.rule for finding in report.findings})
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {**_driver(), "rules": [_rule(rule) for rule in rules]}},
                "results": [_result(found, rules.index(found.rule)) for found in report.findings],
                "invocations": [_invocation(report)],
                "columnKind": "unicodeCodePoints",
                "properties": {"subject": report.subject, **report.facts},
            }
        ],
    }


def _driver() -> dict[str, Any]:
    try:
        return {
            "name": "abc-interface-checker",
            "semanticVersion": version("abc-interface-checker"),
        }
    except PackageNotFoundError:
        return {"name": "abc-interface-checker"}


def _rule(rule_id: str) -> dict[str, Any]:
    rule = catalogue.rule(rule_id)
    return {
        "id": rule_id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"group": rule.group},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    lines = [f"{finding.element}: {finding.message}", breaks(finding), *witness_lines(finding)]
    result = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(line for line in lines if line)},
        "locations": [_location(finding.element, finding.place)],
        "properties": {
            "callers": finding.callers.value,
            "implementers": finding.implementers.value,
            "bump": finding.bump.value,
        },
    }
    if finding.suppressed:
        result["suppressions"] = [{"kind": "external", "justification": finding.suppressed}]
    return result


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": not report.could_not_check,
        "exitCode": report.exit_status,
        "toolExecutionNotifications": [_notification(each) for each in report.could_not_check],
    }


def _notification(unchecked: CouldNotCheck) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"could not check {unchecked.element}: {unchecked.reason}"},
        "locations": [_location(unchecked.element, unchecked.place)],
    }


def _location(element: str, place: Place | None) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": element}]}
    if place:
        path = path_of(place)
        artifact = (
            {"uri": Path(path).as_uri()}
            if Path(path).is_absolute()
            else {"uri": quote(path), "uriBaseId": "%SRCROOT%"}
        )
        location["physicalLocation"] = {
            "artifactLocation": artifact,
            "region": {"startLine": max(place.line, 1)},
        }
    return location
