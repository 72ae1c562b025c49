"""Annotations of live functions and classes as canonical types."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Mapping
from typing import Any

from zope.interface.interface import InterfaceClass

from abc_interface_checker.live.implementation import module_of
from abc_interface_checker.live.sources import LiveSources
from abc_interface_checker.source.modules import Function, Module
from abc_interface_checker.source.names import Names
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.annotations import annotation_from_object, class_name
from abc_interface_checker.types.expressions import Unknown, expand, names, parse, render
from abc_interface_checker.types.syntax import type_of_text

__all__ = ["Hints", "canonical", "find", "name_of"]


class Hints:
    """Reads annotations; remembers what it read, for the duration of one check.

    A name is looked up among those that the module has, and then in its source: what stands under
    ``if TYPE_CHECKING`` is nowhere else.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._names: Names | None = None
        self._functions: dict[str, dict[int, Function]] = {}

    def of_function(self, function: types.FunctionType, hint: object) -> str:
        """The canonical type of one of the function's annotations."""
        owner = function.__qualname__.rpartition(".")[0]
        return self.type_of(hint, function.__globals__, owner)

    def of_class(self, owner: type, hint: object) -> str:
        """The canonical type of one of the class's annotations."""
        module = sys.modules.get(module_of(owner))
        return self.type_of(hint, vars(module) if module else {}, owner.__qualname__)

    def type_of(self, hint: object, namespace: Mapping[str, Any], owner: str) -> str:
        """The canonical type of an annotation in a module's names."""
        if not isinstance(hint, str):
            return name_of(hint) or canonical(annotation_from_object(hint).type)
        module = str(namespace.get("__name__", ""))
        key = (module, hint)
        if key not in self._known:
            self._known[key] = self._read(hint, namespace, module, owner)
        return self._known[key]

    def scope(self, module: str, owner: str = "") -> Scope | None:
        """What the source of the module says about names; None if there is none."""
        if self._names is None:
            others = [name for name in list(sys.modules) if not _is_pythons(name)]
            self._names = Names(LiveSources(module, *others))
        parsed = self._names.module(module)
        if parsed is None:
            return None
        scope = Scope(self._names, parsed)
        return scope.of_class(parsed.classes[owner]) if owner in parsed.classes else scope

    def definition(self, function: types.FunctionType) -> tuple[Function, Scope] | None:
        """The syntax of a function, and what names mean in it."""
        scope = self.scope(function.__module__ or "", function.__qualname__.rpartition(".")[0])
        if scope is None or scope.module.file.path != function.__code__.co_filename:
            return None
        if function.__module__ not in self._functions:
            self._functions[function.__module__] = _functions(scope.module)
        node = self._functions[function.__module__].get(function.__code__.co_firstlineno)
        return (node, scope) if node is not None and node.name == function.__name__ else None

    def line_of(self, owner: type) -> int:
        """Where a class is defined; 1 if that is not known."""
        scope = self.scope(module_of(owner))
        found = scope.module.classes.get(owner.__qualname__) if scope else None
        return found.node.lineno if found else 1

    def _read(self, hint: str, namespace: Mapping[str, Any], module: str, owner: str) -> str:
        type_ = type_of_text(hint, lambda name: _find(name, namespace))
        text = render(type_)
        if "Unknown[" in text:
            scope = self.scope(module, owner)
            if scope is not None:
                by_source = scope.resolve
                type_ = type_of_text(hint, lambda name: _find(name, namespace) or by_source(name))
                text = render(type_)
        return canonical(text)


def canonical(type_: str, targets: Mapping[str, str] | None = None) -> str:
    """A canonical type with each name as the class itself says it, where it is imported.

    Args:
        type_: the type.
        targets: what aliases stand for.
    """
    parsed = parse(type_)
    found = dict(targets or {})
    for name in names(parsed):
        if "." in name and name not in found:
            target = _live_name(name)
            if target is not None and target != name:
                found[name] = target
    return render(expand(parsed, found)) if found else type_


def find(name: str) -> Any:
    """The live object of a dotted name, if its module is imported; else None."""
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:count]))
        if found is not None:
            for part in parts[count:]:
                found = _attribute(found, part)
            return found
    return None


def name_of(value: object) -> str | None:
    """The dotted name of a class or zope interface; None: it is something else."""
    if isinstance(value, InterfaceClass):
        return f"{value.__module__}.{value.__name__}"
    # ``list[int]`` says that its class is ``type``.
    is_class = issubclass(type(value), type)
    return class_name(value) if is_class and value is not type(None) else None  # type: ignore[arg-type]


def _live_name(name: str) -> str | None:
    found = find(name)
    if found is None:
        return None
    own = name_of(found)
    if own is not None:
        return own
    type_ = annotation_from_object(found).type
    return None if isinstance(found, str | int) or _is_unknown(type_) else type_


def _find(name: str, namespace: Mapping[str, Any]) -> str | None:
    first, *others = name.split(".")
    if first not in namespace:
        return None
    found = namespace[first]
    for part in others:
        found = _attribute(found, part)
    if found is None or isinstance(found, str):
        return None
    type_ = name_of(found) or annotation_from_object(found).type
    return None if _is_unknown(type_) else type_


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, types.ModuleType):
        return vars(owner).get(name)
    return vars(owner).get(name) if isinstance(owner, type) else None


def _is_unknown(type_: str) -> bool:
    return isinstance(parse(type_), Unknown)


def _is_pythons(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def _functions(module: Module) -> dict[int, Function]:
    """By the line that a code object says: the first decorator's."""
    found: dict[int, Function] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            decorators = [decorator.lineno for decorator in node.decorator_list]
            found[min([node.lineno, *decorators])] = node
    return found
