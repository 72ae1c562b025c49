"""For servers of continuous integration: JUnit's XML, one test case for each finding."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from abc_interface_checker.findings import Finding, Report, Severity
from abc_interface_checker.reports.presentation import breaks, location, witness_lines

__all__ = ["render"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The report as XML: an error is a failure, what was not checked is an error, what is
    suppressed is skipped, and a warning is a passed case with its words.
    """
    suite = ET.Element("testsuite", name=f"abc-interface-checker {report.command}")
    for finding in report.findings:
        _finding(suite, finding)
    for unchecked in report.could_not_check:
        case = ET.SubElement(suite, "testcase", classname=_xml(unchecked.element), name="check")
        error = ET.SubElement(case, "error", message=_xml(unchecked.reason))
        error.text = location(unchecked.place)
    if not len(suite):
        ET.SubElement(suite, "testcase", classname=report.command, name=_xml(report.subject))
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(suite)
    text = ET.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _finding(suite: ET.Element, finding: Finding) -> None:
    case = ET.SubElement(suite, "testcase", classname=_xml(finding.element), name=finding.rule)
    details = [finding.message, breaks(finding), *witness_lines(finding), location(finding.place)]
    text = _xml("\n".join(line for line in details if line))
    if finding.suppressed:
        ET.SubElement(case, "skipped", message=_xml(finding.suppressed))
    elif finding.severity is Severity.ERROR:
        failure = ET.SubElement(case, "failure", message=_xml(finding.message), type=finding.rule)
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = f"{finding.severity.value}: {text}"


def _xml(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
