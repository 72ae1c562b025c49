"""Must understand, with values and enumerations as contract 1.1 might have them."""

from __future__ import annotations

import enum

import testtools

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.marks import added, enumeration, value
from nova_virt_interface.testing.case import rules
from nova_virt_interface.understanding import check_understood
from nova_virt_interface.version import ContractVersion

V1_0, V1_1, V2_0 = (ContractVersion.parse(text) for text in ("1.0", "1.1", "2.0"))


@enumeration(since="1.0", open=True, newer={"TURBO": "1.1"})
class Gear(enum.Enum):
    LOW = "low"
    TURBO = "turbo"


@enumeration(since="1.1", open=False)
class Colour(enum.Enum):
    RED = "red"


class Untracked(enum.Enum):
    ANY = "any"


@value(since="1.0")
class Part:
    key: str
    gear: Gear | None = None
    vtpm: bool = added(default=False, since="1.1")
    hint: str = added(default="", since="1.1", advisory=True)
    wish: Gear | None = added(default=None, since="1.0", advisory=True)


@value(since="1.1")
class NewPart:
    key: str = "new"


@value(since="1.0")
class Request:
    name: str
    parts: tuple[Part, ...] = ()
    pairs: tuple[tuple[str, Gear], ...] = ()
    spare: Part | NewPart | None = None
    colour: Colour | None = added(default=None, since="1.1")


class TestCheckUnderstood(testtools.TestCase):
    def refuse(self, request: object, contract: ContractVersion = V1_0) -> Unsupported:
        error = self.assertRaises(Unsupported, check_understood, request, contract)
        assert isinstance(error, Unsupported)
        return error

    @rules("UND-1")
    def test_newer_fields_at_their_defaults_pass(self) -> None:
        check_understood(Request(name="x", parts=(Part(key="a"),)), V1_0)

    @rules("UND-1", "UND-3")
    def test_a_newer_field_is_refused_with_its_path(self) -> None:
        request = Request(name="x", parts=(Part(key="a"), Part(key="b", vtpm=True)))
        error = self.refuse(request)
        self.assertEqual("request.parts[1].vtpm", error.field)
        for text in ("request.parts[1].vtpm", "1.1", "1.0"):
            self.assertIn(text, error.message)
        self.assertIn("newer driver", error.remedy)
        self.assertFalse(error.may_have_been_done)

    @rules("UND-1")
    def test_a_driver_of_the_newer_contract_takes_it(self) -> None:
        request = Request(
            name="x", parts=(Part(key="a", vtpm=True, gear=Gear.TURBO),), colour=Colour.RED
        )
        for contract in (V1_1, V2_0, ContractVersion.parse("1.1.dev3")):
            check_understood(request, contract)

    @rules("UND-1")
    def test_an_advisory_field_may_be_ignored(self) -> None:
        check_understood(Part(key="a", hint="fast"), V1_0)

    @rules("UND-1")
    def test_a_newer_field_of_the_request_itself_is_refused(self) -> None:
        self.assertEqual("request.colour", self.refuse(Request(name="x", colour=Colour.RED)).field)

    @rules("UND-1")
    def test_a_value_that_is_newer_altogether_is_refused(self) -> None:
        error = self.refuse(Request(name="x", spare=NewPart()))
        self.assertIn("request.spare", error.field)

    @rules("UND-1")
    def test_a_value_in_a_value_is_looked_into(self) -> None:
        error = self.refuse(Request(name="x", spare=Part(key="a", vtpm=True)))
        self.assertEqual("request.spare.vtpm", error.field)

    @rules("UND-2", "UND-3")
    def test_a_newer_member_is_refused_wherever_it_is(self) -> None:
        for request, field in (
            (Gear.TURBO, "request=TURBO"),
            (Part(key="a", gear=Gear.TURBO), "request.gear=TURBO"),
            (Request(name="x", pairs=(("a", Gear.TURBO),)), "request.pairs[0][1]=TURBO"),
            ((Gear.LOW, (Gear.TURBO,)), "request[1][0]=TURBO"),
        ):
            self.assertEqual(field, self.refuse(request).field)

    @rules("UND-2")
    def test_a_newer_member_in_an_advisory_field_that_the_driver_knows_is_refused(self) -> None:
        self.assertEqual("request.wish=TURBO", self.refuse(Part(key="a", wish=Gear.TURBO)).field)
        check_understood(Part(key="a", wish=Gear.LOW), V1_0)

    @rules("UND-2")
    def test_known_members_and_what_is_not_of_the_contract_pass(self) -> None:
        for request in (Gear.LOW, Untracked.ANY, "text", None, 5, ("a", (b"b",))):
            check_understood(request, V1_0)
