"""What a stored attribute takes and gives back when it is called."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any

from abc_interface_checker.live.implementation import Access, own_annotations
from abc_interface_checker.live.signatures import (
    KINDS,
    STARS,
    Shape,
    defaults_of,
    inspected,
    signature_from,
    signature_of_code,
    style_of,
)
from abc_interface_checker.model import Binding, ParameterKind, Signature, Style

__all__ = ["Callee", "callee_of"]

_MANAGERS = {
    Style.GENERATOR: Style.CONTEXT_MANAGER,
    Style.ASYNC_GENERATOR: Style.ASYNC_CONTEXT_MANAGER,
}
_UNBOUND_C = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)
_LRU_CACHE = type(functools.lru_cache(print))


class Callee:
    """Something that can be called; what binding fills in is left out.

    ``signature`` is None when nothing is known of it. It has neither annotations nor the text of
    defaults: those are in ``hints`` and ``defaults``, as objects.
    """

    __slots__ = (
        "_code",
        "_signature",
        "binding",
        "defaults",
        "function",
        "inner",
        "lacks_self",
        "raw",
        "style",
    )

    def __init__(
        self,
        raw: Any,
        *,
        signature: inspect.Signature | None = None,
        function: types.FunctionType | None = None,
        skip: int | None = None,
        binding: Binding = Binding.INSTANCE,
        style: Style = Style.SYNC,
        inner: Callee | None = None,
    ) -> None:
        self.raw = raw
        self.function = function
        """The Python function that runs, where there is one: for its place and annotations."""
        self.binding = binding
        self.style = style
        self.inner = inner
        """What a wrapper says that it wraps."""
        self.lacks_self = False
        """Whether there is no parameter for what binding fills in: no call can succeed."""
        self._code: tuple[types.FunctionType, int] | None = None
        self._signature: Signature | None = None
        self.defaults: Mapping[str, Any] = {}
        if function is not None and skip is not None:
            code = function.__code__
            self.lacks_self = skip > code.co_argcount and not code.co_flags & inspect.CO_VARARGS
            self._code = (function, min(skip, code.co_argcount))
            self.defaults = defaults_of(function)
        elif signature is not None:
            self._signature = signature_from(signature)
            self.defaults = {
                parameter.name: parameter.default
                for parameter in signature.parameters.values()
                if parameter.default is not parameter.empty
            }

    @property
    def shape(self) -> Shape | None:
        """Of a plain function only."""
        if self._code is None:
            return None
        function, skip = self._code
        code = function.__code__
        named = code.co_argcount + code.co_kwonlyargcount
        return (
            code.co_varnames[skip:named],
            max(code.co_posonlyargcount - skip, 0),
            code.co_kwonlyargcount,
            len(function.__defaults__ or ()),
            frozenset(function.__kwdefaults__ or ()),
            code.co_flags & STARS,
        )

    @property
    def signature(self) -> Signature | None:
        """What may be passed."""
        if self._signature is None and self._code is not None:
            self._signature = signature_of_code(*self._code)
        return self._signature

    @property
    def is_opaque(self) -> bool:
        """Whether it takes anything, as far as one can see."""
        signature = self.signature
        if signature is None:
            return True
        kinds = {parameter.kind for parameter in signature.parameters}
        return {ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD} <= kinds

    @property
    def hints(self) -> Mapping[str, Any]:
        """Annotations as they are stored."""
        return own_annotations(self.function) if self.function is not None else {}


def callee_of(raw: Any, access: Access) -> Callee | None:
    """What a stored attribute is when it is called; None: it cannot be called, or only a
    descriptor's code could say.
    """
    if type(raw) is types.FunctionType:
        return _of_function(raw, int(access is Access.INSTANCE), Binding.INSTANCE)
    if isinstance(raw, staticmethod):
        return _bound(raw.__func__, 0, Binding.STATIC)
    if isinstance(raw, classmethod):
        return _bound(raw.__func__, 1, Binding.CLASS)
    if isinstance(raw, functools.partialmethod):
        return _of_partialmethod(raw, access)
    if isinstance(raw, functools.singledispatchmethod):
        return _of_singledispatch(raw, access)
    if isinstance(raw, type):
        return Callee(raw, signature=inspected(raw))
    if not callable(raw):
        return None
    binds = isinstance(raw, _UNBOUND_C) or _binds(raw)
    return _bound(raw, int(binds and access is Access.INSTANCE), Binding.INSTANCE)


def _binds(raw: Any) -> bool:
    if isinstance(raw, functools.partial):
        # Python 3.13 has its ``__get__`` only to warn of this.
        return sys.version_info >= (3, 14)
    return hasattr(type(raw), "__get__") and not isinstance(
        raw, types.MethodType | types.BuiltinFunctionType
    )


def _bound(raw: Any, skip: int, binding: Binding) -> Callee | None:
    """A callable whose first ``skip`` parameters are filled in."""
    if type(raw) is types.FunctionType:
        return _of_function(raw, skip, binding)
    if not callable(raw):
        return None
    wrapped = getattr(raw, "__wrapped__", None)
    if isinstance(raw, _LRU_CACHE) and wrapped is not None:
        return _bound(wrapped, skip, binding)
    runs = raw if isinstance(raw, types.MethodType) else type(raw).__call__
    function = getattr(runs, "__func__", runs)
    return Callee(
        raw,
        signature=inspected(raw, skip),
        function=function if isinstance(function, types.FunctionType) else None,
        binding=binding,
        style=style_of(function) if isinstance(function, types.FunctionType) else Style.SYNC,
    )


def _of_function(function: types.FunctionType, skip: int, binding: Binding) -> Callee:
    if not function.__dict__:
        return Callee(
            function, function=function, skip=skip, binding=binding, style=style_of(function)
        )
    wrapped = function.__dict__.get("__wrapped__")
    style = style_of(function)
    if "__signature__" in function.__dict__:
        signature = inspected(function, skip)
        return Callee(
            function, signature=signature, function=function, binding=binding, style=style
        )
    is_wrapper = wrapped is not None and _ends(function)
    inner = _bound(wrapped, skip, binding) if is_wrapper else None
    if inner is not None and style is Style.SYNC:
        style = inner.style
        if function.__globals__.get("__name__") == "contextlib":
            style = _MANAGERS.get(style, style)
    return Callee(function, function=function, skip=skip, binding=binding, style=style, inner=inner)


def _ends(function: types.FunctionType) -> bool:
    """Whether what it wraps does not lead back to it."""
    try:
        inspect.unwrap(function)
    except ValueError:
        return False
    return True


def _of_partialmethod(raw: functools.partialmethod[Any], access: Access) -> Callee | None:
    called = callee_of(raw.func, access)
    if called is None:
        return None
    signature = None
    if called.signature is not None:
        signature = _partial(_restored(called), raw.args, raw.keywords)
    return Callee(
        raw,
        signature=signature,
        function=called.function,
        binding=called.binding,
        style=called.style,
    )


def _of_singledispatch(raw: functools.singledispatchmethod[Any], access: Access) -> Callee | None:
    """It finds the function by the first positional argument, which so has no name."""
    called = callee_of(raw.func, access)
    if called is None or called.signature is None:
        return called
    first, *others = _restored(called).parameters.values()
    if first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
        first = first.replace(kind=inspect.Parameter.POSITIONAL_ONLY)
    return Callee(
        raw,
        signature=inspect.Signature([first, *others]),
        function=called.function,
        binding=called.binding,
        style=called.style,
    )


def _partial(
    signature: inspect.Signature, args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> inspect.Signature | None:
    def stand_in() -> None:
        """Has the signature that the partial is made of."""

    stand_in.__signature__ = signature  # type: ignore[attr-defined]
    return inspected(functools.partial(stand_in, *args, **keywords))


def _restored(callee: Callee) -> inspect.Signature:
    kinds = {ours: theirs for theirs, ours in KINDS.items()}
    signature = callee.signature or Signature()
    return inspect.Signature(
        [
            inspect.Parameter(
                parameter.name,
                kinds[parameter.kind],
                default=callee.defaults.get(parameter.name, inspect.Parameter.empty),
            )
            for parameter in signature.parameters
        ]
    )
