"""What the names in a module mean: imports, re-exports and aliases are followed to the end."""

from __future__ import annotations

import ast
import builtins

from abc_interface_checker.source.modules import (
    Bound,
    ClassSource,
    Module,
    Unparsable,
    parse_module,
    string_of,
)
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.types.expressions import canonical_name
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["Names"]

_BUILTINS = frozenset(dir(builtins)) | {"PythonFinalizationError"}
_ZOPE = ("zope.interface.interface.", "zope.interface.declarations.", "zope.interface._compat.")


class Names:
    """All modules of a package, parsed when they are first asked for, and their names."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._modules: dict[str, Module | Unparsable] = {}
        self.constants: dict[str, str | None] = {}
        """Canonical name of a variable to its literal, or None, as `Scope` finds them."""
        self._packages = {name.partition(".")[0] for name in sources}

    def module(self, name: str) -> Module | None:
        """A module of the package; None if there is none, or it cannot be parsed."""
        if name not in self._sources:
            return None
        found = self.parsed(name)
        return found if isinstance(found, Module) else None

    def parsed(self, name: str) -> Module | Unparsable:
        """The module of this name, or why it cannot be parsed."""
        if name not in self._modules:
            try:
                self._modules[name] = parse_module(name, self._sources[name])
            except Unparsable as error:
                self._modules[name] = error
        return self._modules[name]

    def resolve(self, module: Module, written: str, scope: str = "") -> str | None:
        """The absolute name of a dotted name as it stands in the module, or in the class
        ``scope`` in it; None if nothing there has this name.
        """
        head, _, rest = written.partition(".")
        if scope and f"{scope}.{head}" in module.classes:
            return _joined(f"{module.name}.{scope}.{head}", rest)
        local = self._in_module(module, head, rest, ())
        if local is not None:
            return local
        return _joined(head, rest) if head in _BUILTINS and head not in module.names else None

    def canonical(self, absolute: str) -> str | None:
        """The name under which the thing is defined; None if its module has no such name."""
        return self._followed(absolute, ())

    def bound(self, absolute: str) -> tuple[Module, Bound] | None:
        """What a canonical name is bound to at the top of a module of the package."""
        owner, _, name = absolute.rpartition(".")
        module = self.module(owner)
        if module is None or name not in module.names:
            return None
        return module, module.names[name]

    def class_named(self, absolute: str) -> ClassSource | None:
        """The class of a canonical name, if the package defines it."""
        module, qualified = self._split(absolute)
        return None if module is None else module.classes.get(qualified)

    def _in_module(self, module: Module, head: str, rest: str, seen: tuple[str, ...]) -> str | None:
        """The canonical name of something that is, or seems to be, in a module of the package."""
        bound = module.names.get(head)
        if bound is None:
            return self._by_star(module, head, rest, seen)
        if bound.imported:
            return self._followed(_joined(bound.imported, rest), seen)
        name = dotted_name(bound.value) if bound.value is not None else None
        own = _joined(f"{module.name}.{head}", rest)
        step = f"{own} ="
        if name is None or step in seen:
            return own
        # Another name of a class, or of what is outside, is that; another name of a variable of the
        # package is a thing of its own.
        first, _, others = name.partition(".")
        target = self._in_module(module, first, others, (*seen, step))
        if target in (None, own) and name in _BUILTINS:
            # ``int = int`` is Python's own one, too.
            target = name
        if target is not None and self._is_followed(target):
            return _joined(target, rest)
        return own

    def _is_followed(self, target: str) -> bool:
        is_outside = target.partition(".")[0] not in self._packages
        return is_outside or self.class_named(target) is not None

    def _by_star(self, module: Module, head: str, rest: str, seen: tuple[str, ...]) -> str | None:
        for star in reversed(module.stars):
            origin = self.module(star)
            key = f"{star}.{head}"
            if origin is not None and key not in seen and _gives(origin, head):
                found = self._in_module(origin, head, rest, (*seen, key))
                if found is not None:
                    return found
        return None

    def _followed(self, absolute: str, seen: tuple[str, ...]) -> str | None:
        if absolute in seen:
            return None
        module, inner = self._split(absolute)
        if module is None:
            return _external(absolute)
        if not inner:
            # What a package binds hides the module of the same name in it.
            owner, _, last = absolute.rpartition(".")
            package = self.module(owner)
            hiding = package and self._in_module(package, last, "", (*seen, absolute))
            return hiding or absolute
        head, _, rest = inner.partition(".")
        return self._in_module(module, head, rest, (*seen, absolute))

    def _split(self, absolute: str) -> tuple[Module | None, str]:
        """The module of the package that an absolute name begins with, and what comes after."""
        if absolute.partition(".")[0] not in self._packages:
            return None, absolute
        owner, rest = absolute, ""
        while owner:
            module = self.module(owner)
            if module is not None:
                return module, rest
            owner, _, last = owner.rpartition(".")
            rest = _joined(last, rest)
        return None, absolute


def _gives(module: Module, name: str) -> bool:
    """Whether a star import of the module gives the name, if there is one."""
    listed = module.names.get("__all__")
    if listed and isinstance(listed.value, ast.List | ast.Tuple):
        return any(string_of(element) == name for element in listed.value.elts)
    return not name.startswith("_")


def _joined(name: str, rest: str) -> str:
    return f"{name}.{rest}" if rest else name


def _external(absolute: str) -> str:
    for prefix in _ZOPE:
        if absolute.startswith(prefix):
            absolute = f"zope.interface.{absolute.removeprefix(prefix)}"
    return canonical_name(absolute)
