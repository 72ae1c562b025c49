"""What becomes of a call: where its arguments arrive, or what Python says against it."""

from __future__ import annotations

from collections.abc import Mapping

from abc_interface_checker.calls import Call
from abc_interface_checker.compatibility.pairing import NAMED, POSITIONAL
from abc_interface_checker.model import Parameter, ParameterKind, Signature

__all__ = ["outcome"]


def outcome(name: str, caller: Signature, callee: Signature, call: Call) -> str | None:
    """How a call that is legal for the caller fails at the callee; None: it does not."""
    sent, taken = _binding(caller, call), _binding(callee, call)
    if isinstance(taken, str):
        return f"TypeError: {name}() {taken}"
    return None if isinstance(sent, str) else _misplaced(caller, callee, sent, taken)


_Arguments = Mapping[str, tuple[object, ...]]
"""Parameter, a star parameter with its stars, to the arguments that it gets."""


def _binding(signature: Signature, call: Call) -> _Arguments | str:
    """Where the arguments go: by position their numbers, by keyword their names; or what Python
    says against the call.
    """
    # inspect.Signature.bind refuses calls that Python takes: of `f(a=1, /, **more)`, `f(a=2)`.
    positional = [p for p in signature.parameters if p.kind in POSITIONAL]
    named = {p.name for p in signature.parameters if p.kind in NAMED}
    stars = {p.kind: _starred(p) for p in signature.parameters if p.is_star}
    taken: dict[str, tuple[object, ...]] = {
        parameter.name: (place,)
        for place, parameter in zip(_places(call), positional, strict=False)
    }
    beyond = tuple(_places(call))[len(positional) :]
    if beyond and ParameterKind.VAR_POSITIONAL not in stars:
        return f"takes {len(positional)} positional arguments but {call.positional} were given"
    if beyond:
        taken[stars[ParameterKind.VAR_POSITIONAL]] = beyond
    more: list[object] = []
    for name in call.keywords:
        if name in named and name in taken:
            return f"got multiple values for argument {name!r}"
        if name in named:
            taken[name] = (name,)
        elif ParameterKind.VAR_KEYWORD in stars:
            more.append(name)
        elif any(parameter.name == name for parameter in positional):
            return f"got some positional-only arguments passed as keyword arguments: {name!r}"
        else:
            return f"got an unexpected keyword argument {name!r}"
    if more:
        taken[stars[ParameterKind.VAR_KEYWORD]] = tuple(more)
    return _missing(signature, taken) or taken


def _places(call: Call) -> range:
    return range(1, call.positional + 1)


def _starred(parameter: Parameter) -> str:
    stars = "*" if parameter.kind is ParameterKind.VAR_POSITIONAL else "**"
    return f"{stars}{parameter.name}"


def _missing(signature: Signature, taken: _Arguments) -> str:
    for parameter in signature.parameters:
        if parameter.is_required and parameter.name not in taken:
            is_keyword = parameter.kind is ParameterKind.KEYWORD_ONLY
            kind = "keyword-only" if is_keyword else "positional"
            return f"missing 1 required {kind} argument: {parameter.name!r}"
    return ""


def _misplaced(
    caller: Signature, callee: Signature, sent: _Arguments, taken: _Arguments
) -> str | None:
    """Which argument means one thing to the caller and another to the callee."""
    holders = {argument: name for name, held in taken.items() for argument in held}
    nameable = {p.name for p in callee.parameters if p.kind in NAMED}
    for parameter in caller.parameters:
        name = _starred(parameter) if parameter.is_star else parameter.name
        for argument in sent.get(name, ()):
            holder = holders[argument]
            if parameter.kind in NAMED:
                # Without a name of its own to go to, anything that has no name will do.
                wrong = holder != name and (name in nameable or holder in nameable)
            else:
                is_star = parameter.kind is ParameterKind.VAR_POSITIONAL
                wrong = is_star and not holder.startswith("*")
            if wrong:
                return f"what is meant as {name} arrives as {holder}"
    return None
