"""The outcome of a command for people and for programs, one module for each format."""

from __future__ import annotations

from importlib import import_module

from abc_interface_checker.findings import Report

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "junit", "sarif", "github", "markdown")


def render(report: Report, style: str, *, colour: bool = False) -> str:
    """The report in one of `FORMATS`; only its own module is imported. Only text has colours."""
    module = import_module(f"{__name__}.{style}")
    options = {"colour": True} if colour and style == "text" else {}
    rendered: str = module.render(report, **options)
    return rendered
