"""Values and exceptions of two versions: what the examples of the rules leave out."""

from __future__ import annotations

import testtools
from compared import compared, plain_types, read, rules, sides
from hypothesis import given, settings
from hypothesis import strategies as st

from abc_interface_checker.compatibility import (
    value_fields,
)
from abc_interface_checker.findings import Effect, Finding
from abc_interface_checker.model import (
    Annotation,
    ExceptionClass,
    Field,
    Flow,
    Package,
    Parameter,
    ParameterKind,
    Signature,
    Value,
    ValueKind,
)


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
