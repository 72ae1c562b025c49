"""Rules of methods as a whole: which there are, who has to have them, how they are called."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from abc_interface_checker.calls import Call
from abc_interface_checker.compatibility import witness
from abc_interface_checker.compatibility.changes import change, last_name
from abc_interface_checker.compatibility.members import (
    Pair,
    all_attributes,
    all_methods,
    is_optional,
    is_required,
    lineage,
    paired_interfaces,
    paired_methods,
)
from abc_interface_checker.findings import Effect, Finding, Witness
from abc_interface_checker.model import (
    Binding,
    Interface,
    Method,
    Package,
    ParameterKind,
    Style,
)
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare"]

_ALIKE = 0.5
"""From which likeness of their names on methods without parameters may be one renamed."""

_ASYNC = frozenset({Style.ASYNC, Style.ASYNC_GENERATOR, Style.ASYNC_CONTEXT_MANAGER})
_PLAIN = {
    Style.ASYNC_GENERATOR: Style.GENERATOR,
    Style.ASYNC_CONTEXT_MANAGER: Style.CONTEXT_MANAGER,
    Style.ASYNC: Style.SYNC,
}
_STYLE_RULES = {
    Style.SYNC: "method-became-sync",
    Style.ASYNC: "method-became-async",
    Style.GENERATOR: "method-became-generator",
    Style.ASYNC_GENERATOR: "method-became-generator",
    Style.CONTEXT_MANAGER: "method-became-contextmanager",
    Style.ASYNC_CONTEXT_MANAGER: "method-became-contextmanager",
}
_BINDING_RULES = {
    Binding.STATIC: "method-became-static",
    Binding.CLASS: "method-became-classmethod",
    Binding.INSTANCE: "method-became-instance",
}
_BOUND = {
    Binding.STATIC: "a static method",
    Binding.CLASS: "a class method",
    Binding.INSTANCE: "a method of objects",
}
_GIVES = {
    Style.SYNC: "its result",
    Style.ASYNC: "something to await",
    Style.GENERATOR: "an iterator",
    Style.ASYNC_GENERATOR: "an asynchronous iterator",
    Style.CONTEXT_MANAGER: "a context manager",
    Style.ASYNC_CONTEXT_MANAGER: "an asynchronous context manager",
}


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """All changes of methods, except of what they take and give."""
    for before, after in paired_interfaces(old, new):
        yield from _Methods(old, new, before, after).findings()
    for pair in paired_methods(old, new):
        if pair.moved and any(m.name == pair.new.name for m in _own(old, pair.interface)):
            message = f"{pair.new.name} comes from the base {last_name(pair.owner)} now"
            yield change("method-moved-to-base", pair.element, message, place=pair.new.place)
        yield from _need(old, new, pair)
        yield from _style(pair)
        yield from _binding(pair)


class _Methods:
    """The methods of one interface in two versions."""

    def __init__(self, old: Package, new: Package, before: Interface, after: Interface) -> None:
        self._old, self._new = old, new
        self._before, self._after = before, after
        known = {**all_methods(old, before.name), **all_attributes(old, before.name)}
        kept = {**all_methods(new, after.name), **all_attributes(new, after.name)}
        self._gone = [method for method in before.methods if method.name not in kept]
        self._came = [method for method in after.methods if method.name not in known]
        self._attributes_before = all_attributes(old, before.name)
        self._attributes_after = all_attributes(new, after.name)

    def findings(self) -> Iterator[Finding]:
        yield from self._renamed()
        for method in self._gone:
            yield self._removed(method)
        for method in self._came:
            yield self._added(method)
        yield from self._kinds()
        yield from self._order()

    def _renamed(self) -> Iterator[Finding]:
        """One went and one of the same shape came: the likest names first."""
        likeness = [
            (_likeness(before, after), before, after)
            for before in self._gone
            for after in self._came
            if self._elsewhere(before) is None
        ]
        likeness.sort(key=lambda entry: (-entry[0], entry[1].name, entry[2].name))
        for degree, before, after in likeness:
            if degree > 0 and before in self._gone and after in self._came:
                self._gone.remove(before)
                self._came.remove(after)
                yield change(
                    "method-renamed",
                    self._element(before),
                    f"{before.name} seems to be called {after.name} now",
                    place=after.place,
                    witness=witness.lost_name(_least_call(before)),
                )

    def _removed(self, method: Method) -> Finding:
        other = self._elsewhere(method)
        if other is not None:
            rule = "method-moved-away"
            message = (
                f"{method.name} is in {last_name(other)} now, which is no base of this interface"
            )
        else:
            rule, message = "method-removed", f"{method.name} is gone"
        shown = witness.lost_name(_least_call(method))
        place = method.place
        return change(rule, self._element(method), message, place=place, witness=shown)

    def _elsewhere(self, method: Method) -> str | None:
        """The interface, not related to this one, that has the method now and had not before."""
        own = self._after.name
        for name, interface in self._new.interfaces.items():
            if own in lineage(self._new, name) or name in lineage(self._new, own):
                continue
            has = any(_same_shape(method, m) for m in interface.methods if m.name == method.name)
            if has and method.name not in all_methods(self._old, name):
                return name
        return None

    def _added(self, method: Method) -> Finding:
        if is_required(self._after, method):
            return change(
                "method-added-required",
                self._element(method),
                f"{method.name} is new, and implementations must have it",
                place=method.place,
                witness=witness.missing_in_implementation(_least_call(method)),
            )
        how = "may leave it out" if is_optional(method) else "inherit it"
        return change(
            "method-added-optional",
            self._element(method),
            f"{method.name} is new, and implementations {how}",
            place=method.place,
        )

    def _kinds(self) -> Iterator[Finding]:
        for method in self._before.methods:
            name = method.name
            if name in self._attributes_after and name not in self._attributes_before:
                yield change(
                    "method-became-attribute",
                    self._element(method),
                    f"{name} was a method and is an attribute",
                    place=self._attributes_after[name][1].place,
                    witness=_use(_least_call(method), "is a call", "TypeError: it is no method"),
                )
        for method in self._after.methods:
            if method.name in self._attributes_before:
                yield change(
                    "attribute-became-method",
                    self._element(method),
                    f"{method.name} was an attribute and is a method",
                    place=method.place,
                    witness=_use(method.name, "is the content", "is a method"),
                )

    def _order(self) -> Iterator[Finding]:
        after = [method.name for method in self._after.methods]
        before = [method.name for method in self._before.methods if method.name in after]
        after = [name for name in after if name in before]
        if before != after:
            moved = next(name for name, other in zip(after, before, strict=True) if name != other)
            message = f"{moved} and others are in another order in the source"
            name, place = self._after.name, self._after.place
            yield change("method-order-changed", name, message, place=place)

    def _element(self, method: Method) -> str:
        return f"{self._after.name}.{method.name}"


def _likeness(old: Method, new: Method) -> float:
    """How likely one is the other with a new name; 0: it is not."""
    if not _same_shape(old, new):
        return 0.0
    degree = SequenceMatcher(None, old.name, new.name).ratio()
    if old.doc and old.doc == new.doc:
        return 1 + degree
    # Nothing but the name tells methods apart that take nothing.
    return degree if old.signature.parameters or degree >= _ALIKE else 0.0


def _same_shape(old: Method, new: Method) -> bool:
    return (old.signature, old.style, old.binding) == (new.signature, new.style, new.binding)


def _own(package: Package, interface: Interface) -> tuple[Method, ...]:
    return package.interfaces[interface.name].methods


def _need(old: Package, new: Package, pair: Pair[Method]) -> Iterator[Finding]:
    """Whether implementations must have it."""
    name = pair.new.name
    before = is_required(old.interfaces[pair.interface.name], pair.old)
    after = is_required(pair.interface, pair.new)
    lost_body = pair.new.abstract and not pair.old.abstract and not is_optional(pair.new)
    if (after and not before) or lost_body:
        lacked = "brought a body" if lost_body else "could be left out"
        yield change(
            "method-optional-to-required",
            pair.element,
            f"{name} {lacked}, and implementations must have it now",
            place=pair.new.place,
            witness=witness.missing_in_implementation(_least_call(pair.new)),
        )
    elif is_optional(pair.new) and not is_optional(pair.old):
        yield change(
            "method-required-to-optional",
            pair.element,
            f"implementations may leave {name} out now, so that callers must ask first",
            place=pair.new.place,
            witness=witness.lost_name(_least_call(pair.old)),
        )


def _style(pair: Pair[Method]) -> Iterator[Finding]:
    before, after = pair.old.style, pair.new.style
    if before is not after:
        rule = _STYLE_RULES[after]
        if _PLAIN.get(before, before) is _PLAIN.get(after, after):
            rule = "method-became-async" if after in _ASYNC else "method-became-sync"
        yield change(
            rule,
            pair.element,
            f"a call of {pair.new.name} gave {_GIVES[before]} and gives {_GIVES[after]}",
            place=pair.new.place,
            witness=_use(
                _least_call(pair.old), f"gives {_GIVES[before]}", f"gives {_GIVES[after]}"
            ),
        )


def _binding(pair: Pair[Method]) -> Iterator[Finding]:
    """What it is called on: an object, or the class too."""
    before, after = pair.old.binding, pair.new.binding
    if before is after:
        return
    effects = shown = None
    call = _least_call(pair.new)
    if after is Binding.INSTANCE:
        shown = witness.called_on_class(pair.new, call, witness.CALLERS)
    elif before is Binding.INSTANCE:
        shown = witness.called_on_class(pair.old, call, witness.IMPLEMENTERS)
    else:
        effects = (Effect.KEEPS, Effect.KEEPS)  # Both are called on the class or an object.
    yield change(
        _BINDING_RULES[after],
        pair.element,
        f"{pair.new.name} was {_BOUND[before]} and is {_BOUND[after]}",
        place=pair.new.place,
        effects=effects,
        witness=shown,
    )


def _least_call(method: Method) -> str:
    """A call with nothing but what is required."""
    required = [p for p in method.signature.parameters if p.is_required]
    keywords = tuple(p.name for p in required if p.kind is ParameterKind.KEYWORD_ONLY)
    call = Call(len(required) - len(keywords), keywords)
    return witness.written_call(method.name, method.signature, call)


def _use(what: str, before: str, after: str) -> Witness:
    return witness.use(f"thing.{what}", before, after)
