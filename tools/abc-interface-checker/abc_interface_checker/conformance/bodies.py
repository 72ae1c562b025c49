"""What the body of an implementation says: that there is none, and what it raises."""

from __future__ import annotations

import ast
import dis
import types
from collections.abc import Iterator

from abc_interface_checker.conformance.contract import MethodContract
from abc_interface_checker.conformance.findings import Check
from abc_interface_checker.conformance.parameters import described
from abc_interface_checker.live.callables import Callee
from abc_interface_checker.live.hints import canonical
from abc_interface_checker.source.modules import Function
from abc_interface_checker.source.scope import Scope
from abc_interface_checker.types.assignability import assignable
from abc_interface_checker.types.syntax import dotted_name

__all__ = ["check_raises", "is_stub"]

_RAISE = dis.opmap["RAISE_VARARGS"]
_LEAVES = (
    frozenset(code for name, code in dis.opmap.items() if name in ("RETURN_VALUE", "RETURN_CONST"))
    | frozenset(dis.hasjrel)
    | frozenset(dis.hasjabs)
)
_PROGRAMMING = ("NotImplementedError", "AssertionError", "StopIteration", "StopAsyncIteration")


def is_stub(function: types.FunctionType | None) -> bool:
    """Whether the body only raises NotImplementedError."""
    if function is None or "NotImplementedError" not in function.__code__.co_names:
        return False
    first_name = ""
    for step in dis.get_instructions(function):
        if step.opcode in _LEAVES:
            return False
        if step.opname.startswith("LOAD_GLOBAL") and not first_name:
            first_name = str(step.argval)
        if step.opcode == _RAISE:
            return first_name == "NotImplementedError"
    return False


def check_raises(check: Check, contract: MethodContract, callee: Callee) -> None:
    """Report exceptions that the method raises itself and its contract does not name."""
    declared, function = contract.method.raises, callee.function
    # Bytecode is made of pairs: an operation and its argument.
    if declared is None or function is None or _RAISE not in function.__code__.co_code[::2]:
        return
    defined = check.hints.definition(function)
    if defined is None:
        return
    node, scope = defined
    allowed = [canonical(name) for name in declared]
    for raised in dict.fromkeys(_raised(node, scope)):
        name = canonical(raised)
        verdicts = [assignable(name, each, check.classes) for each in allowed]
        if name in _PROGRAMMING or True in verdicts or None in verdicts:
            continue
        names = ", ".join(declared) or "nothing"
        check.report(
            "impl-undeclared-raise",
            contract.name,
            f"{contract.name} raises {name}; {described(contract)} may raise {names}",
            function=function,
        )


def _raised(node: Function, scope: Scope) -> Iterator[str]:
    """Dotted names of what the function raises where nothing in it could catch that."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Raise):
            raised = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
            written = dotted_name(raised) if raised is not None else None
            name = scope.resolve(written) if written else None
            # A name in small letters is a variable, whose class is not known.
            if name is not None and name.rpartition(".")[2][:1].isupper():
                yield name
        elif isinstance(each, ast.Try) and each.handlers:
            pending += [*each.handlers, *each.orelse, *each.finalbody]
        elif not isinstance(each, Function | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(each)
