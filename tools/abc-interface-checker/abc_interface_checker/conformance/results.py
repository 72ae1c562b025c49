"""Whether a call gives back the kind of thing that the contract says, and takes such things."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.conformance.contract import MethodContract, is_special
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.parameters import described
from abc_interface_checker.findings import Severity
from abc_interface_checker.live.callables import Callee
from abc_interface_checker.live.hints import name_of
from abc_interface_checker.model import ParameterKind, Style
from abc_interface_checker.types.assignability import assignable
from abc_interface_checker.types.expressions import Named, parse, render

__all__ = ["check_results", "check_types"]

_PLAIN = {
    Style.ASYNC: "collections.abc.Coroutine",
    Style.GENERATOR: "collections.abc.Generator",
    Style.ASYNC_GENERATOR: "collections.abc.AsyncGenerator",
    Style.CONTEXT_MANAGER: "contextlib.AbstractContextManager",
    Style.ASYNC_CONTEXT_MANAGER: "contextlib.AbstractAsyncContextManager",
}
_WANTED = {
    **_PLAIN,
    Style.ASYNC: "collections.abc.Awaitable",
    Style.GENERATOR: "collections.abc.Iterator",
    Style.ASYNC_GENERATOR: "collections.abc.AsyncIterator",
}
_WORDS = {
    Style.SYNC: "a plain function",
    Style.ASYNC: "a coroutine function",
    Style.GENERATOR: "a generator",
    Style.ASYNC_GENERATOR: "an asynchronous generator",
    Style.CONTEXT_MANAGER: "a context manager",
    Style.ASYNC_CONTEXT_MANAGER: "an asynchronous context manager",
}


def check_results(check: Check, contract: MethodContract, callee: Callee) -> None:
    """Compare what a call gives."""
    wanted_style, style = contract.method.style, callee.style
    wanted, own = contract.types.get("return"), _own_type(check, callee, "return")
    if wanted_style is style:
        if wanted is not None:
            _compare_return(check, contract, callee, own, wanted)
        return
    kind = _given(style, own)
    family = _PLAIN.get(style, kind)
    asked = _asked(wanted_style, wanted)
    if asked is None:
        if style is Style.ASYNC:
            _report_style(check, contract, callee)
        return
    if family is None:
        if wanted_style is Style.ASYNC and callee.function is not None:
            _report_style(check, contract, callee)
        elif callee.function is not None and not is_special(contract.name):
            # A plain function may well hand on what another one gives.
            check.unannotated.append(f"{contract.name}(return)")
        return
    head = parse(asked)
    outer = head.name if isinstance(head, Named) and wanted_style is not Style.SYNC else asked
    if assignable(_head(family), outer, check.classes) is False:
        _report_style(check, contract, callee)
    elif kind is not None:
        _compare_return(check, contract, callee, kind, asked)


def check_types(check: Check, contract: MethodContract, callee: Callee) -> None:
    """Compare the types of parameters: what callers may pass, the implementation has to take."""
    if callee.function is None or callee.signature is None:
        return
    hints = callee.hints
    for parameter, own in _pairs(contract, callee):
        wanted = contract.types.get(parameter)
        if wanted is None:
            continue
        if own not in hints:
            check.unannotated.append(f"{contract.name}({parameter})")
            continue
        type_ = _own_type(check, callee, own)
        verdict = True if type_ == wanted else assignable(wanted, type_ or "", check.classes)
        if verdict:
            continue
        told = f"{contract.name} takes {type_} for {parameter!r}"
        _report_type(
            check, contract, callee, verdict, told, wanted, "impl-param-type", f"({parameter})"
        )


def _compare_return(
    check: Check, contract: MethodContract, callee: Callee, own: str | None, wanted: str
) -> None:
    if own is None:
        check.unannotated.append(f"{contract.name}(return)")
        return
    verdict = True if own == wanted else assignable(own, wanted, check.classes)
    if not verdict:
        told = f"{contract.name} gives {own}"
        _report_type(check, contract, callee, verdict, told, wanted, "impl-return-type", "")


def _report_type(
    check: Check,
    contract: MethodContract,
    callee: Callee,
    verdict: bool | None,
    told: str,
    wanted: str,
    rule: str,
    member: str,
) -> None:
    doubt = "" if verdict is False else "; whether that fits cannot be told"
    check.report(
        rule,
        f"{contract.name}{member}",
        f"{told}, but the contract says {wanted}{doubt}: {described(contract)}",
        function=callee.function,
        severity=None if verdict is False else Severity.WARNING,
    )


def _report_style(check: Check, contract: MethodContract, callee: Callee) -> None:
    own, wanted = callee.style, contract.method.style
    is_async = Style.ASYNC in (own, wanted)
    check.report(
        "impl-async-mismatch" if is_async else "impl-generator-mismatch",
        contract.name,
        f"{contract.name} is {_WORDS[own]}; the contract has {_WORDS[wanted]}:"
        f" {described(contract)}",
        function=callee.function,
    )


def _own_type(check: Check, callee: Callee, name: str) -> str | None:
    if isinstance(callee.raw, type):
        # A class in place of a method gives its instances.
        return name_of(callee.raw) if name == "return" else None
    if callee.function is None or name not in callee.hints:
        return None
    return check.hints.of_function(callee.function, callee.hints[name])


def _given(style: Style, own: str | None) -> str | None:
    """The type of what a call gives; None: it is not known."""
    if style is Style.SYNC:
        return own
    if style is Style.ASYNC:
        return f"collections.abc.Coroutine[typing.Any, typing.Any, {own or 'typing.Any'}]"
    return _made(style, own, _PLAIN)


def _asked(style: Style, wanted: str | None) -> str | None:
    """The type that callers count on; None: the contract does not say."""
    if style is Style.SYNC:
        return wanted
    if style is Style.ASYNC:
        return f"collections.abc.Awaitable[{wanted or 'typing.Any'}]"
    return _made(style, wanted, _WANTED)


def _made(style: Style, written: str | None, plain: dict[Style, str]) -> str:
    """Of generators the annotation as it is, of managers one of what the generator yields."""
    if style in (Style.GENERATOR, Style.ASYNC_GENERATOR):
        return written or plain[style]
    type_ = parse(written) if written else None
    if isinstance(type_, Named) and type_.arguments:
        return f"{plain[style]}[{render(type_.arguments[0])}]"
    return plain[style]


def _head(type_: str) -> str:
    parsed = parse(type_)
    return parsed.name if isinstance(parsed, Named) else type_


def _pairs(contract: MethodContract, callee: Callee) -> Iterator[tuple[str, str]]:
    """The contract's parameters beside those of the implementation that take their values."""
    own = callee.signature.parameters if callee.signature else ()
    names = {each.name for each in own if not each.is_star}
    stars = {each.kind: each.name for each in own if each.is_star}
    for place, parameter in enumerate(contract.signature.parameters):
        if parameter.is_star:
            if parameter.kind in stars:
                yield parameter.name, stars[parameter.kind]
        elif parameter.kind is ParameterKind.POSITIONAL_ONLY:
            if place < len(own) and not own[place].is_star:
                yield parameter.name, own[place].name
        elif parameter.name in names:
            yield parameter.name, parameter.name
