"""Checks interfaces: implementation against contract, and a contract against its older version.

Four functions, each with the result that its command prints, and one for a test:

    check(implementation, *interfaces)      the implementation, against what it provides
    freeze(project)                         write the contract of its version
    verify(project)                         the source still is what was frozen
    diff(old, new)                          two versions of a contract
    assert_conforms(interface, object)      raise AssertionError with the report, or do nothing
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from abc_interface_checker.checking import assert_conforms, check
    from abc_interface_checker.comparing import diff
    from abc_interface_checker.findings import Finding, Report
    from abc_interface_checker.freezing import freeze, verify

__all__ = ["Finding", "Report", "assert_conforms", "check", "diff", "freeze", "verify"]

# Each command imports only what it needs, and so does a test that needs one function.
_HOMES = {
    "Finding": "findings",
    "Report": "findings",
    "assert_conforms": "checking",
    "check": "checking",
    "diff": "comparing",
    "freeze": "freezing",
    "verify": "freezing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
