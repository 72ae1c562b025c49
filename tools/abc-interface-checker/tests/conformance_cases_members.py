"""Cases: what an implementation has, of which types, and what it claims."""

from __future__ import annotations

from conformance_case import ABSTRACT, NONE, ONE, PROTOCOL, accept, reject, warn

# Whether it is there.
_SIZE = 'size = Attribute("Its size.")'
_TYPED = 'size: int = Attribute("Its size.")'
accept("a lambda", ONE, "start = lambda self, timeout: None")
accept(
    "inherited",
    ONE,
    "class Base:\n    def start(self, timeout): pass\n\n"
    "@implementer(IThing)\nclass Thing(Base): pass",
)
accept(
    "a class that provides it itself",
    ONE,
    "@provider(IThing)\nclass Thing:\n    @classmethod\n    def start(cls, timeout): pass",
)
accept(
    "functions of a namespace object",
    ONE,
    "def start(timeout): pass\n\nThing = types.SimpleNamespace(start=start)\n"
    "directlyProvides(Thing, IThing)",
)
reject(
    "a wrong function of a namespace object",
    ONE,
    "def start(self, timeout): pass\n\nThing = types.SimpleNamespace(start=start)\n"
    "directlyProvides(Thing, IThing)",
    "impl-param-extra-required",
)
reject("missing", ONE, "def stop(self): pass", "impl-method-missing")
reject("None", ONE, "start = None", "impl-not-callable")
reject("annotated only, not a method", ONE, "start: Callable", "impl-method-missing")
reject(
    "a property that gives a number",
    NONE,
    "@property\ndef start(self) -> int: return 1",
    "impl-property-not-callable",
)
warn(
    "a property that gives a function",
    NONE,
    "@property\ndef start(self) -> Callable[[], int]: return lambda: 1",
    "impl-opaque-signature",
)
warn(
    "set on each instance",
    NONE,
    "def __init__(self): self.start = lambda: 1",
    "impl-opaque-signature",
)
reject("not declared", ONE, "class Thing:\n    def start(self, timeout): pass", "impl-not-declared")
reject(
    "implementer_only of another",
    ONE,
    "@implementer(IThing)\nclass Base:\n    def start(self, timeout): pass\n\n"
    "class IOther(Interface): pass\n\n@implementer_only(IOther)\nclass Thing(Base): pass",
    "impl-not-declared",
)
reject(
    "only raises NotImplementedError",
    ONE,
    "def start(self, timeout): raise NotImplementedError",
    "impl-stub",
)
reject(
    "an async that only raises NotImplementedError",
    'async def start(): "Start it."',
    'async def start(self): raise NotImplementedError("no")',
    "impl-stub",
)

# Attributes.
accept("attribute of the class", _SIZE, "size = 1")
accept("set in __init__", _SIZE, "def __init__(self): self.size = 1")
accept("a property", _SIZE, "@property\ndef size(self): return 1")
accept("field of a dataclass", "size: int", "@dataclass\nclass Thing:\n    size: int = 1", PROTOCOL)
accept(
    "field of a named tuple, read-only",
    '@property\ndef size(self) -> int: "Its size."',
    "class Thing(NamedTuple):\n    size: int = 1",
    PROTOCOL,
)
reject("attribute missing", _SIZE, "def start(self): pass", "impl-attr-missing")
reject("set late", _SIZE, "def open(self): self.size = 1", "impl-attr-missing")
reject("annotated only", _SIZE, "size: int", "impl-attr-never-set")
reject("an empty slot", _SIZE, '__slots__ = ("size",)', "impl-attr-never-set")
reject("a method for an attribute", _SIZE, "def size(self): return 1", "impl-attr-is-method")
reject("None for a number", _TYPED, "size = None", "impl-attr-type")
reject(
    "text for a number",
    _TYPED,
    'def __init__(self): self.size = "1"',
    "impl-attr-type impl-unannotated",
)
reject(
    "a property of another type", _TYPED, "@property\ndef size(self) -> str: ...", "impl-attr-type"
)
reject(
    "read-only property",
    "size: int",
    "@property\ndef size(self) -> int: return 1",
    "impl-attr-readonly",
    PROTOCOL,
)
reject(
    "frozen dataclass",
    "size: int",
    "@dataclass(frozen=True)\nclass Thing:\n    size: int = 1",
    "impl-attr-readonly",
    PROTOCOL,
)
warn(
    "property that raises",
    _SIZE,
    '@property\ndef size(self): raise RuntimeError("no")',
    "impl-property-raises",
)
warn(
    "property with an AttributeError inside",
    _SIZE,
    "@property\ndef size(self): return self.nothing",
    "impl-property-raises",
)

# Mocks and made-up members.
_RIGHT = "@implementer(IThing)\nclass Right:\n    def start(self, timeout): pass\n\n"
_WRONG = "@implementer(IThing)\nclass Wrong:\n    def start(self): pass\n\n"
accept("autospec", ONE, _RIGHT + "Thing = create_autospec(Right, instance=True)")
accept("a mock with a specification", ONE, _RIGHT + "Thing = Mock(spec=Right)")
reject(
    "autospec of a wrong one",
    ONE,
    _WRONG + "Thing = create_autospec(Wrong, instance=True)",
    "impl-param-missing",
)
reject("a mock", ONE, "Thing = Mock()\ndirectlyProvides(Thing, IThing)", "impl-is-mock")
reject("a mock as method", ONE, "start = MagicMock()", "impl-is-mock")
warn(
    "__getattr__",
    ONE,
    "def __getattr__(self, name):\n    return lambda timeout: name",
    "impl-dynamic-getattr",
)

# Abstract classes and Protocols.
_BOTH = '@abstractmethod\ndef start(self): "Start."\n\n@abstractmethod\ndef stop(self): "Stop."'
accept(
    "all abstract methods",
    _BOTH,
    "class Thing(IThing):\n    def start(self): pass\n    def stop(self): pass",
    ABSTRACT,
)
reject(
    "an abstract method is left",
    _BOTH,
    "class Thing(IThing):\n    def start(self): pass",
    "impl-abstract-left",
    ABSTRACT,
)
reject(
    "an abstract method beside the contract is left",
    ONE,
    "@implementer(IThing)\nclass Thing(abc.ABC):\n    def start(self, timeout): pass\n"
    "    @abc.abstractmethod\n    def other(self): pass",
    "impl-abstract-left",
)
reject(
    "a Protocol's method is left",
    'def start(self): "Start."',
    "class Thing(IThing): pass",
    "impl-abstract-left",
    PROTOCOL,
)

# Types.
_PLACE = 'def put(value: int | None) -> int: "Put it."'
accept("the same types", _PLACE, "def put(self, value: int | None) -> int: ...")
accept("takes more, gives less", _PLACE, "def put(self, value: object) -> bool: ...")
accept(
    "covariant sequence",
    'def f() -> Sequence[int]: "F."',
    "def f(self) -> list[bool]: ...",
)
reject(
    "gives another type",
    _PLACE,
    "def put(self, value: int | None) -> str: ...",
    "impl-return-type",
)
reject(
    "gives more", _PLACE, "def put(self, value: int | None) -> int | None: ...", "impl-return-type"
)
reject("takes less", _PLACE, "def put(self, value: int) -> int: ...", "impl-param-type")
reject(
    "invariant list",
    'def f() -> list[int]: "F."',
    "def f(self) -> list[bool]: ...",
    "impl-return-type",
)
warn("no types", _PLACE, "def put(self, value): ...", "impl-unannotated")
warn(
    "a type that is not known",
    _PLACE,
    'def put(self, value: int | None) -> "Nowhere": ...',
    "impl-return-type",
)

# What it claims and promises.
_VERSION = 'taggedValue("version", "2.1")\n\n' + NONE
_INVARIANT = """\
from zope.interface import Attribute, Interface, Invalid, invariant

def is_positive(thing):
    if thing.size <= 0:
        raise Invalid("size must be positive")

class IThing(Interface):
    size = Attribute("Its size.")
    invariant(is_positive)
"""
_CAPABLE = """\
from zope.interface import Interface

def marked(**marks):
    return lambda function: function

class IThing(Interface):
    @marked(capability="pause")
    def pause(): "Pause it."
"""
_DECLARED = "@implementer(IThing)\nclass Thing:\n"
accept("version", _VERSION, '__contract_version__ = "2.0"\ndef start(self): pass')
reject(
    "another version",
    _VERSION,
    '__contract_version__ = "1.0"\ndef start(self): pass',
    "impl-version-mismatch",
)
accept("invariant holds", _INVARIANT, _DECLARED + "    size = 1", head="")
reject("invariant broken", _INVARIANT, _DECLARED + "    size = 0", "impl-invariant", head="")
accept(
    "capability",
    _CAPABLE,
    _DECLARED + '    capabilities = ("pause",)\n    def pause(self): pass',
    head="",
)
accept("capability not claimed", _CAPABLE, _DECLARED + "    pass", head="")
reject(
    "capability claimed only",
    _CAPABLE,
    _DECLARED + '    capabilities = ("pause",)',
    "impl-capability-unbacked",
    head="",
)
