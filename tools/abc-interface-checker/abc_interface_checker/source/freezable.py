"""The subset of Python in which a contract can be frozen.

A frozen file must say the same whoever reads the source, on whichever Python. A contract may hold:

* imports by name; ``if TYPE_CHECKING:`` around them;
* classes that stand at the top of a module or in a class, once and under no condition, whose bases
  and decorators are names, with literal arguments; the only metaclass is ``ABCMeta``, or one that
  ``typing.dataclass_transform`` marks;
* in their bodies: docstrings, variables, functions, classes, zope's ``taggedValue`` and
  ``invariant``;
* defaults and constants that are literals, arithmetic of literal numbers, names of constants of the
  package, or dotted names such as members of enumerations; default factories that are names;
* enumerations whose values are such literals, or ``auto()`` where all Pythons agree on its value;
* annotations whose names can all be found.

It may not change what it has defined: no ``exec``, no ``setattr``, no assignment to a class's
attributes, no module with ``__getattr__``, no classes that are made by calls. Functions' bodies,
and everything that is no part of a contract, are not looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from abc_interface_checker.findings import Finding, Severity
from abc_interface_checker.model import Package, Place
from abc_interface_checker.source.annotations import annotated
from abc_interface_checker.source.bodies import Variable, is_dunder, read_body
from abc_interface_checker.source.enumerations import read_enumeration
from abc_interface_checker.source.functional import made_by_call
from abc_interface_checker.source.kinds import Kind, Kinds
from abc_interface_checker.source.modules import ClassSource, Function, Module, statements
from abc_interface_checker.source.scope import Scope

__all__ = ["unfreezable", "unknown_types"]

_DYNAMIC = frozenset({"delattr", "exec", "globals", "locals", "setattr", "vars"})
_MAKERS = frozenset({"dataclasses.make_dataclass", "types.new_class", "type"})
_METACLASSES = frozenset({"abc.ABCMeta"})
_INTERFACES = (Kind.ABC, Kind.PROTOCOL, Kind.ZOPE)
_DIRECTIVES = frozenset({"zope.interface.invariant", "zope.interface.taggedValue"})


def unfreezable(module: Module, kinds: Kinds) -> Iterator[Finding]:
    """What of a module's source cannot be frozen: findings of ``contract-not-freezable``."""
    check = _Check(module, kinds)
    yield from check.top()
    for source in module.classes.values():
        if kinds.kind(source) is not Kind.OTHER:
            yield from check.class_(source)


def unknown_types(package: Package) -> Iterator[Finding]:
    """The annotations of a contract in which a name was not found, as such findings."""
    for element, annotation, place in annotated(package):
        if annotation is not None and "Unknown[" in annotation.type:
            shown = annotation.written or annotation.type
            yield _finding(element, f"its type {shown} has a name that is not found", place)


@dataclass(slots=True)
class _Check:
    module: Module
    kinds: Kinds

    def _found(self, element: str, message: str, line: int) -> Finding:
        return _finding(element, message, Place(self.module.file.path, line))

    def top(self) -> Iterator[Finding]:
        """What stands at the top of the module."""
        name, scope = self.module.name, self.kinds.scope(self.module)
        for node, is_conditional in statements(self.module.tree.body):
            for message in _top_problems(node, is_conditional, scope):
                yield self._found(name, message, node.lineno)
            yield from self._changed(node, scope)
        for bound, node, _ in made_by_call(self.module, scope):
            yield self._found(
                f"{name}.{bound}", "it is made by a call: write a class statement", node.lineno
            )

    def _changed(self, node: ast.stmt, scope: Scope) -> Iterator[Finding]:
        """Assignments to, and deletions of, attributes of the contract's classes."""
        targets = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            owner = target.value if isinstance(target, ast.Attribute | ast.Subscript) else None
            name = scope.name_of(owner)
            source = self.kinds.names.class_named(name) if name else None
            if source is not None and self.kinds.kind(source) is not Kind.OTHER:
                yield self._found(name, "it is changed after its definition", node.lineno)

    def class_(self, source: ClassSource) -> Iterator[Finding]:
        """One class of the contract."""
        scope = self.kinds.scope(self.module).of_class(source)
        for message, line in _class_problems(source, self.kinds, scope):
            yield self._found(source.name, message, line)
        body = read_body(source)
        for node in body.others:
            if not _is_allowed(node, scope):
                message = f"its body has a statement that cannot be frozen ({type(node).__name__})"
                yield self._found(source.name, message, node.lineno)
        kind = self.kinds.kind(source)
        if kind is Kind.ENUMERATION:
            _, members = read_enumeration(source, self.kinds)
            for name, why in members.doubtful.items():
                variable = body.variables.get(name)
                line = variable.node.lineno if variable else source.node.lineno
                yield self._found(f"{source.name}.{name}", why, line)
            return
        for variable in body.variables.values():
            if not _is_fixed(variable, kind, scope):
                element = f"{source.name}.{variable.name}"
                message = f"the value of {variable.name} is computed: write the literal"
                yield self._found(element, message, variable.node.lineno)
        functions = body.functions if kind in _INTERFACES else {"__init__": []}
        for name in functions:
            for function in body.functions.get(name, ()):
                yield from self._defaults(f"{source.name}.{name}", function, scope)

    def _defaults(self, element: str, node: Function, scope: Scope) -> Iterator[Finding]:
        positional = [*node.args.posonlyargs, *node.args.args]
        with_default = positional[len(positional) - len(node.args.defaults) :]
        pairs = [
            *zip(with_default, node.args.defaults, strict=True),
            *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
        ]
        for parameter, default in pairs:
            if default is not None and not scope.is_plain(default):
                message = f"the default of {parameter.arg} is computed: write the literal"
                yield self._found(f"{element}({parameter.arg})", message, default.lineno)


def _finding(element: str, message: str, place: Place | None) -> Finding:
    return Finding(
        rule="contract-not-freezable",
        element=element,
        message=message,
        severity=Severity.ERROR,
        place=place,
    )


def _top_problems(node: ast.stmt, is_conditional: bool, scope: Scope) -> Iterator[str]:
    match node:
        case ast.ImportFrom(names=[ast.alias(name="*")], module=module):
            yield f"it imports everything from {module or '.'}: name what is needed"
        case ast.FunctionDef(name="__getattr__"):
            yield "its __getattr__ makes names that are not in the source"
        case ast.Assign(targets=targets) if is_conditional:
            if any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
                yield "its __all__ depends on a condition"
        case ast.Delete(targets=targets):
            deleted = [each.id for each in targets if isinstance(each, ast.Name)]
            if any(f"{scope.module.name}.{each}" == scope.resolve(each) for each in deleted):
                yield f"it deletes {', '.join(deleted)}"
    called = _called(node, scope)
    for name in sorted(called & _DYNAMIC):
        yield f"it calls {name}(), which may change what it defines"
    for name in sorted(called & _MAKERS):
        yield f"it makes a class by {name}(): write a class statement"


def _called(node: ast.stmt, scope: Scope) -> set[str]:
    """What a statement calls itself, not in a function, class or block in it."""
    expressions = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
    if isinstance(node, Function | ast.ClassDef):
        return set()
    found = set()
    while expressions:
        each = expressions.pop()
        if isinstance(each, ast.Call) and not isinstance(each.func, ast.Call):
            name = scope.name_of(each.func)
            # type(x) asks for a class, type(name, bases, body) makes one.
            found.add("" if name == "type" and len(each.args) != 3 else name)
        if not isinstance(each, ast.Lambda):
            inner = ast.iter_child_nodes(each)
            expressions += [child for child in inner if isinstance(child, ast.expr)]
    return found


def _class_problems(source: ClassSource, kinds: Kinds, scope: Scope) -> Iterator[tuple[str, int]]:
    """What is wrong with the head of a class; and at which line."""
    node = source.node
    if source.is_conditional:
        yield "it is defined under a condition", node.lineno
    if _count(source) > 1:
        yield "it is defined twice", node.lineno
    for base, name in zip(node.bases, kinds.bases(source), strict=True):
        if not name or isinstance(base, ast.Call):
            yield "one of its bases is computed, or a name that is not found", base.lineno
    for keyword in node.keywords:
        problem = _keyword_problem(keyword, kinds, scope)
        if problem:
            yield problem, keyword.value.lineno
    for decorator in node.decorator_list:
        if not scope.name_of(decorator):
            yield "one of its decorators is computed, or a name that is not found", decorator.lineno
        elif not all(map(scope.is_plain, _arguments(decorator))):
            yield "an argument of its decorator is computed", decorator.lineno


def _arguments(node: ast.expr) -> list[ast.expr]:
    if not isinstance(node, ast.Call):
        return []
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _keyword_problem(keyword: ast.keyword, kinds: Kinds, scope: Scope) -> str:
    if keyword.arg is None:
        return "its keywords are computed"
    if keyword.arg == "metaclass":
        name = scope.name_of(keyword.value)
        is_known = name in _METACLASSES or kinds.transforms.is_transform(name)
        return "" if is_known else f"its metaclass {name or 'is computed: it'} may change it"
    return "" if scope.is_plain(keyword.value) else f"the value of {keyword.arg} is computed"


def _count(source: ClassSource) -> int:
    """How often its name is defined where it stands."""
    outer = source.module.classes.get(source.qualified.rpartition(".")[0])
    body = outer.node.body if outer else source.module.tree.body
    same = (
        isinstance(node, ast.ClassDef) and node.name == source.node.name and not is_conditional
        for node, is_conditional in statements(body)
    )
    return sum(same)


def _is_allowed(node: ast.stmt, scope: Scope) -> bool:
    """Whether a statement that is no variable or function may stand in a class."""
    if isinstance(node, ast.ClassDef | ast.Pass):
        return True
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    return (
        isinstance(node.value, ast.Call)
        and scope.name_of(node.value) in _DIRECTIVES
        and all(map(scope.is_plain, node.value.args))
    )


def _is_fixed(variable: Variable, kind: Kind, scope: Scope) -> bool:
    """Whether what a variable is assigned can be frozen."""
    value = variable.value
    if value is None or is_dunder(variable.name):
        return True
    if isinstance(value, ast.Call) and kind is not Kind.EXCEPTION:
        # zope's attributes, and field specifiers.
        return bool(scope.name_of(value.func)) and all(
            scope.is_plain(each) or _is_fixed_call(each, scope) for each in _arguments(value)
        )
    return scope.is_plain(value)


def _is_fixed_call(node: ast.expr, scope: Scope) -> bool:
    """The fields in the fields of ``zope.schema``, such as ``value_type``."""
    return isinstance(node, ast.Call) and all(map(scope.is_plain, _arguments(node)))
