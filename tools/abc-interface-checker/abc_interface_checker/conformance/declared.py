"""What an implementation claims: interfaces, capabilities, the version; and what it promises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from zope.interface import Interface as ZopeInterface
from zope.interface import Invalid
from zope.interface import declarations as zope_declarations
from zope.interface.interface import InterfaceClass

from abc_interface_checker.conformance.contract import Contract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.findings import Severity
from abc_interface_checker.live.hints import name_of
from abc_interface_checker.live.implementation import Implementation
from abc_interface_checker.model import InterfaceKind
from abc_interface_checker.versions import Version

__all__ = [
    "check_abstract",
    "check_declared",
    "check_invariants",
    "check_version",
    "claimed_interfaces",
    "is_provided_by_class",
    "is_subclass",
]

# Its functions have no annotations.
_ZOPE: Any = zope_declarations
_VERSION = "__contract_version__"


def is_provided_by_class(contract: Contract, target: object) -> bool:
    """Whether a class is itself the object that provides the interface."""
    if not issubclass(type(target), type) or not contract.is_zope:
        return False
    provided, implemented = _ask("providedBy", target), _ask("implementedBy", target)
    return _names(contract, provided) and not _names(contract, implemented)


def check_declared(check: Check, contract: Contract) -> None:
    """Report an implementation that does not say that it is one."""
    implementation = check.implementation
    if contract.is_zope:
        declares = _names(contract, _declared(implementation))
    elif contract.interface.kind is InterfaceKind.PROTOCOL:
        return
    elif isinstance(contract.live, type):
        declares = is_subclass(implementation.cls, contract.live)
    else:
        declares = any(name_of(each) == contract.name for each in implementation.mro)
    if not declares:
        check.report(
            "impl-not-declared",
            "",
            f"{implementation.name} does not declare that it provides {contract.name}",
        )


def check_abstract(check: Check) -> None:
    """Report abstract methods that keep the class from being instantiated."""
    if not check.implementation.of_instances:
        return
    left: frozenset[str] = getattr(check.implementation.cls, "__abstractmethods__", frozenset())
    for name in sorted(left - check.abstract):
        check.report(
            "impl-abstract-left",
            name,
            f"{name} is still abstract, so that {check.implementation.name} has no instances",
        )


def check_version(check: Check, contract: Contract) -> None:
    """Compare the version of the contract that an implementation names with the contract's."""
    member = check.implementation.member(_VERSION)
    if member is None or not isinstance(member.raw, str):
        return
    stated = _stated_version(contract)
    if stated is None:
        return
    try:
        own, wanted = Version.parse(member.raw), Version.parse(stated)
    except ValueError as error:
        check.report("impl-version-mismatch", _VERSION, f"the version cannot be read: {error}")
        return
    same_line = own.major == wanted.major and (own.major > 0 or own.minor == wanted.minor)
    if own.is_draft or wanted.is_draft:
        same_line = own == wanted
    if not same_line or own.order > wanted.order:
        check.report(
            "impl-version-mismatch",
            _VERSION,
            f"{check.implementation.name} is written for version {own} of the contract;"
            f" {contract.name} is {wanted}",
        )


def check_invariants(check: Check, contract: Contract) -> None:
    """Ask the invariants of a live interface about an object."""
    target, live = check.implementation.target, contract.live
    if check.implementation.of_instances or not isinstance(live, InterfaceClass):
        return
    for interface in live.__iro__:
        for invariant in interface.queryDirectTaggedValue("invariants", ()):
            _check_invariant(check, invariant, interface, target)


def claimed_interfaces(
    implementation: Implementation, contracts: list[Contract]
) -> Iterator[InterfaceClass]:
    """Interfaces from the contracts' own packages that are declared, but not among the contracts
    or their bases.
    """
    known = {each for contract in contracts for each in _line(contract)}
    tops = {contract.name.partition(".")[0] for contract in contracts if contract.is_zope}
    for interface in _declared(implementation).flattened():
        name = name_of(interface) or ""
        is_own = name.partition(".")[0] in tops and interface is not ZopeInterface
        if is_own and name not in known:
            yield interface


def _line(contract: Contract) -> Iterator[str]:
    yield contract.name
    yield from (method.owner.name for method in contract.methods.values())
    yield from (attribute.owner.name for attribute in contract.attributes.values())
    if isinstance(contract.live, InterfaceClass):
        yield from (name_of(each) or "" for each in contract.live.__iro__)


def _declared(implementation: Implementation) -> Any:
    if implementation.of_instances:
        return _ask("implementedBy", implementation.cls)
    return _ask("providedBy", implementation.target)


def _ask(question: str, target: object) -> Any:
    """What zope says; nothing of an object at which it fails."""
    try:
        return getattr(_ZOPE, question)(target)
    except Exception:  # noqa: BLE001 - it runs the object's own code
        return _ZOPE.Declaration()


def _names(contract: Contract, declaration: Any) -> bool:
    if contract.live is not None:
        # Identity counts: another interface of the same name is another one.
        return any(each is contract.live for each in declaration.flattened())
    return any(name_of(each) == contract.name for each in declaration.flattened())


def is_subclass(cls: type, wanted: type) -> bool:
    """Whether a class says that it is a subclass, or the other one that it is its own."""
    try:
        # A Protocol may refuse to be asked by issubclass.
        return wanted in type.mro(cls) or issubclass(cls, wanted)
    except Exception:  # noqa: BLE001 - a hook of the interface may run
        return False


def _stated_version(contract: Contract) -> str | None:
    literal = contract.interface.marks.tags.get("version")
    if literal is not None:
        try:
            value = ast.literal_eval(literal)
        except (ValueError, SyntaxError):
            return None
        return value if isinstance(value, str) else None
    versions = [package.version for package in contract.packages if package.version]
    return versions[0] if versions else None


def _check_invariant(check: Check, invariant: Any, interface: Any, target: object) -> None:
    name = getattr(invariant, "__name__", str(invariant))
    try:
        invariant(target)
    except Invalid as error:
        text = f"invariant {name} of {name_of(interface)} does not hold: {error}"
        check.report("impl-invariant", "", text)
    except Exception as error:  # noqa: BLE001 - it is any code
        text = f"invariant {name} of {name_of(interface)} raises {type(error).__name__}: {error}"
        check.report("impl-invariant", "", text, severity=Severity.WARNING)
