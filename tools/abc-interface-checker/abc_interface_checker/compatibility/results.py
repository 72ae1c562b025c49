"""What comes out of a method: what it returns, yields and awaits, and what it raises."""

from __future__ import annotations

from collections.abc import Iterator

from abc_interface_checker.compatibility.changes import change
from abc_interface_checker.compatibility.members import paired_methods
from abc_interface_checker.compatibility.type_rules import (
    UNSURE,
    Types,
    read_witness,
    type_changed,
)
from abc_interface_checker.compatibility.wording import last, short
from abc_interface_checker.findings import Finding, Witness
from abc_interface_checker.model import Annotation, Method, Package, Style
from abc_interface_checker.types.assignability import Classes, TypeChange, assignable
from abc_interface_checker.types.expressions import Named, parse, render

__all__ = ["compare", "raised", "returned"]

_YIELDING = frozenset(
    {
        Style.ASYNC_CONTEXT_MANAGER,
        Style.ASYNC_GENERATOR,
        Style.CONTEXT_MANAGER,
        Style.GENERATOR,
    }
)
_ITERATORS = frozenset(
    f"collections.abc.{prefix}{name}"
    for prefix in ("", "Async")
    for name in ("Generator", "Iterable", "Iterator")
)
_NONE = Annotation("None")


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """The rules ``return-*``, ``yield-type-*``, ``awaited-type-*`` and ``raises-*``."""
    types = Types(old, new, classes)
    for pair in paired_methods(old, new):
        yield from returned(pair.element, pair.old, pair.new, types)
        yield from raised(pair.element, pair.old, pair.new, classes)


def returned(element: str, old: Method, new: Method, types: Types) -> Iterator[Finding]:
    """What changed in the type of what the method gives. A method of another style gives another
    kind of thing altogether, which has its own rules.
    """
    if old.style is not new.style:
        return
    before, after = old.signature.returns, new.signature.returns
    if old.style in _YIELDING:
        yielded = (_yielded(before), _yielded(after))
        if types.change(*yielded) is not TypeChange.SAME:
            yield from _changed("yield-type", element, *yielded, new, types)
            return
    if _NONE in (before, after) and types.change(before, after) is TypeChange.CHANGED:
        yield _value(element, before, after, new)
        return
    prefix = "awaited-type" if old.style is Style.ASYNC else "return-type"
    yield from _changed(prefix, element, before, after, new, types)


def _changed(
    prefix: str,
    element: str,
    old: Annotation | None,
    new: Annotation | None,
    method: Method,
    types: Types,
) -> Iterator[Finding]:
    code = {"yield-type": "next({}())", "awaited-type": "await {}()"}.get(prefix, "{}()")
    yield from type_changed(
        prefix,
        element,
        (old, new),
        types,
        place=method.place,
        witness=lambda happened: read_witness(
            code.format(short(element)), (old, new), types, happened
        ),
    )


def _value(element: str, old: Annotation | None, new: Annotation | None, method: Method) -> Finding:
    """A method that gave nothing gives something, or the other way round."""
    old_text, new_text = (annotation.type if annotation else "" for annotation in (old, new))
    is_added = old == _NONE
    code = f"{short(element)}()"
    return change(
        "return-value-added" if is_added else "return-value-removed",
        element,
        f"{short(element)} returns `{new_text}`, formerly `{old_text}`",
        place=method.place,
        witness=Witness(
            side="implementers" if is_added else "callers",
            code=f"value = {'await ' if method.style is Style.ASYNC else ''}{code}",
            before=f"`{old_text}`",
            after=f"an old implementation gives None where `{new_text}` is expected"
            if is_added
            else f"a new implementation gives None where `{old_text}` is expected",
        ),
    )


def _yielded(annotation: Annotation | None) -> Annotation | None:
    """The type of what an iterator yields; None where it cannot be told."""
    type_ = None if annotation is None else parse(annotation.type)
    if isinstance(type_, Named) and type_.name in _ITERATORS and type_.arguments:
        return Annotation(render(type_.arguments[0]))
    return None


def raised(element: str, old: Method, new: Method, classes: Classes) -> Iterator[Finding]:
    """What changed in what the method is documented to raise."""
    if old.raises is None:
        return
    if new.raises is None:
        if old.raises:
            yield change(
                "raises-added",
                element,
                f"{short(element)} does not say any more what it raises, formerly "
                f"{_listed(old.raises)}",
                place=new.place,
                effects=UNSURE,
            )
        return
    yield from _Raised(element, old.raises, new.raises, new, classes).findings()


class _Raised:
    """Two lists of exceptions beside each other."""

    def __init__(
        self,
        element: str,
        old: tuple[str, ...],
        new: tuple[str, ...],
        method: Method,
        classes: Classes,
    ) -> None:
        self._element = element
        self._new = new
        self._method = method
        self._classes = classes
        self._kept = [name for name in old if name in new]
        self._gone = [name for name in old if name not in new]

    def findings(self) -> Iterator[Finding]:
        for name in self._new:
            if name not in self._kept:
                yield self._added(name)
        for name in self._gone:
            covering = [self._is_a(name, other) for other in self._new]
            if True not in covering:
                yield self._found(
                    "raises-removed",
                    f"{{}} does not raise {last(name)} any more",
                    self._witness(name, is_new=False),
                    is_certain=None not in covering,
                )

    def _added(self, name: str) -> Finding:
        replaced = [gone for gone in self._gone if self._is_a(gone, name)]
        wider = [gone for gone in self._gone if self._is_a(name, gone)]
        if replaced:
            return self._found(
                "raises-widened",
                f"{{}} raises {last(name)}, formerly only {_listed(replaced)}",
                self._witness(name, is_new=True),
            )
        if wider:
            # What is left of the wider ones is told by the narrower one.
            self._gone = [gone for gone in self._gone if gone not in wider]
            return self._found(
                "raises-narrowed",
                f"{{}} raises only {last(name)}, formerly any {_listed(wider)}",
                self._witness(wider[0], is_new=False),
            )
        verdicts = [self._is_a(name, kept) for kept in self._kept]
        if True in verdicts:
            return self._found(
                "raises-added-subclass",
                f"{{}} raises {last(name)}, which is one of what it raised before",
            )
        return self._found(
            "raises-added",
            f"{{}} raises {last(name)} too",
            self._witness(name, is_new=True),
            is_certain=None not in verdicts,
        )

    def _is_a(self, name: str, other: str) -> bool | None:
        return assignable(name, other, self._classes)

    def _found(
        self, rule: str, message: str, witness: Witness | None = None, *, is_certain: bool = True
    ) -> Finding:
        return change(
            rule,
            self._element,
            message.format(short(self._element)),
            place=self._method.place,
            effects=None if is_certain else UNSURE,
            witness=witness if is_certain else None,
        )

    def _witness(self, name: str, *, is_new: bool) -> Witness:
        if is_new:
            return Witness(
                side="callers",
                code=f"{short(self._element)}(...)",
                before="raises only what the caller catches",
                after=f"a new implementation raises {last(name)}, which the caller does not catch",
            )
        return Witness(
            side="implementers",
            code=f"raise {last(name)}(...)",
            before=f"allowed in {short(self._element)}",
            after="callers do not catch it any more",
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(map(last, names))
