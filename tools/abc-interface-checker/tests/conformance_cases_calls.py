"""Cases: what an implementation takes, gives back, and is called on."""

from __future__ import annotations

import sys
import textwrap

from conformance_case import NONE, ONE, PROTOCOL, accept, reject, warn

UNBOUND = sys.version_info < (3, 14)
"""Whether a partial object in a class is no method."""

# Parameters.
_START = 'def start(name, timeout=None): "Start it."'
_KEYWORD = 'def start(*, timeout=30): "Start it."'
accept("the same", _START, "def start(self, name, timeout=None): pass")
accept("one more that is optional", _START, "def start(self, name, timeout=None, x=1): pass")
accept("required one made optional", ONE, "def start(self, timeout=1): pass")
accept("more by *args", _START, "def start(self, name, timeout=None, *args): pass")
accept("positional-only, called otherwise", 'def start(a, /): "S."', "def start(self, b, /): pass")
accept("keyword-only, taken either way", _KEYWORD, "def start(self, timeout=30): pass")
accept(
    "keyword-only in another order",
    'def start(*, a, b): "Start it."',
    "def start(self, *, b, a): pass",
)
accept(
    "the same member of an enumeration as default",
    """\
import enum
from zope.interface import Interface

class Mode(enum.Enum):
    ON = 1

class IThing(Interface):
    def start(mode=Mode.ON): "Start it."
""",
    "@implementer(IThing)\nclass Thing:\n    def start(self, mode=Mode.ON): pass",
    head="",
)
warn("anything", _START, "def start(self, *args, **kwargs): pass", "impl-opaque-signature")
warn("a name in **kwargs", _KEYWORD, "def start(self, **kw): pass", "impl-opaque-signature")
reject("one is missing", _START, "def start(self, name): pass", "impl-param-missing")
reject("one more required", ONE, "def start(self, timeout, x): pass", "impl-param-extra-required")
reject("renamed", ONE, "def start(self, seconds): pass", "impl-param-renamed")
reject("optional one renamed", _START, "def start(self, name, t=None): pass", "impl-param-renamed")
reject(
    "reordered",
    'def move(a, b): "Move it."',
    "def move(self, b, a): pass",
    "impl-param-reordered",
)
reject(
    "made keyword-only",
    _START,
    "def start(self, name, *, timeout=None): pass",
    "impl-param-not-positional",
)
reject("made positional-only", ONE, "def start(self, t, /): pass", "impl-param-not-keyword")
reject("*args only", ONE, "def start(self, *args): pass", "impl-param-not-keyword")
reject("**kwargs only", ONE, "def start(self, **kwargs): pass", "impl-param-missing")
reject("default removed", _START, "def start(self, name, timeout): pass", "impl-default-missing")
reject("default changed", _START, "def start(self, name, timeout=3): pass", "impl-default-differs")
reject(
    "0 for False",
    'def start(force=False): "Start it."',
    "def start(self, force=0): pass",
    "impl-default-differs",
)
reject("keyword-only missing", _KEYWORD, "def start(self): pass", "impl-param-missing")
reject("keyword-only renamed", _KEYWORD, "def start(self, *, t=30): pass", "impl-param-renamed")
reject(
    "keyword-only more required",
    _KEYWORD,
    "def start(self, *, timeout=30, x): pass",
    "impl-param-extra-required",
)
reject(
    "keyword-only default removed",
    _KEYWORD,
    "def start(self, *, timeout): pass",
    "impl-default-missing",
)
reject(
    "keyword-only default changed",
    _KEYWORD,
    "def start(self, *, timeout=60): pass",
    "impl-default-differs",
)
reject(
    "keyword-only of a contract with stars missing",
    'def f(a, /, b, *rest, k, j=2, **kw): "F."',
    "def f(self, a, /, b, *rest, k): pass",
    "impl-param-missing impl-kwargs-missing",
)
reject("*args missing", 'def f(a, *rest): "F."', "def f(self, a): pass", "impl-varargs-missing")
reject(
    "*args shifted",
    'def f(a, *rest): "F."',
    "def f(self, a, b=1, *rest): pass",
    "impl-varargs-missing",
)
reject("**kwargs missing", 'def f(**kw): "F."', "def f(self): pass", "impl-kwargs-missing")
reject(
    "**kwargs clash with a name",
    'def f(a, /, **kw): "F."',
    "def f(self, a, **kw): pass",
    "impl-kwargs-missing",
)
reject("no self", NONE, "def start(): pass", "impl-static-mismatch")

# Coroutines, generators, context managers.
_NAMES = 'def names() -> list[str]: "All names."'
_EACH = 'def each() -> Iterator[str]: "Each name."'
_MANAGER = 'def opened() -> AbstractContextManager[int]: "Open it."'
accept("generator for an iterable", 'def e() -> Iterable[int]: "E."', "def e(self): yield 1")
accept("generator for an iterator", _EACH, 'def each(self) -> Iterator[str]:\n    yield "a"')
accept(
    "awaitable for a coroutine function",
    'async def start() -> int: "Start it."',
    "def start(self) -> Awaitable[int]: return self._start()",
)
accept(
    "contextmanager for a context manager",
    _MANAGER,
    "@contextlib.contextmanager\ndef opened(self) -> Iterator[int]:\n    yield 1",
)
accept("coroutine function", 'async def start(): "Start it."', "async def start(self): pass")
reject("async for plain", ONE, "async def start(self, timeout): pass", "impl-async-mismatch")
reject(
    "plain for async",
    'async def start(): "Start it."',
    "def start(self): pass",
    "impl-async-mismatch",
)
reject("generator for a list", _NAMES, 'def names(self): yield "a"', "impl-generator-mismatch")
reject("list for a generator", _EACH, "def each(self) -> list[str]: return []", "impl-return-type")
reject(
    "coroutine for an asynchronous iterator",
    'def each() -> AsyncIterator[int]: "Each."',
    "async def each(self): return [1]",
    "impl-async-mismatch",
)
reject(
    "asynchronous generator for a coroutine",
    'async def each() -> list[int]: "Each."',
    "async def each(self): yield 1",
    "impl-async-mismatch",
)
reject(
    "contextmanager forgotten",
    _MANAGER,
    "def opened(self):\n    yield 1",
    "impl-generator-mismatch",
)
reject(
    "contextmanager for a generator",
    _EACH,
    '@contextlib.contextmanager\ndef each(self):\n    yield "a"',
    "impl-generator-mismatch",
)

# On what it is called.
_CREATE = '@staticmethod\ndef create(name): "Create one."'
accept("a correct staticmethod", ONE, "@staticmethod\ndef start(timeout): pass")
accept("a correct classmethod", ONE, "@classmethod\ndef start(cls, timeout): pass")
accept("static for static", _CREATE, "@staticmethod\ndef create(name): pass", PROTOCOL)
accept("class for static", _CREATE, "@classmethod\ndef create(cls, name): pass", PROTOCOL)
reject(
    "staticmethod with self",
    ONE,
    "@staticmethod\ndef start(self, timeout): pass",
    "impl-param-extra-required",
)
reject(
    "instance for static",
    _CREATE,
    "def create(self, name): pass",
    "impl-static-mismatch",
    PROTOCOL,
)
reject(
    "instance for class",
    '@classmethod\ndef create(cls, name): "Create one."',
    "def create(self, name): pass",
    "impl-static-mismatch",
    PROTOCOL,
)

# Decorators and other things that can be called.
_WRAP = """\
def traced(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        return function(*args, **kwargs)
    return run

def narrow(function):
    @functools.wraps(function)
    def run(self):
        return function(self, 1)
    return run

def unknown(function):
    def run(*args, **kwargs):
        return function(*args, **kwargs)
    return run

class Called:
    def __call__(self, timeout): pass

class CalledWrongly:
    def __call__(self): pass

class Made:
    def __init__(self, timeout): pass

class MadeOtherwise:
    def __init__(self): pass

@implementer(IThing)
class Thing:
"""


def _body(text: str) -> str:
    return _WRAP + textwrap.indent(textwrap.dedent(text), "    ")


_GIVEN = 'def start(timeout, /): "Start it."'
accept("wraps", ONE, _body("@traced\ndef start(self, timeout): pass"))
accept("lru_cache", ONE, _body("@functools.lru_cache\ndef start(self, timeout): pass"))
accept(
    "partialmethod",
    ONE,
    _body("def _start(self, mode, timeout): pass\nstart = functools.partialmethod(_start, 1)"),
)
accept(
    "singledispatchmethod",
    _GIVEN,
    _body("@functools.singledispatchmethod\ndef start(self, timeout): pass"),
)
accept("a function in C", 'def start(obj, /): "Start it."', _body("start = len"))
accept(
    "a method in C",
    'def get(key, default=None, /): "Get one."',
    "@implementer(IThing)\nclass Thing(dict): pass",
)
accept("a callable object", ONE, _body("start = Called()"))
accept("a class", ONE, _body("start = Made"))
accept(
    "__signature__ says more",
    ONE,
    _WRAP
    + "    @traced\n    def start(self, request, timeout): pass\n\n"
    + "def _says(self, timeout): pass\n\n"
    + "import inspect\nThing.start.__signature__ = inspect.signature(_says)",
)
reject("wraps a wrong one", ONE, _body("@traced\ndef start(self): pass"), "impl-param-missing")
reject(
    "a narrow wrapper", ONE, _body("@narrow\ndef start(self, timeout): pass"), "impl-param-missing"
)
warn(
    "a wrapper that hides what it wraps",
    ONE,
    _body("@unknown\ndef start(self, timeout): pass"),
    "impl-opaque-signature",
)
reject(
    "lru_cache of a wrong one",
    ONE,
    _body("@functools.lru_cache\ndef start(self): pass"),
    "impl-param-missing",
)
reject(
    "a wrong partialmethod",
    ONE,
    _body("def _start(self, timeout): pass\nstart = functools.partialmethod(_start, 1)"),
    "impl-param-missing",
)
reject(
    "partial as attribute of the class",
    ONE,
    _body("def _start(self, mode, timeout): pass\nstart = functools.partial(_start, mode=1)"),
    "impl-param-not-positional" + (" impl-param-extra-required" if UNBOUND else ""),
)
reject(
    "a wrong singledispatchmethod",
    'def start(name, timeout, /): "Start it."',
    _body("@functools.singledispatchmethod\ndef start(self, name): pass"),
    "impl-param-missing",
)
reject(
    "singledispatchmethod by keyword",
    ONE,
    _body("@functools.singledispatchmethod\ndef start(self, timeout): pass"),
    "impl-param-not-keyword",
)
reject("a wrong function in C", _GIVEN, _body("start = divmod"), "impl-param-extra-required")
warn("a function in C without signature", _GIVEN, _body("start = max"), "impl-opaque-signature")
reject("a wrong callable object", ONE, _body("start = CalledWrongly()"), "impl-param-missing")
reject("a wrong class", ONE, _body("start = MadeOtherwise"), "impl-param-missing")
