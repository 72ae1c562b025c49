"""Modules as syntax: which names each binds, and which classes it defines."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from abc_interface_checker.source.sources import SourceFile
from abc_interface_checker.types.syntax import dotted_name

__all__ = [
    "Bound",
    "ClassSource",
    "Function",
    "Module",
    "Unparsable",
    "parse_module",
    "statements",
    "string_of",
    "unquoted",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Unparsable(ValueError):
    """The text is no Python that this interpreter understands."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name of a module stands for."""

    node: ast.stmt
    imported: str = ""
    """The absolute dotted name, if an import binds it."""
    value: ast.expr | None = None
    """What is assigned to it."""
    annotation: ast.expr | None = None
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class ClassSource:
    """One class definition."""

    module: Module
    qualified: str
    """Its name in the module, with those of the classes around it."""
    node: ast.ClassDef
    is_conditional: bool = False

    @property
    def name(self) -> str:
        """Dotted and absolute."""
        return f"{self.module.name}.{self.qualified}"


@dataclass(slots=True)
class Module:
    """One parsed module."""

    name: str
    file: SourceFile
    tree: ast.Module
    names: dict[str, Bound] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules whose names are all imported."""
    classes: dict[str, ClassSource] = field(default_factory=dict)
    """By qualified name."""

    @property
    def is_private(self) -> bool:
        """Whether a part of its name says that nobody else should use it."""
        return any(part.startswith("_") for part in self.name.split("."))


def parse_module(name: str, file: SourceFile) -> Module:
    """Parse a module and find what it binds; Unparsable if that cannot be done."""
    if file.problem:
        raise Unparsable(file.problem, 1)
    try:
        with warnings.catch_warnings():
            # What Python thinks of escapes in strings is none of this package's business.
            warnings.simplefilter("ignore")
            tree = ast.parse(file.text)
    except SyntaxError as error:
        raise Unparsable(f"it is not valid Python: {error.msg}", error.lineno or 1) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unparsable(f"it cannot be parsed: {error!r}", 1) from error
    module = Module(name, file, tree)
    for node, is_conditional in statements(tree.body):
        for bound_name, bound in _bindings(module, node, is_conditional):
            # Of the branches of a condition the first counts, so that it is the same everywhere.
            if not is_conditional or bound_name not in module.names:
                module.names[bound_name] = bound
    for source in _classes(module, tree.body, ""):
        if not source.is_conditional or source.qualified not in module.classes:
            module.classes[source.qualified] = source
    return module


def statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """All statements of a body but those of functions and classes in it, and whether it depends on
    something if they run; ``if TYPE_CHECKING`` does not count as such.
    """
    pending = [(node, False) for node in reversed(body)]
    while pending:
        node, is_conditional = pending.pop()
        yield node, is_conditional
        inner: list[tuple[ast.stmt, bool]] = []
        if isinstance(node, ast.If) and (checking := _is_type_checking(node.test)) is not None:
            checked, other = (node.body, node.orelse) if checking else (node.orelse, node.body)
            inner += [(each, is_conditional) for each in checked]
            inner += [(each, True) for each in other]
        elif not isinstance(node, Function | ast.ClassDef):
            inner += [(each, True) for each in _blocks(node)]
        pending.extend(reversed(inner))


def string_of(node: ast.AST | None) -> str | None:
    """The text of a node that is a string literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def unquoted(node: ast.expr) -> ast.expr:
    """The annotation in an annotation that is a string; any other node as it is."""
    text = string_of(node)
    if text is not None:
        try:
            return ast.parse(f"({text.strip()}\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return node
    return node


def _blocks(node: ast.stmt) -> Iterator[ast.stmt]:
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for each in getattr(node, name, ()):
            if isinstance(each, ast.stmt):
                yield each
            elif isinstance(each, ast.ExceptHandler | ast.match_case):
                yield from each.body


def _is_type_checking(test: ast.expr) -> bool | None:
    """None: the condition is another one."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _is_type_checking(test.operand)
        return None if inner is None else not inner
    name = dotted_name(test)
    return True if name and name.rpartition(".")[2] == "TYPE_CHECKING" else None


def _bindings(module: Module, node: ast.stmt, is_conditional: bool) -> Iterator[tuple[str, Bound]]:
    match node:
        case ast.Import() | ast.ImportFrom():
            for name, absolute in _imports(module, node):
                yield name, Bound(node, imported=absolute, is_conditional=is_conditional)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, Bound(node, is_conditional=is_conditional)
        case ast.Assign(targets=targets, value=assigned):
            for target in targets:
                # Of what is unpacked, nothing is known but the names.
                value = assigned if isinstance(target, ast.Name) else None
                for name in _names_in(target):
                    yield name, Bound(node, value=value, is_conditional=is_conditional)
        case ast.AnnAssign(target=ast.Name(id=name), value=value, annotation=annotation):
            yield name, Bound(node, "", value, annotation, is_conditional)
        case _ if type(node).__name__ == "TypeAlias":
            # ``type X = ...``, which only newer Pythons have.
            value = getattr(node, "value", None)
            for name in _names_in(getattr(node, "name", node)):
                yield name, Bound(node, value=value, is_conditional=is_conditional)


def _names_in(target: ast.AST) -> Iterator[str]:
    """The variables that an assignment binds: not those that it only reads."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _imports(module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, alias.name
            else:
                first = alias.name.partition(".")[0]
                yield first, first
        return
    origin = _origin(module, node)
    for alias in node.names:
        if alias.name == "*":
            module.stars.append(origin)
        else:
            absolute = f"{origin}.{alias.name}" if origin else alias.name
            yield alias.asname or alias.name, absolute


def _origin(module: Module, node: ast.ImportFrom) -> str:
    """The module that a ``from`` names, without leading dots."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    up = node.level - (1 if module.file.is_package else 0)
    if up:
        package = package[:-up]
    return ".".join([*package, *([node.module] if node.module else [])])


def _classes(module: Module, body: list[ast.stmt], outer: str) -> Iterator[ClassSource]:
    for node, is_conditional in statements(body):
        if isinstance(node, ast.ClassDef):
            qualified = f"{outer}{node.name}"
            yield ClassSource(module, qualified, node, is_conditional)
            yield from _classes(module, node.body, f"{qualified}.")
