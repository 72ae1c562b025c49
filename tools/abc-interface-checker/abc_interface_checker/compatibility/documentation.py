"""Rules of what people read: documentation, spelling of types, and what is private."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from abc_interface_checker.compatibility.changes import change, last_name
from abc_interface_checker.compatibility.members import Element, elements
from abc_interface_checker.findings import Finding
from abc_interface_checker.model import (
    Annotation,
    Attribute,
    Base,
    Field,
    Interface,
    Method,
    Package,
    Place,
    Signature,
)
from abc_interface_checker.types.assignability import Classes

__all__ = ["compare", "compare_private", "public"]


_NORMATIVE = re.compile(
    r"\b(?:MUST|SHALL|SHOULD|MAY|REQUIRED|OPTIONAL|must|shall|should|never|always|only"
    r"|raises?|threads?|thread-safe|reentrant|atomic(?:ally)?|idempotent|blocks|blocking"
    r"|(?:nano|micro|milli)?seconds?|minutes?|hours?|bits?|bytes?|[KMGT]i?B|percent)\b"
    r"|\[[A-Z][A-Z0-9]*-\d+\]",
    re.ASCII,
)
"""Words and numbered statements by which a text lays something down."""
_SENTENCE_END = re.compile(r"(?<=[.;!?])\s+|\n\s*\n")
_DEPRECATION = re.compile(r"^\s*\.\. deprecated::.*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_RAISES = re.compile(r"^\s*(?:Raises:|:raises? ).*?(?=\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)
_KINDS = ("interfaces", "values", "enumerations", "exceptions")


def compare(old: Package, new: Package, classes: Classes) -> Iterator[Finding]:
    """Changes of texts and of the spelling of types."""
    known = elements(old)
    for element, after in elements(new).items():
        before = known.get(element)
        if before is None:
            continue
        texts = _texts(before, after)
        if texts[0].split() != texts[1].split():
            yield _text_changed(element, *texts, after.place)
        for was, is_ in _annotations(before, after):
            if was is not None and was == is_ and _spelled(was) != _spelled(is_):
                message = f"{_spelled(was)} is spelled {_spelled(is_)} now"
                yield change("annotation-respelled", element, message, place=after.place)
                break


def _texts(old: Element, new: Element) -> tuple[str, str]:
    """Both texts, without what other rules look at."""
    before, after = old.doc, new.doc
    if old.marks.deprecated != new.marks.deprecated:
        before, after = _DEPRECATION.sub("", before), _DEPRECATION.sub("", after)
    if isinstance(old, Method) and isinstance(new, Method) and old.raises != new.raises:
        before, after = _RAISES.sub("", before), _RAISES.sub("", after)
    return before, after


def _text_changed(element: str, old: str, new: str, place: Place | None) -> Finding:
    before, after = _sentences(old), _sentences(new)
    changed = [s for s in after if s not in before] + [s for s in before if s not in after]
    normative = [sentence for sentence in changed if _NORMATIVE.search(sentence)]
    if normative:
        message = f"the text of {last_name(element)} lays down something else: {normative[0]!r}"
        return change("doc-normative-changed", element, message, place=place)
    message = f"the text of {last_name(element)} reads otherwise"
    return change("doc-changed", element, message, place=place)


def _sentences(text: str) -> list[str]:
    return [" ".join(sentence.split()) for sentence in _SENTENCE_END.split(text)]


def _annotations(
    old: Element, new: Element
) -> Iterator[tuple[Annotation | None, Annotation | None]]:
    """The types of the thing in both versions."""
    if isinstance(old, Method) and isinstance(new, Method):
        yield from _in_signatures(old.signature, new.signature)
    elif isinstance(old, Attribute | Field) and isinstance(new, Attribute | Field):
        yield old.annotation, new.annotation


def _in_signatures(
    old: Signature, new: Signature
) -> Iterator[tuple[Annotation | None, Annotation | None]]:
    before = {parameter.name: parameter.annotation for parameter in old.parameters}
    for parameter in new.parameters:
        if parameter.name in before:
            yield before[parameter.name], parameter.annotation
    yield old.returns, new.returns


def _spelled(annotation: Annotation) -> str:
    return annotation.written or annotation.type


def compare_private(old: Package, new: Package) -> Iterator[Finding]:
    """What is private and changed, came or went; nothing else is said of it."""
    before, after = _private(old), _private(new)
    for element in sorted(before.keys() | after.keys()):
        if before.get(element) != after.get(element):
            thing = after.get(element) or before[element]
            message = f"{last_name(element)}, which is private, changed"
            yield change("private-changed", element, message, place=thing.place)


def public(package: Package) -> Package:
    """The package without what is private: names that begin with one underscore."""
    kinds: dict[str, Any] = {}
    for kind in _KINDS:
        things: Mapping[str, Base] = getattr(package, kind)
        kinds[kind] = {name: thing for name, thing in things.items() if not _is_private(name)}
    interfaces = {
        name: interface
        if not any(_is_private(each.name) for each in _members(interface))
        else dataclasses.replace(
            interface,
            methods=_public_only(interface.methods),
            attributes=_public_only(interface.attributes),
        )
        for name, interface in kinds.pop("interfaces").items()
    }
    return dataclasses.replace(package, interfaces=interfaces, **kinds)


def _public_only(members: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(member for member in members if not _is_private(member.name))


def _private(package: Package) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for kind in _KINDS:
        things: Mapping[str, Base] = getattr(package, kind)
        found.update((name, thing) for name, thing in things.items() if _is_private(name))
    for interface in package.interfaces.values():
        for member in _members(interface):
            if _is_private(member.name) and not _is_private(interface.name):
                found[f"{interface.name}.{member.name}"] = member
    return found


def _members(interface: Interface) -> Iterator[Method | Attribute]:
    yield from interface.methods
    yield from interface.attributes


def _is_private(name: str) -> bool:
    last = last_name(name)
    return last.startswith("_") and not (last.startswith("__") and last.endswith("__"))
