"""Types, results, values, enumerations, exceptions and aliases of two versions: what the examples
of the rules leave out.
"""

from __future__ import annotations

from textwrap import dedent

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from type_strategies import TableOfClasses, types

from abc_interface_checker.compatibility import (
    aliases,
    enumerations,
    exceptions,
    results,
    value_fields,
    values,
)
from abc_interface_checker.compatibility.type_rules import Types, attribute_type, parameter_type
from abc_interface_checker.findings import Bump, Effect, Finding, Severity
from abc_interface_checker.model import (
    Annotation,
    Attribute,
    Enumeration,
    ExceptionClass,
    Field,
    Flow,
    Method,
    Package,
    Parameter,
    ParameterKind,
    Signature,
    Style,
    Value,
    ValueKind,
)
from abc_interface_checker.source.reader import read_package
from abc_interface_checker.source.reading import Reading
from abc_interface_checker.source.sources import Sources
from abc_interface_checker.types.classes import Hierarchy

_MODULES = (aliases, enumerations, exceptions, results, values)
_EMPTY = Package(name="p")


def read(text: str, reading: Reading | None = None) -> Package:
    sources = Sources.from_texts({"contract.py": dedent(text)})
    return read_package(sources, reading or Reading()).package


def compared(old: Package, new: Package) -> list[Finding]:
    classes = Hierarchy(new, old)
    return [found for module in _MODULES for found in module.compare(old, new, classes)]


def rules(found: list[Finding]) -> list[str]:
    return sorted(finding.rule for finding in found)


def sides(finding: Finding) -> tuple[str, str]:
    return finding.callers.value, finding.implementers.value


def plain_types() -> Types:
    return Types(_EMPTY, _EMPTY, TableOfClasses())


class TestTypeRules(testtools.TestCase):
    @settings(deadline=None)
    @given(types(), types())
    def test_a_parameter_and_a_result_are_opposites(self, old: str, new: str) -> None:
        before, after = Annotation(old), Annotation(new)
        taken = list(
            parameter_type(
                Parameter(name="a", annotation=before),
                Parameter(name="a", annotation=after),
                "p.IThing.start",
                plain_types(),
            )
        )
        given_back = list(
            results.returned(
                "p.IThing.start",
                Method(name="start", signature=Signature(returns=before)),
                Method(name="start", signature=Signature(returns=after)),
                plain_types(),
            )
        )
        self.assertEqual(len(taken), len(given_back))
        for one, other in zip(taken, given_back, strict=True):
            if not other.rule.startswith("return-value"):
                self.assertEqual(sides(one), sides(other)[::-1])
            self.assertEqual(one.severity, other.severity)

    @settings(deadline=None)
    @given(types(), types())
    def test_any_other_type_of_what_may_be_set_breaks_both(self, old: str, new: str) -> None:
        found = list(
            attribute_type(
                Attribute(name="size", annotation=Annotation(old)),
                Attribute(name="size", annotation=Annotation(new)),
                "p.IThing",
                plain_types(),
            )
        )
        for finding in found:
            self.assertEqual("attr-type-changed", finding.rule)
            self.assertIn(sides(finding), [("breaks", "breaks"), ("maybe", "maybe")])

    def test_what_is_not_known_is_a_warning_without_a_witness(self) -> None:
        (found,) = parameter_type(
            Parameter(name="a", annotation=Annotation("p.Nobody")),
            Parameter(name="a", annotation=Annotation("p.Somebody")),
            "p.IThing.start",
            plain_types(),
        )
        self.assertEqual("param-type-changed", found.rule)
        self.assertEqual(("maybe", "maybe"), sides(found))
        self.assertIs(Severity.WARNING, found.severity)
        self.assertIs(Bump.MINOR, found.bump)
        self.assertIsNone(found.witness)
        self.assertIn("not known", found.message)

    def test_a_renamed_parameter_is_called_as_it_is_now(self) -> None:
        (found,) = parameter_type(
            Parameter(name="a", annotation=Annotation("int")),
            Parameter(name="b", annotation=Annotation("str")),
            "p.IThing.start",
            plain_types(),
        )
        self.assertEqual("p.IThing.start(b)", found.element)

    def test_an_attribute_without_a_type_is_a_warning(self) -> None:
        (found,) = attribute_type(
            Attribute(name="size"),
            Attribute(name="size", annotation=Annotation("int")),
            "p.IThing",
            plain_types(),
        )
        self.assertEqual("attr-type-changed", found.rule)
        self.assertIs(Severity.WARNING, found.severity)


class TestResults(testtools.TestCase):
    def returned(self, old: str | None, new: str | None, style: Style) -> list[str]:
        before, after = (
            Method(
                name="m",
                signature=Signature(returns=None if each is None else Annotation(each)),
                style=style,
            )
            for each in (old, new)
        )
        return rules(list(results.returned("p.I.m", before, after, plain_types())))

    def test_styles(self) -> None:
        iterator = "collections.abc.Iterator[{}]".format
        for style, old, new, expected in (
            (Style.SYNC, "None", "int | None", ["return-type-widened"]),
            (Style.SYNC, "None", "p.Nobody", ["return-type-changed"]),
            (Style.SYNC, iterator("int"), iterator("str"), ["return-type-changed"]),
            (Style.ASYNC, "int", "None", ["return-value-removed"]),
            (Style.ASYNC, "int", "float", ["awaited-type-widened"]),
            (Style.CONTEXT_MANAGER, iterator("int"), iterator("str"), ["yield-type-changed"]),
            (
                Style.GENERATOR,
                iterator("int"),
                "collections.abc.Iterable[int]",
                ["return-type-widened"],
            ),
            (Style.GENERATOR, iterator("int"), None, ["yield-type-removed"]),
            (Style.GENERATOR, None, None, []),
        ):
            self.assertEqual(expected, self.returned(old, new, style), f"{style} {old} {new}")

    def test_another_style_is_another_rule(self) -> None:
        old = Method(name="m", signature=Signature(returns=Annotation("int")))
        new = Method(name="m", signature=Signature(returns=Annotation("str")), style=Style.ASYNC)
        self.assertEqual([], list(results.returned("p.I.m", old, new, plain_types())))

    def raised(self, old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> list[Finding]:
        before, after = Method(name="m", raises=old), Method(name="m", raises=new)
        return list(results.raised("p.I.m", before, after, Hierarchy()))

    def test_raises(self) -> None:
        for old, new, expected in (
            (None, ("OSError",), []),
            (("OSError",), ("OSError",), []),
            (("KeyError", "IndexError"), ("LookupError",), ["raises-widened"]),
            (("LookupError",), ("IndexError", "KeyError"), ["raises-added", "raises-narrowed"]),
            (("OSError",), ("ValueError",), ["raises-added", "raises-removed"]),
            (("KeyError", "LookupError"), ("LookupError",), []),
            (("OSError",), ("OSError", "TimeoutError"), ["raises-added-subclass"]),
        ):
            self.assertEqual(expected, rules(self.raised(old, new)), f"{old} {new}")

    def test_what_is_not_known_of_exceptions_is_a_warning(self) -> None:
        for old, new, rule in (
            (("OSError",), ("OSError", "x.Failed"), "raises-added"),
            (("OSError", "x.Failed"), ("OSError",), "raises-removed"),
            (("OSError",), None, "raises-added"),
        ):
            (found,) = self.raised(old, new)
            self.assertEqual((rule, Severity.WARNING), (found.rule, found.severity))


class TestEnumerations(testtools.TestCase):
    def compared(self, old: Enumeration, new: Enumeration) -> list[Finding]:
        before = Package(name="p", enumerations={"p.Color": old})
        after = Package(name="p", enumerations={"p.Color": new})
        return list(enumerations.compare(before, after, Hierarchy()))

    def color(self, members: dict[str, str], **more: object) -> Enumeration:
        return Enumeration(name="p.Color", members=members, **more)  # type: ignore[arg-type]

    def test_a_new_member_by_flow_and_openness(self) -> None:
        for flow, old_open, expected in (
            (Flow.IN, False, ("keeps", "breaks")),
            (Flow.OUT, False, ("breaks", "keeps")),
            (Flow.BOTH, False, ("breaks", "breaks")),
            (Flow.NONE, False, ("breaks", "breaks")),
            (Flow.IN, True, ("keeps", "keeps")),
            (Flow.BOTH, True, ("keeps", "keeps")),
        ):
            (found,) = self.compared(
                self.color({"RED": "1"}, flow=flow, open=old_open),
                self.color({"RED": "1", "BLUE": "2"}, flow=flow, open=old_open),
            )
            self.assertEqual(expected, sides(found), f"{flow} {old_open}")
            self.assertIs(Bump.MINOR if old_open else Bump.MAJOR, found.bump)

    def test_to_open_it_helps_only_the_next_version(self) -> None:
        found = self.compared(
            self.color({"RED": "1"}, flow=Flow.IN),
            self.color({"RED": "1", "BLUE": "2"}, flow=Flow.IN, open=True),
        )
        self.assertEqual(["enum-member-added", "enum-opened"], rules(found))
        self.assertEqual({Bump.MAJOR}, {finding.bump for finding in found})

    def test_aliases(self) -> None:
        self.assertEqual(
            ["enum-member-removed"],
            rules(
                self.compared(
                    self.color({"RED": "1"}, aliases={"ROUGE": "RED"}), self.color({"RED": "1"})
                )
            ),
        )
        self.assertEqual(
            ["enum-value-changed"],
            rules(
                self.compared(
                    self.color({"RED": "1"}, aliases={"ROUGE": "RED"}),
                    self.color({"RED": "1", "ROUGE": "2"}),
                )
            ),
        )

    def test_auto_shifts_are_seen_at_each_member(self) -> None:
        text = """
            import enum

            class Color(enum.Enum):
                "A color."

                {}
            """
        old = read(text.format("RED = enum.auto(); BLUE = enum.auto()"))
        new = read(text.format("ROSE = enum.auto(); RED = enum.auto(); BLUE = enum.auto()"))
        self.assertEqual(
            ["enum-member-added", "enum-value-changed", "enum-value-changed"],
            rules(compared(old, new)),
        )

    @settings(deadline=None)
    @given(
        st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("12345")),
        st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("12345")),
    )
    def test_every_difference_is_found(self, old: dict[str, str], new: dict[str, str]) -> None:
        before, after = (self.color(_without_repetition(each)) for each in (old, new))
        found = self.compared(before, after)
        self.assertEqual(before.members == after.members, found == [])
        breaks = {Effect.BREAKS} & {finding.callers for finding in found}
        has_all = before.members.items() <= after.members.items()
        self.assertTrue(has_all or breaks)


def _without_repetition(members: dict[str, str]) -> dict[str, str]:
    """Members only: the second of one value would be an alias."""
    by_value = {value: name for name, value in reversed(members.items())}
    return {name: value for name, value in members.items() if by_value[value] == name}


class TestValues(testtools.TestCase):
    def compared(
        self,
        old: list[Field],
        new: list[Field],
        kind: ValueKind = ValueKind.DATACLASS,
        flow: Flow = Flow.IN,
    ) -> list[Finding]:
        before, after = (
            Value(name="p.Spec", kind=kind, fields=tuple(fields), flow=flow)
            for fields in (old, new)
        )
        return list(value_fields.compare(before, after, plain_types()))

    def test_flows(self) -> None:
        name, size = Field(name="name"), Field(name="size", annotation=Annotation("int"))
        wide = Field(name="size", annotation=Annotation("int | None"))
        for flow, added, widened in (
            (Flow.IN, ("breaks", "keeps"), ("keeps", "breaks")),
            (Flow.OUT, ("keeps", "breaks"), ("breaks", "keeps")),
            (Flow.BOTH, ("breaks", "breaks"), ("breaks", "breaks")),
            (Flow.NONE, ("breaks", "breaks"), ("breaks", "breaks")),
        ):
            (found,) = self.compared([name], [name, size], flow=flow)
            self.assertEqual(("field-added-required", added), (found.rule, sides(found)))
            (found,) = self.compared([size], [wide], flow=flow)
            self.assertEqual(("field-type-widened", widened), (found.rule, sides(found)))
            (found,) = self.compared([wide], [size], flow=flow)
            self.assertEqual(("field-type-narrowed", added), (found.rule, sides(found)))

    def test_the_flow_of_either_version_counts(self) -> None:
        name, size = Field(name="name"), Field(name="size")
        old = Value(name="p.S", kind=ValueKind.DATACLASS, fields=(name,), flow=Flow.IN)
        new = Value(name="p.S", kind=ValueKind.DATACLASS, fields=(name, size), flow=Flow.OUT)
        (found,) = value_fields.compare(old, new, plain_types())
        self.assertEqual(("breaks", "breaks"), sides(found))

    def test_positions(self) -> None:
        first, second = Field(name="a"), Field(name="b")
        extra = Field(name="x", default="1")
        by_name = Field(name="x", default="1", kw_only=True)
        hidden = Field(name="x", default="1", init=False)
        for old, new, expected in (
            ([first], [first, extra], ["field-added-optional"]),
            ([first], [by_name, first], ["field-added-optional"]),
            ([first], [hidden, first], ["field-added-optional"]),
            ([first], [extra, first], ["field-added-middle"]),
            ([first, second], [second, first], ["field-reordered"]),
            ([first, extra], [first, by_name], ["value-kwonly-added"]),
            ([first, by_name], [first, extra], []),
            ([by_name, first], [extra, first], ["field-reordered"]),
            ([hidden, first], [extra, first], ["field-reordered"]),
            ([extra], [hidden], ["field-removed"]),
            ([hidden], [extra], []),
            ([hidden], [Field(name="x")], ["field-became-required"]),
        ):
            self.assertEqual(expected, rules(self.compared(old, new)))

    def test_a_named_tuple_is_unpacked(self) -> None:
        first, second = Field(name="a"), Field(name="b", default="1")
        (found,) = self.compared([first], [first, second], ValueKind.NAMED_TUPLE, Flow.OUT)
        self.assertEqual("namedtuple-field-added", found.rule)
        (found,) = self.compared([first, second], [second, first], ValueKind.NAMED_TUPLE, Flow.OUT)
        self.assertEqual(("breaks", "breaks"), sides(found))

    def test_keys_of_a_dictionary_have_no_order_and_no_default(self) -> None:
        first, second = Field(name="a"), Field(name="b")
        self.assertEqual([], self.compared([first, second], [second, first], ValueKind.TYPED_DICT))
        (found,) = self.compared(
            [first], [Field(name="a", default="...")], ValueKind.TYPED_DICT, Flow.OUT
        )
        self.assertEqual(
            ("typeddict-key-became-optional", ("breaks", "keeps")), (found.rule, sides(found))
        )

    def test_a_rename_is_one_finding_also_beside_others(self) -> None:
        old = [Field(name="a", annotation=Annotation("int")), Field(name="b")]
        new = [Field(name="c", annotation=Annotation("int")), Field(name="b"), Field(name="d")]
        self.assertEqual(["field-added-required", "field-renamed"], rules(self.compared(old, new)))

    @settings(deadline=None)
    @given(st.data())
    def test_a_maker_that_fails_is_found(self, data: st.DataObject) -> None:
        """Brute force: the constructor of the old class against that of the new one."""
        old, new = data.draw(_field_lists), data.draw(_field_lists)
        names = [field.name for field in old]
        positional = [field.name for field in old if not field.kw_only]
        before, after = _constructor(old), _constructor(new)
        found = self.compared(old, new)
        breaks = Effect.BREAKS in {finding.callers for finding in found}
        for count in range(len(positional) + 1):
            for given_names in _subsets(names):
                arguments = [f"<{name}>" for name in positional[:count]]
                by_name = {
                    name: f"<{name}>" for name in given_names if name not in positional[:count]
                }
                made = before(arguments, by_name)
                if made is not None and not breaks:
                    again = after(arguments, by_name)
                    self.assertIsNotNone(again)
                    self.assertEqual(
                        made, {name: (again or {}).get(name) for name in made}, str(rules(found))
                    )


_field_lists = st.lists(
    st.builds(
        Field,
        name=st.sampled_from("abc"),
        default=st.sampled_from([None, "1"]),
        kw_only=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda field: field.name,
).filter(
    # A field that must be given by position cannot stand behind one that need not.
    lambda fields: (
        [f.default is not None for f in fields if not f.kw_only]
        == sorted(f.default is not None for f in fields if not f.kw_only)
    )
)


def _subsets(names: list[str]) -> list[list[str]]:
    made: list[list[str]] = [[]]
    for name in names:
        made += [[*each, name] for each in made]
    return made


class _constructor:  # noqa: N801 - used as a function
    """A real function with the parameters of a dataclass's constructor."""

    def __init__(self, fields: list[Field]) -> None:
        written = [
            field.name + ("" if field.default is None else f"={field.default}")
            for field in [f for f in fields if not f.kw_only]
        ]
        by_name = [
            field.name + ("" if field.default is None else f"={field.default}")
            for field in [f for f in fields if f.kw_only]
        ]
        parameters = ", ".join([*written, *(["*", *by_name] if by_name else [])])
        names: dict[str, object] = {}
        exec(f"def make({parameters}): return dict(locals())", names)  # noqa: S102
        self._make = names["make"]

    def __call__(self, arguments: list[str], by_name: dict[str, str]) -> dict[str, object] | None:
        assert callable(self._make)
        try:
            made: dict[str, object] = self._make(*arguments, **by_name)
        except TypeError:
            return None
        return made


class TestExceptions(testtools.TestCase):
    def test_bases_are_those_of_the_version(self) -> None:
        text = """
            class Failed({}):
                "Any failure."

            class Gone(Failed):
                "There is no such thing."
            """
        found = compared(read(text.format("LookupError")), read(text.format("Exception")))
        self.assertEqual(["contract.Failed"], [finding.element for finding in found])
        self.assertEqual(
            [], compared(read(text.format("LookupError")), read(text.format("KeyError")))
        )

    def test_a_constructor_is_inherited(self) -> None:
        text = """
            class Failed(Exception):
                "Any failure."
                {}

            class Gone(Failed):
                "There is no such thing."
                {}
            """
        made = "def __init__(self, message: str{}) -> None: super().__init__(message)"
        own = read(text.format("", made.format("")))
        inherited = read(text.format(made.format(""), ""))
        longer = read(text.format(made.format(", name: str"), ""))
        self.assertEqual(
            ["contract.Failed"], [finding.element for finding in compared(own, inherited)]
        )
        self.assertEqual(
            ["contract.Failed"], [finding.element for finding in compared(inherited, longer)]
        )

    def test_own_arguments_where_any_were_taken(self) -> None:
        star = Parameter(name="args", kind=ParameterKind.VAR_POSITIONAL)
        old = ExceptionClass(name="p.Gone", bases=("Exception",))
        for parameters, expected in (
            ((star,), []),
            ((Parameter(name="message"),), ["exception-init-changed"]),
        ):
            new = ExceptionClass(
                name="p.Gone", bases=("Exception",), init=Signature(parameters=parameters)
            )
            packages = (Package(name="p", exceptions={"p.Gone": each}) for each in (old, new))
            self.assertEqual(expected, rules(compared(*packages)))

    def test_a_changed_constant(self) -> None:
        old, new = (
            ExceptionClass(name="p.Busy", attributes={"transient": value})
            for value in ("True", "False")
        )
        packages = (Package(name="p", exceptions={"p.Busy": each}) for each in (old, new))
        (found,) = compared(*packages)
        self.assertEqual(
            ("constant-value-changed", "p.Busy.transient"), (found.rule, found.element)
        )


class TestAliases(testtools.TestCase):
    TEXT = """
        from collections.abc import Sequence
        from dataclasses import dataclass
        from typing import NewType, Protocol

        Size = {}
        Sizes = Sequence[Size]

        @dataclass(frozen=True, kw_only=True)
        class Spec:
            "What to make."

            size: Size

        class Thing(Protocol):
            {}
        """

    def found(self, old: str, new: str, methods: tuple[str, str]) -> list[Finding]:
        before, after = (
            read(self.TEXT.format(target, method))
            for target, method in zip((old, new), methods, strict=True)
        )
        return compared(before, after)

    def test_each_use_is_judged(self) -> None:
        for method, expected in (
            ("def start(self, size: Size) -> None: ...", ("keeps", "breaks")),
            ("def size(self) -> Size: ...", ("breaks", "keeps")),
            ("def sizes(self) -> Sizes: ...", ("breaks", "keeps")),
            ("def both(self, size: list[Size]) -> None: ...", ("breaks", "breaks")),
            ("def make(self, spec: Spec) -> None: ...", ("keeps", "breaks")),
            ("size: Size", ("breaks", "breaks")),
        ):
            changed = self.found("int | str", "int | str | None", (method, method))
            (found,) = [f for f in changed if f.element == "contract.Size"]
            self.assertEqual("alias-target-changed", found.rule)
            if "Spec" not in method:
                # The field of the value that no signature names could go either way.
                found = self.without_value(method)
            self.assertEqual(expected, sides(found), method)

    def without_value(self, method: str) -> Finding:
        text = self.TEXT.replace("size: Size\n\n        class", "size: int\n\n        class")
        old, new = (read(text.format(t, method)) for t in ("int | str", "int | str | None"))
        (found,) = [f for f in compared(old, new) if f.element == "contract.Size"]
        return found

    def test_an_alias_that_nobody_names_is_a_warning(self) -> None:
        old, new = (read(f"Size = {target}\n") for target in ("int | str", "int | None"))
        (found,) = compared(old, new)
        self.assertEqual(("alias-target-changed", Severity.WARNING), (found.rule, found.severity))

    def test_who_writes_it_out_changes_nothing(self) -> None:
        methods = ("def size(self) -> Size: ...", "def size(self) -> int | str: ...")
        self.assertEqual([], self.found("int | str", "int | str", methods))

    def test_a_new_spelling_with_another_meaning_is_told_where_it_is(self) -> None:
        methods = ("def size(self) -> Size: ...", "def size(self) -> int: ...")
        self.assertEqual(
            ["return-type-narrowed"], rules(self.found("int | str", "int | str", methods))
        )

    def test_a_type_of_its_own(self) -> None:
        method = "def size(self) -> Size: ..."
        found = self.found('NewType("Size", int)', 'NewType("Size", str)', (method, method))
        self.assertEqual(["alias-target-changed"], rules(found))
        self.assertEqual(("breaks", "breaks"), sides(found[0]))
