"""Two versions of a package: what is found beside the examples of the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import testtools

from abc_interface_checker import catalogue
from abc_interface_checker.comparing import compare_sides
from abc_interface_checker.compatibility.compare import Policy, compare
from abc_interface_checker.compatibility.members import lineage
from abc_interface_checker.compatibility.moves import rewritten
from abc_interface_checker.configuration import from_table
from abc_interface_checker.findings import Bump, Effect, Finding
from abc_interface_checker.model import (
    Annotation,
    Interface,
    InterfaceKind,
    Marks,
    Method,
    Package,
    Parameter,
    Role,
    Signature,
)
from abc_interface_checker.sides import Side
from abc_interface_checker.source.sources import Sources

_DERIVED = "alias-target-changed"
"""A rule whose effects are those of each use of the alias."""
OPTIONAL = Parameter(name="size", default="1")
BOTH_BREAK = (Effect.BREAKS, Effect.BREAKS)


def interface(
    *methods: Method, name: str = "IThing", bases: tuple[str, ...] = (), role: Role | None = None
) -> Interface:
    return Interface(
        name=f"contract.{name}",
        kind=InterfaceKind.ZOPE,
        methods=methods,
        bases=bases,
        role=role or Role.THIRD_PARTIES,
    )


def package(*interfaces: Interface, version: str = "") -> Package:
    return Package(
        name="contract", version=version, interfaces={each.name: each for each in interfaces}
    )


def method(name: str, *parameters: Parameter, returns: str = "None", marks: str = "") -> Method:
    return Method(
        name=name,
        signature=Signature(parameters=parameters, returns=Annotation(returns)),
        marks=Marks(deprecated=marks or None),
    )


def rules(old: Package, new: Package, policy: Policy | None = None) -> list[tuple[str, str]]:
    return [(finding.rule, finding.element) for finding in compare(old, new, policy)]


def one(old: Package, new: Package, policy: Policy | None = None) -> Finding:
    [finding] = compare(old, new, policy)
    return finding


class TestRoles(testtools.TestCase):
    def grown(self, role: Role) -> Finding:
        old = package(interface(method("start"), role=role))
        return one(old, package(interface(method("start", OPTIONAL), role=role)))

    def test_third_parties_implement(self) -> None:
        finding = self.grown(Role.THIRD_PARTIES)
        self.assertEqual((Effect.KEEPS, Effect.BREAKS), (finding.callers, finding.implementers))

    def test_owners_implement(self) -> None:
        finding = self.grown(Role.OWNERS)
        self.assertEqual((Effect.BREAKS, Effect.KEEPS), (finding.callers, finding.implementers))
        self.assertIs(Bump.MAJOR, finding.bump)
        self.assertEqual("callers", finding.witness and finding.witness.side)

    def test_both_implement(self) -> None:
        finding = self.grown(Role.BOTH)
        self.assertEqual(BOTH_BREAK, (finding.callers, finding.implementers))


class TestPolicy(testtools.TestCase):
    MINOR = Policy(provider_minor=True)

    def test_what_breaks_implementers_only_may_be_minor(self) -> None:
        old, new = (
            package(interface(method("start"))),
            package(interface(method("start", OPTIONAL))),
        )
        self.assertIs(Bump.MAJOR, one(old, new).bump)
        self.assertIs(Bump.MINOR, one(old, new, self.MINOR).bump)

    def test_what_breaks_callers_may_not(self) -> None:
        old, new = (
            package(interface(method("start", OPTIONAL))),
            package(interface(method("start"))),
        )
        self.assertIs(Bump.MAJOR, one(old, new, self.MINOR).bump)

    def test_what_the_owners_implement_breaks_those_who_call_it(self) -> None:
        old = package(interface(method("start"), role=Role.OWNERS))
        new = package(interface(method("start", OPTIONAL), role=Role.OWNERS))
        self.assertIs(Bump.MAJOR, one(old, new, self.MINOR).bump)


class TestRemovals(testtools.TestCase):
    def removed(self, version: str, deprecated: str = "") -> set[str]:
        old = package(interface(method("start"), method("stop", marks=deprecated)), version=version)
        return {rule for rule, _ in rules(old, package(interface(method("start"))))}

    def test_without_a_word(self) -> None:
        self.assertEqual({"method-removed", "removed-without-deprecation"}, self.removed("1.0"))

    def test_announced(self) -> None:
        self.assertEqual({"method-removed"}, self.removed("1.0", "Use start."))

    def test_from_a_draft(self) -> None:
        self.assertEqual({"method-removed"}, self.removed("1.0.dev1"))


class TestBases(testtools.TestCase):
    def test_what_a_base_had_already_is_not_new_in_a_derived_one(self) -> None:
        base = interface(method("start"), name="IBase")
        old = package(base, interface(bases=("contract.IBase",)))
        new = package(base, interface(method("start"), bases=("contract.IBase",)))
        self.assertEqual([], rules(old, new))

    def test_but_what_it_takes_there_is_compared(self) -> None:
        base = interface(method("start"), name="IBase")
        old = package(base, interface(bases=("contract.IBase",)))
        new = package(base, interface(method("start", OPTIONAL), bases=("contract.IBase",)))
        self.assertEqual([("param-added-optional", "contract.IThing.start(size)")], rules(old, new))

    def test_the_order_is_that_of_python(self) -> None:
        top = interface(name="ITop")
        left = interface(name="ILeft", bases=("contract.ITop",))
        right = interface(name="IRight", bases=("contract.ITop",))
        bottom = interface(name="IBottom", bases=("contract.ILeft", "contract.IRight"))
        order = lineage(package(top, left, right, bottom), "contract.IBottom")
        self.assertEqual(
            ["IBottom", "ILeft", "IRight", "ITop"], [n.partition(".")[2] for n in order]
        )

    def test_bases_that_no_python_would_take(self) -> None:
        cyclic = package(
            interface(method("start"), bases=("contract.IOther",)),
            interface(name="IOther", bases=("contract.IThing",)),
        )
        self.assertEqual([], rules(cyclic, cyclic))

    def test_a_base_of_elsewhere_may_bring_anything(self) -> None:
        old, new = package(interface()), package(interface(bases=("elsewhere.IBase",)))
        finding = one(old, new)
        self.assertEqual("base-added", finding.rule)
        self.assertEqual((Effect.KEEPS, Effect.MAYBE), (finding.callers, finding.implementers))
        self.assertIs(Bump.MINOR, finding.bump)


class TestMoves(testtools.TestCase):
    def test_a_renamed_interface_is_no_news_to_signatures(self) -> None:
        user = interface(method("make", returns="contract.IThing"), name="IUser")
        other = interface(method("make", returns="contract.IMachine"), name="IUser")
        old = package(interface(method("start")), user)
        new = package(interface(method("start"), name="IMachine"), other)
        self.assertEqual([("interface-renamed", "contract.IThing")], rules(old, new))

    def test_its_members_are_compared(self) -> None:
        old = package(interface(method("start"), method("stop"), name="old.IThing"))
        new = package(interface(method("start", OPTIONAL), method("stop"), name="new.IThing"))
        self.assertEqual(
            [
                ("param-added-optional", "contract.new.IThing.start(size)"),
                ("interface-renamed", "contract.old.IThing"),
            ],
            rules(old, new),
        )

    def test_names_are_whole_names(self) -> None:
        old = package(
            interface(
                method("make", returns="contract.IThing | contract.IThings | x.contract.IThing")
            )
        )
        changed = rewritten(old, {"contract.IThing": "contract.IMachine"})
        [made] = changed.interfaces["contract.IMachine"].methods
        self.assertEqual(
            Annotation("contract.IMachine | contract.IThings | x.contract.IThing"),
            made.signature.returns,
        )


class TestPrivate(testtools.TestCase):
    def test_a_private_method(self) -> None:
        old = package(interface(method("_start"), method("__enter__")))
        new = package(interface(method("_start", OPTIONAL), method("__enter__", OPTIONAL)))
        self.assertEqual(
            [
                ("param-added-optional", "contract.IThing.__enter__(size)"),
                ("private-changed", "contract.IThing._start"),
            ],
            rules(old, new),
        )


class TestConstants(testtools.TestCase):
    def test_the_version_itself_is_expected_to_change(self) -> None:
        sides = [
            Side(
                label="",
                configuration=from_table({"version": "contract:VERSION"}),
                source=Sources.from_texts({"contract.py": f'VERSION = "{version}"\n'}),
            )
            for version in ("1.0", "1.1")
        ]
        self.assertEqual([], [finding.rule for finding in compare_sides(*sides).findings])


def examples() -> Iterator[tuple[catalogue.Rule, Finding]]:
    """What the reported examples of rules of version changes show of the rule itself."""
    for rule in map(catalogue.rule, catalogue.rule_ids()):
        if rule.group in ("implementation", "contract") or rule.flows or rule.id == _DERIVED:
            continue
        for example in rule.reported:
            if not {*example.before} & {*example.after}:
                continue
            configuration = from_table(example.configuration)
            old, new = (
                Side(label="", configuration=configuration, source=Sources.from_texts(texts))
                for texts in (example.before, example.after)
            )
            for finding in compare_sides(old, new).findings:
                if finding.rule == rule.id:
                    yield rule, finding


class TestExamples(testtools.TestCase):
    def test_effects_and_bumps_are_those_of_the_catalogue(self) -> None:
        shown = list(examples())
        self.assertGreater(len(shown), 100)
        for rule, finding in shown:
            self.assertEqual(
                (rule.callers, rule.implementers, rule.bump),
                (finding.callers, finding.implementers, finding.bump),
                rule.id,
            )

    def test_findings_are_in_order_and_say_something(self) -> None:
        old = package(interface(method("start"), method("stop")), interface(name="IOther"))
        new = package(interface(method("halt", OPTIONAL)))
        findings = compare(old, new)
        self.assertEqual(
            sorted((finding.element, finding.rule) for finding in findings),
            [(finding.element, finding.rule) for finding in findings],
        )
        for finding in findings:
            self.assertGreater(len(finding.message), 5)
        self.assertEqual(findings, compare(dataclasses.replace(old), new))
