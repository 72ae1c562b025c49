"""The outcome of a command for people and for programs, one module for each format."""

from __future__ import annotations

from importlib import import_module

from abc_interface_checker.findings import Report

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "junit", "sarif", "github", "markdown")


def render(report: Report, style: str) -> str:
    """The report in one of `FORMATS`; only its own module is imported."""
    module = import_module(f"{__name__}.{style}")
    rendered: str = module.render(report)
    return rendered
