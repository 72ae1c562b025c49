"""Whether an implementation takes every call that the contract allows."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.calls import Mismatch, MismatchKind, mismatches
from abc_interface_checker.conformance.contract import UNKNOWN, MethodContract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.live.callables import Callee
from abc_interface_checker.model import Parameter, ParameterKind, Signature
from abc_interface_checker.source.signatures import signature_text

__all__ = ["check_parameters", "described"]

_RULES = {
    MismatchKind.MISSING: ("impl-param-missing", "has no parameter {name!r}"),
    MismatchKind.EXTRA_REQUIRED: (
        "impl-param-extra-required",
        "requires {name!r}, which the contract does not pass",
    ),
    MismatchKind.RENAMED: ("impl-param-renamed", "calls the parameter {name!r} otherwise"),
    MismatchKind.REORDERED: (
        "impl-param-reordered",
        "has its parameters in another order, so that {name!r} is not where callers pass it",
    ),
    MismatchKind.NOT_KEYWORD: ("impl-param-not-keyword", "does not take {name!r} by keyword"),
    MismatchKind.NOT_POSITIONAL: (
        "impl-param-not-positional",
        "does not take {name!r} by position",
    ),
    MismatchKind.DEFAULT_MISSING: (
        "impl-default-missing",
        "requires {name!r}, which callers may leave out",
    ),
    MismatchKind.VARARGS_MISSING: (
        "impl-varargs-missing",
        "does not take the further positional arguments that {name} allows",
    ),
    MismatchKind.KWARGS_MISSING: (
        "impl-kwargs-missing",
        "does not take every keyword argument that {name} allows",
    ),
}


def check_parameters(check: Check, contract: MethodContract, callee: Callee) -> None:
    """Compare which calls are taken, and with which defaults."""
    if callee.shape == contract.shape:
        _check_defaults(check, contract, callee)
        return
    if callee.signature is None:
        _report_opaque(check, contract, callee, "nothing can be seen of its parameters")
        return
    found = mismatches(contract.signature, callee.signature)
    # A wrapper that takes anything hands it on: what it wraps decides.
    if not found and callee.inner is not None and _has_stars(callee.signature):
        check_parameters(check, contract, callee.inner)
        return
    for mismatch in found:
        _report(check, contract, callee, mismatch)
    if not found:
        anonymous = list(_anonymous(contract.signature, callee.signature))
        if anonymous:
            names = ", ".join(anonymous)
            _report_opaque(check, contract, callee, f"it takes {names} without naming it")
    _check_defaults(check, contract, callee)


def described(contract: MethodContract) -> str:
    """The method as its contract has it: ``IThing.start(timeout)``."""
    owner = contract.owner.name.rpartition(".")[2]
    return f"{owner}.{contract.name}{signature_text(contract.signature)}"


def _report(check: Check, contract: MethodContract, callee: Callee, found: Mismatch) -> None:
    rule, text = _RULES[found.kind]
    signature = callee.signature or Signature()
    own = f"{contract.name}{signature_text(signature)}"
    named = found.parameter.lstrip("*")
    check.report(
        rule,
        f"{contract.name}({named})",
        f"{own} {text.format(name=found.parameter)}; the contract is {described(contract)}",
        function=callee.function,
        witness=check.witness(
            f"thing.{contract.name}", found.call, contract.signature, f"{own} does not take it"
        ),
    )


def _report_opaque(check: Check, contract: MethodContract, callee: Callee, why: str) -> None:
    if not contract.signature.parameters and callee.signature is not None:
        return
    check.report(
        "impl-opaque-signature",
        contract.name,
        f"whether {contract.name} does as {described(contract)} cannot be seen: {why}",
        function=callee.function,
    )


def _has_stars(signature: Signature) -> bool:
    return any(parameter.is_star for parameter in signature.parameters)


def _anonymous(contract: Signature, own: Signature) -> Iterator[str]:
    """Parameters whose values arrive in a star parameter."""
    if not _has_stars(own):
        return
    names = {parameter.name for parameter in own.parameters if not parameter.is_star}
    places = sum(_is_positional(parameter) for parameter in own.parameters)
    for place, parameter in enumerate(contract.parameters):
        by_position_only = parameter.kind is ParameterKind.POSITIONAL_ONLY
        taken = place < places if by_position_only else parameter.name in names
        if not parameter.is_star and not taken:
            yield parameter.name


def _is_positional(parameter: Parameter) -> bool:
    return parameter.kind in (
        ParameterKind.POSITIONAL_ONLY,
        ParameterKind.POSITIONAL_OR_KEYWORD,
    )


def _check_defaults(check: Check, contract: MethodContract, callee: Callee) -> None:
    for name, expected in contract.defaults.items():
        own = callee.defaults.get(name, UNKNOWN)
        if UNKNOWN in (expected, own) or _same(expected, own):
            continue
        check.report(
            "impl-default-differs",
            f"{contract.name}({name})",
            f"{contract.name} has the default {own!r} for {name!r}; the contract says"
            f" {expected!r}: {described(contract)}",
            function=callee.function,
        )


def _same(expected: object, own: object) -> bool:
    if expected is own:
        return True
    try:
        return type(expected) is type(own) and bool(expected == own)
    except Exception:  # noqa: BLE001 - any code may run when objects are compared
        return False
