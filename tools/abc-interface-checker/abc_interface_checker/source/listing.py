"""A contract as a text for people: one line for each thing, in alphabetical order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from abc_interface_checker.model import (
    Annotation,
    Attribute,
    Enumeration,
    ExceptionClass,
    Field,
    Interface,
    Marks,
    Method,
    Package,
    Role,
    Value,
)
from abc_interface_checker.source.signatures import signature_text

__all__ = ["listing"]

_USUAL = ("instance", "sync")


def listing(package: Package) -> str:
    """All of a package but its docstrings."""
    blocks: list[Iterable[str]] = [_package(package)]
    blocks += [_interface(each) for each in package.interfaces.values()]
    blocks += [_value(each) for each in package.values.values()]
    blocks += [_enumeration(each) for each in package.enumerations.values()]
    blocks += [_exception(each) for each in package.exceptions.values()]
    aliases = [f"{each.kind} {each.name} = {each.target}" for each in package.aliases.values()]
    exports = [
        f"{name} exports {', '.join(each)}" for name, each in package.exports.items() if each
    ]
    texts = ["\n".join(block) for block in (*blocks, aliases, exports)]
    return "\n\n".join(text for text in texts if text) + "\n"


def _package(package: Package) -> Iterator[str]:
    yield f"contract {package.name} {package.version}".rstrip()
    if package.requires_python:
        yield f"    requires Python {package.requires_python}"
    for dependency in package.dependencies:
        yield f"    depends on {dependency}"


def _interface(interface: Interface) -> Iterator[str]:
    words = [f"{interface.kind.value} interface {interface.name}{_bases(interface.bases)}"]
    words += ["mandatory"] * interface.mandatory + ["sealed"] * interface.sealed
    if interface.role is not Role.THIRD_PARTIES:
        words.append(f"implemented by {interface.role.value}")
    yield _line(words, interface.marks)
    for attribute in interface.attributes:
        yield "    " + _attribute(attribute)
    for name in interface.invariants:
        yield f"    invariant {name}"
    for method in interface.methods:
        yield "    " + _method(method)
        if method.raises is not None:
            yield f"        raises {', '.join(method.raises) or 'nothing'}"


def _attribute(attribute: Attribute) -> str:
    text = attribute.name + _type(attribute.annotation)
    if attribute.constant is not None:
        text += f" = {attribute.constant}"
    return _line([text, *["read-only"] * attribute.readonly], attribute.marks)


def _method(method: Method) -> str:
    words = ["abstract"] * method.abstract
    words += [each.value for each in (method.binding, method.style) if each.value not in _USUAL]
    head = " ".join([*words, method.name])
    return _line([head + signature_text(method.signature)], method.marks)


def _value(value: Value) -> Iterator[str]:
    words = [f"{value.kind.value} {value.name}{_bases(value.bases)}", f"flow {value.flow.value}"]
    flags = {"frozen": value.frozen, "no eq": not value.eq, "order": value.order}
    flags |= {"hashable": value.hashable, "slots": value.slots}
    words += [word for word, is_set in flags.items() if is_set]
    yield _line(words, value.marks)
    for field in value.fields:
        yield "    " + _field(field)


def _field(field: Field) -> str:
    text = field.name + _type(field.annotation)
    if field.default is not None:
        text += f" = {field.default}"
    words = [text, *["keyword-only"] * field.kw_only, *["not in init"] * (not field.init)]
    return _line(words, field.marks)


def _enumeration(enumeration: Enumeration) -> Iterator[str]:
    words = [
        f"enumeration {enumeration.name}({enumeration.base})",
        f"flow {enumeration.flow.value}",
    ]
    yield _line([*words, *["open"] * enumeration.open], enumeration.marks)
    for name, value in enumeration.members.items():
        since = enumeration.member_since.get(name)
        yield f"    {name} = {value}" + (f", since {since}" if since else "")
    for name, member in enumeration.aliases.items():
        yield f"    {name} is {member}"


def _exception(exception: ExceptionClass) -> Iterator[str]:
    yield _line([f"exception {exception.name}{_bases(exception.bases)}"], exception.marks)
    for name, value in exception.attributes.items():
        yield f"    {name} = {value}"
    if exception.init is not None:
        yield f"    __init__{signature_text(exception.init)}"


def _bases(bases: tuple[str, ...]) -> str:
    return f"({', '.join(bases)})" if bases else ""


def _type(annotation: Annotation | None) -> str:
    return f": {annotation.type}" if annotation else ""


def _line(words: list[str], marks: Marks) -> str:
    known: Mapping[str, str | None] = {"since": marks.since, "deprecated": marks.deprecated}
    said = [f"{name} {text}".strip() for name, text in known.items() if text is not None]
    said += ["optional"] * marks.optional
    said += [f"{name}={text}" for name, text in marks.tags.items()]
    return ", ".join([*words, *said])
