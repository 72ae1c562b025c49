"""Concrete uses that worked before and fail now: Python of a few lines, and what becomes of it.

A use of callers is one line on ``thing``, an object that has the interface. A use of implementers
is an implementation of the old contract, and the line of a caller of the new one that it does not
take.
"""

from __future__ import annotations

import ast

from abc_interface_checker.calls import Call
from abc_interface_checker.compatibility.arrival import outcome
from abc_interface_checker.compatibility.pairing import POSITIONAL
from abc_interface_checker.findings import Witness
from abc_interface_checker.model import (
    Annotation,
    Interface,
    InterfaceKind,
    Method,
    Parameter,
    ParameterKind,
    Signature,
    Style,
)

__all__ = [
    "call_of_callers",
    "call_of_implementers",
    "called_on_class",
    "definition",
    "lost_name",
    "missing_in_implementation",
    "missing_name",
    "not_provided",
    "read_only_in_implementation",
    "use",
    "written_call",
]

CALLERS, IMPLEMENTERS = "callers", "implementers"

_LITERALS = {
    "bool": "True",
    "bytes": 'b"data"',
    "dict": "{}",
    "float": "{place}.5",
    "frozenset": "frozenset()",
    "int": "{place}",
    "list": "[]",
    "set": "set()",
    "str": '"{name}"',
    "tuple": "()",
    "collections.abc.Iterable": "[]",
    "collections.abc.Mapping": "{}",
    "collections.abc.Sequence": "[]",
}
_STYLES = {
    Style.ASYNC: ("async def", "..."),
    Style.GENERATOR: ("def", "yield"),
    Style.ASYNC_GENERATOR: ("async def", "yield"),
    Style.CONTEXT_MANAGER: ("@contextlib.contextmanager\n    def", "yield"),
    Style.ASYNC_CONTEXT_MANAGER: ("@contextlib.asynccontextmanager\n    async def", "yield"),
}


def call_of_callers(name: str, old: Signature, new: Signature, call: Call) -> Witness | None:
    """A call that was legal and that implementations of the new contract do not take."""
    after = outcome(name, old, new, call)
    if after is None:
        return None
    code = f"thing.{written_call(name, old, call)}"
    return Witness(side=CALLERS, code=code, before="is taken", after=after)


def call_of_implementers(old: Method, new: Method, call: Call) -> Witness | None:
    """An implementation of the old contract, and a call that the new one allows."""
    after = outcome(new.name, new.signature, old.signature, call)
    if after is None:
        return None
    return Witness(
        side=IMPLEMENTERS,
        code=_implementation(definition(old), written_call(new.name, new.signature, call)),
        before="the old contract does not allow this call",
        after=after,
    )


def use(code: str, before: str, after: str, side: str = CALLERS) -> Witness:
    """A use in words of one's own."""
    return Witness(side=side, code=code, before=before, after=after)


def lost_name(name: str, holder: str = "thing") -> Witness:
    """Something that callers can no longer reach."""
    kind = "Thing" if holder == "thing" else holder
    return Witness(
        side=CALLERS,
        code=f"{holder}.{name}",
        before="is there",
        after=f"AttributeError: {kind!r} has no attribute {name!r}",
    )


def missing_name(dotted: str) -> Witness:
    """An import that fails now."""
    module, _, name = dotted.rpartition(".")
    return Witness(
        side=CALLERS,
        code=f"from {module} import {name}",
        before="is imported",
        after=f"ImportError: cannot import name {name!r} from {module!r}",
    )


def missing_in_implementation(what: str, body: str = "...") -> Witness:
    """An implementation of the old contract, which has no such member: a call or a name."""
    name = what.partition("(")[0]
    return Witness(
        side=IMPLEMENTERS,
        code=_implementation(body, what),
        before="no caller of the old contract uses it",
        after=f"AttributeError: 'Implementation' object has no attribute {name!r}",
    )


def not_provided(interface: Interface, side: str) -> Witness:
    """An object of which callers of one version expect that it has the interface."""
    name = interface.name.rpartition(".")[2]
    is_zope = interface.kind is InterfaceKind.ZOPE
    before, after = "is true of every implementation", "is false of some"
    if side == IMPLEMENTERS:
        before, after = "nobody relies on it", "is false of some implementations, and relied on"
    return Witness(
        side=side,
        code=f"{name}.providedBy(thing)" if is_zope else f"isinstance(thing, {name})",
        before=before,
        after=after,
    )


def called_on_class(method: Method, call: str, side: str) -> Witness:
    """A call on the class, where one version has a method that needs an object."""
    after = f"TypeError: {method.name}() missing 1 required positional argument: 'self'"
    if side == CALLERS:
        return Witness(side=side, code=f"type(thing).{call}", before="is taken", after=after)
    return Witness(
        side=side,
        code=_implementation(definition(method), call).replace("tion().", "tion."),
        before="the old contract does not allow this call",
        after=after,
    )


def read_only_in_implementation(name: str) -> Witness:
    """An implementation of the old contract, whose property cannot be set."""
    return Witness(
        side=IMPLEMENTERS,
        code=_implementation(f"@property\n    def {name}(self): ...", f"{name} = 1"),
        before="no caller of the old contract sets it",
        after=f"AttributeError: property {name!r} of 'Implementation' object has no setter",
    )


def _implementation(body: str, use_: str) -> str:
    return f"class Implementation:\n    {body}\n\nImplementation().{use_}"


def definition(method: Method) -> str:
    """The method of a class, in two lines or three, with an empty body."""
    keyword, body = _STYLES.get(method.style, ("def", "..."))
    parameters = ", ".join(("self", *_written_parameters(method.signature)))
    return f"{keyword} {method.name}({parameters}): {body}"


def _written_parameters(signature: Signature) -> list[str]:
    written: list[str] = []
    last: ParameterKind | None = None
    for parameter in signature.parameters:
        kind = parameter.kind
        if last is ParameterKind.POSITIONAL_ONLY and kind is not last:
            written.append("/")
        star_before = last in (ParameterKind.VAR_POSITIONAL, ParameterKind.KEYWORD_ONLY)
        if kind is ParameterKind.KEYWORD_ONLY and not star_before:
            written.append("*")
        stars = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}
        default = "" if parameter.default is None else f"={_default(parameter.default)}"
        written.append(f"{stars.get(kind, '')}{parameter.name}{default}")
        last = kind
    if last is ParameterKind.POSITIONAL_ONLY:
        written.append("/")
    return written


def _default(text: str) -> str:
    """A default that can be evaluated: names of other modules cannot."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return "..."
    return text


def written_call(name: str, signature: Signature, call: Call) -> str:
    """The call with arguments that fit the annotations: ``start("name", timeout=2)``."""
    positional = [p for p in signature.parameters if p.kind in POSITIONAL]
    named = {p.name: p for p in signature.parameters}
    arguments = []
    for place in range(call.positional):
        parameter = positional[place] if place < len(positional) else None
        arguments.append(_argument(parameter, place + 1))
    for place, keyword in enumerate(call.keywords, call.positional + 1):
        arguments.append(f"{keyword}={_argument(named.get(keyword), place)}")
    return f"{name}({', '.join(arguments)})"


def _argument(parameter: Parameter | None, place: int) -> str:
    if parameter is None:
        return str(place)
    return _literal(parameter.annotation, parameter.name, place)


def _literal(annotation: Annotation | None, name: str, place: int) -> str:
    """A literal of the type; of a class, a variable of the parameter's name."""
    if annotation is None:
        return str(place)
    first = annotation.type.split(" | ")[0]
    base = first.partition("[")[0]
    if base == "None":
        return "None"
    template = _LITERALS.get(base)
    return name if template is None else template.replace("{place}", str(place)).format(name=name)
