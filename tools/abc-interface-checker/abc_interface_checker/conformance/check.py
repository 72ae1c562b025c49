"""One implementation against the contracts that it is to provide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from abc_interface_checker.conformance.attributes import check_attribute
from abc_interface_checker.conformance.capabilities import report_unbacked
from abc_interface_checker.conformance.classes import LiveClasses
from abc_interface_checker.conformance.contract import Contract, prepared
from abc_interface_checker.conformance.declared import (
    check_abstract,
    check_declared,
    check_invariants,
    check_version,
    claimed_interfaces,
    is_provided_by_class,
    is_subclass,
)
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.methods import check_method
from abc_interface_checker.conformance.mocks import is_mock, specification
from abc_interface_checker.findings import Finding, Severity
from abc_interface_checker.live.contract import kind_of
from abc_interface_checker.live.hints import Hints, name_of
from abc_interface_checker.live.implementation import Implementation
from abc_interface_checker.model import Package
from abc_interface_checker.types.assignability import Classes

__all__ = ["check_object"]

_ABSENT = ("impl-method-missing", "impl-attr-missing")


def check_object(
    interfaces: Iterable[object],
    obj: object,
    *,
    classes: Classes | None = None,
    package: Package | None = None,
    extra_public: bool = False,
) -> tuple[Finding, ...]:
    """Check a class, an object or a module against interfaces.

    Of a class its instances are meant, unless the class itself provides the interface. Further zope
    interfaces of the same packages that it declares are checked as capabilities.

    Args:
        interfaces: zope interfaces, ABCs, Protocols, or models of them, such as a frozen file has.
        obj: the implementation.
        classes: what is known of classes; None: what the contracts say and what is imported.
        package: where the bases of models are.
        extra_public: whether public methods that no interface asks for are reported.

    Raises: NotAnInterface.
    """
    contracts = [prepared(interface, package) for interface in interfaces]
    if is_mock(obj):
        spec = specification(obj)
        if spec is None or kind_of(spec) is not None or isinstance(obj, type):
            return _of_mock(contracts, obj, spec)
        obj = spec
    packages = tuple(each for contract in contracts for each in contract.packages)
    known = classes or LiveClasses(*packages)
    hints = Hints()
    found: list[Finding] = []
    modes = [is_provided_by_class(contract, obj) for contract in contracts]
    for as_object in dict.fromkeys(modes):
        check = Check(Implementation(obj, as_object), known, packages, hints, found)
        chosen = [each for each, mode in zip(contracts, modes, strict=True) if mode is as_object]
        _check_all(check, chosen, package, extra_public=extra_public)
    return tuple(dict.fromkeys(found))


def _check_all(
    check: Check, contracts: list[Contract], package: Package | None, *, extra_public: bool
) -> None:
    choices = _choices(package)
    for contract in contracts:
        _check_contract(check, contract, is_choice=contract.name in choices)
    claimed = list(claimed_interfaces(check.implementation, contracts))
    for interface in claimed:
        frozen = package.interfaces.get(_dotted(interface)) if package is not None else None
        if package is None or frozen is not None:
            _check_capability(check, prepared(frozen or interface, package))
    check_abstract(check)
    report_unbacked(check)
    if check.dynamic:
        check.report(
            "impl-dynamic-getattr",
            "",
            f"only asking tells whether it has {_listed(check.dynamic)}: the names are made up"
            " when they are used",
        )
    if check.unannotated:
        check.report(
            "impl-unannotated",
            "",
            f"types cannot be compared where there are none: {_listed(check.unannotated)}",
        )
    if extra_public:
        _check_extra(check, [*contracts, *map(prepared, claimed)])


def _choices(package: Package | None) -> frozenset[str]:
    """The interfaces that the package leaves to implementations."""
    if package is None:
        return frozenset()
    # Only frozen contracts need what compares them.
    from abc_interface_checker.compatibility.capabilities import (  # noqa: PLC0415
        capability_interfaces,
    )

    return capability_interfaces(package)


def _check_contract(check: Check, contract: Contract, *, is_choice: bool) -> None:
    check_declared(check, contract)
    if is_choice:
        _check_capability(check, contract)
    else:
        _check_members(check, contract)
    check_version(check, contract)
    check_invariants(check, contract)


def _check_members(check: Check, contract: Contract) -> None:
    if contract.is_lossy:
        check.report_contract(
            "contract-lossy",
            contract.name,
            f"the source of {contract.name} was not found, and zope keeps neither annotations, nor"
            " keyword-only and positional-only parameters, nor async: parameters are not compared",
            contract.interface.place,
        )
    check.found += contract.findings
    for method in contract.methods.values():
        check_method(check, method)
    for attribute in contract.attributes.values():
        check_attribute(check, contract, attribute)


def _check_capability(check: Check, contract: Contract) -> None:
    """What it need not provide: without the members the declaration is an empty claim."""
    inner = replace(check, found=[])
    _check_members(inner, contract)
    absent = [each for each in inner.found if each.rule in _ABSENT]
    check.found += [each for each in inner.found if each.rule not in _ABSENT]
    if absent:
        names = [each.element.rpartition(".")[2] for each in absent]
        check.report(
            "impl-capability-unbacked",
            "",
            f"{check.implementation.name} declares {contract.name}, but has no {_listed(names)}",
        )


def _check_extra(check: Check, contracts: list[Contract]) -> None:
    asked = {name for each in contracts for name in (*each.methods, *each.attributes)}
    for name in check.implementation.names():
        member = check.implementation.member(name)
        is_public = member is not None and callable(member.raw) and not name.startswith("_")
        if is_public and name not in asked:
            check.report("impl-extra-public", name, f"no interface asks for {name}")


def _of_mock(contracts: list[Contract], mock: object, spec: type | None) -> tuple[Finding, ...]:
    """A mock of an interface is as good as the interface; of nothing, or of names, it is none."""
    lives = [contract.live for contract in contracts]
    if spec is not None and all(
        isinstance(each, type) and is_subclass(spec, each) for each in lives
    ):
        return ()
    check = Check(Implementation(mock, as_object=True), LiveClasses())
    check.report(
        "impl-is-mock",
        "",
        "a mock without the specification of an implementation takes every call: it shows nothing",
        severity=Severity.ERROR,
    )
    return tuple(check.found)


def _dotted(interface: object) -> str:
    return name_of(interface) or ""


def _listed(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names))
