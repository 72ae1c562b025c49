"""Types, results, enumerations and aliases of two versions: what the examples of the rules leave
out.
"""

from __future__ import annotations

import testtools
from compared import compared, plain_types, read, rules, sides
from hypothesis import given, settings
from hypothesis import strategies as st
from type_strategies import types

from abc_interface_checker.compatibility import (
    enumerations,
    results,
)
from abc_interface_checker.compatibility.type_rules import attribute_type, parameter_type
from abc_interface_checker.findings import Bump, Effect, Finding, Severity
from abc_interface_checker.model import (
    Annotation,
    Attribute,
    Enumeration,
    Flow,
    Method,
    Package,
    Parameter,
    Signature,
    Style,
)
from abc_interface_checker.types.classes import Hierarchy


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
