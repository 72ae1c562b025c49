"""Methods of a contract: whether the implementation has them, as something that can be called."""

from __future__ import annotations

from typing import Any

from abc_interface_checker.conformance.attributes import NOTHING, evaluated
from abc_interface_checker.conformance.bodies import check_raises, is_stub
from abc_interface_checker.conformance.capabilities import is_excused
from abc_interface_checker.conformance.contract import MethodContract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.mocks import is_mock, specification
from abc_interface_checker.conformance.parameters import check_parameters, described
from abc_interface_checker.conformance.results import check_results, check_types
from abc_interface_checker.conformance.state import is_computed, is_set
from abc_interface_checker.live.callables import Callee, callee_of
from abc_interface_checker.live.implementation import Access, Member, own_annotations
from abc_interface_checker.model import Binding
from abc_interface_checker.types.assignability import assignable

__all__ = ["check_method"]


def check_method(check: Check, contract: MethodContract) -> None:
    """Compare one method."""
    member = check.implementation.member(contract.name)
    if member is None:
        _check_absent(check, contract)
    elif is_computed(member.raw):
        _check_computed(check, contract, member)
    elif is_mock(member.raw):
        _check_mock(check, contract, member.raw)
    elif _is_left(contract, member):
        _check_left(check, contract, member)
    else:
        _check_called(check, contract, callee_of(member.raw, member.access), member)


def _check_absent(check: Check, contract: MethodContract) -> None:
    implementation, name = check.implementation, contract.name
    if implementation.of_instances and is_set(implementation, name):
        _report_opaque(check, contract, "it is set on each instance")
        return
    if implementation.is_dynamic:
        value = _asked(check, name)
        if value is not NOTHING or implementation.of_instances:
            check.dynamic.append(name)
        if value is not NOTHING:
            _check_called(check, contract, callee_of(value, Access.PLAIN), None)
        if value is not NOTHING or implementation.of_instances:
            return
    if is_excused(check, contract):
        return
    check.report("impl-method-missing", name, f"there is no method {name}: {described(contract)}")


def _asked(check: Check, name: str) -> Any:
    if check.implementation.of_instances:
        return NOTHING
    try:
        return getattr(check.implementation.target, name)
    except Exception:  # noqa: BLE001 - any code may run
        return NOTHING


def _check_computed(check: Check, contract: MethodContract, member: Member) -> None:
    """A property may give something that can be called; only an object tells."""
    name = contract.name
    if not check.implementation.of_instances:
        value = evaluated(check, name)
        if value is NOTHING:
            return
        if not callable(value):
            _report_not_callable(check, contract, member, type(value).__name__)
            return
        _check_called(check, contract, callee_of(value, Access.PLAIN), None)
        return
    hints = own_annotations(member.raw.fget) if isinstance(member.raw, property) else {}
    if "return" in hints:
        type_ = check.hints.of_function(member.raw.fget, hints["return"])
        if assignable(type_, "collections.abc.Callable", check.classes) is False:
            _report_not_callable(check, contract, member, type_)
            return
    _report_opaque(check, contract, "a property gives it")


def _check_mock(check: Check, contract: MethodContract, mock: object) -> None:
    if specification(mock) is None:
        check.report(
            "impl-is-mock",
            contract.name,
            f"{contract.name} is a mock that takes anything: {described(contract)}",
        )
    else:
        _report_opaque(check, contract, "it is a mock")


def _is_left(contract: MethodContract, member: Member) -> bool:
    """Whether the interface itself, or another abstract class, is all that has it."""
    if getattr(member.raw, "__isabstractmethod__", False):
        return True
    return member.owner is contract.declaring and contract.method.abstract


def _check_left(check: Check, contract: MethodContract, member: Member) -> None:
    name = contract.name
    callee = callee_of(member.raw, member.access)
    function = callee.function if callee is not None else None
    if is_excused(check, contract):
        return
    is_abstract = bool(getattr(member.raw, "__isabstractmethod__", False))
    if not is_abstract and is_stub(function):
        check.report(
            "impl-stub",
            name,
            f"{name} is inherited from {contract.owner.name}, where it only raises"
            " NotImplementedError",
        )
    elif name not in check.abstract:
        check.abstract.add(name)
        check.report("impl-abstract-left", name, f"{name} is still abstract: {described(contract)}")


def _check_called(
    check: Check, contract: MethodContract, callee: Callee | None, member: Member | None
) -> None:
    if callee is None:
        raw = member.raw if member is not None else None
        check.report(
            "impl-not-callable",
            contract.name,
            f"{contract.name} is {raw!r}, which cannot be called: {described(contract)}",
        )
        return
    if callee.lacks_self or _is_called_on_less(contract, callee, member):
        check.report(
            "impl-static-mismatch",
            contract.name,
            f"{contract.name} {_binding_text(contract, callee)}: {described(contract)}",
            function=callee.function,
        )
        return
    if is_stub(callee.function) and not is_excused(check, contract):
        check.report(
            "impl-stub",
            contract.name,
            f"{contract.name} only raises NotImplementedError: {described(contract)}",
            function=callee.function,
        )
    is_own = member is not None and member.owner is contract.declaring
    if is_own or contract.is_lossy:
        return
    check_parameters(check, contract, callee)
    check_types(check, contract, callee)
    check_results(check, contract, callee)
    check_raises(check, contract, callee)


def _is_called_on_less(contract: MethodContract, callee: Callee, member: Member | None) -> bool:
    """Whether callers may call it on the class, and the implementation needs an instance."""
    if member is None or member.access is not Access.INSTANCE:
        return False
    return contract.method.binding is not Binding.INSTANCE and callee.binding is Binding.INSTANCE


def _binding_text(contract: MethodContract, callee: Callee) -> str:
    if callee.lacks_self:
        return "has no parameter for the instance that it is called on"
    kind = contract.method.binding.value
    return f"needs an instance, and is a {kind} method in the contract"


def _report_not_callable(
    check: Check, contract: MethodContract, member: Member, type_: str
) -> None:
    check.report(
        "impl-property-not-callable",
        contract.name,
        f"{contract.name} gives a value of type {type_}, which cannot be called:"
        f" {described(contract)}",
        function=getattr(member.raw, "fget", None),
    )


def _report_opaque(check: Check, contract: MethodContract, why: str) -> None:
    check.report(
        "impl-opaque-signature",
        contract.name,
        f"whether {contract.name} does as {described(contract)} cannot be seen: {why}",
    )
