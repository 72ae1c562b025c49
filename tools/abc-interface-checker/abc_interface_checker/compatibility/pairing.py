"""Which parameter of an old signature is which of a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from abc_interface_checker.model import Parameter, ParameterKind, Signature

__all__ = ["NAMED", "POSITIONAL", "Pairing", "pair_parameters"]

POSITIONAL = (ParameterKind.POSITIONAL_ONLY, ParameterKind.POSITIONAL_OR_KEYWORD)
NAMED = (ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.KEYWORD_ONLY)


@dataclass(slots=True)
class Pairing:
    """The parameters of two signatures, without star parameters."""

    pairs: list[tuple[Parameter, Parameter]] = field(default_factory=list)
    """In the order of the new signature."""
    lost: list[Parameter] = field(default_factory=list)
    gained: list[Parameter] = field(default_factory=list)


_Test = Callable[[Parameter, int, Parameter, int], bool]


def pair_parameters(old: Signature, new: Signature) -> Pairing:
    """Pair the parameters: by a name that calls can use, then by place, then by name alone; what
    is left in the same place, or is the one keyword on both sides, was renamed.
    """
    lost = [p for p in old.parameters if not p.is_star]
    gained = [p for p in new.parameters if not p.is_star]
    places_old, places_new = _places(lost), _places(gained)
    pairs: list[tuple[Parameter, Parameter]] = []
    for test in _TESTS:
        for after in list(gained):
            for before in list(lost):
                place, other = places_old.get(before.name, -1), places_new.get(after.name, -2)
                if test(before, place, after, other):
                    pairs.append((before, after))
                    lost.remove(before)
                    gained.remove(after)
                    break
    _pair_lone_keyword(lost, gained, pairs)
    order = list(new.parameters)
    pairs.sort(key=lambda pair: order.index(pair[1]))
    return Pairing(pairs, lost, gained)


def _places(parameters: list[Parameter]) -> dict[str, int]:
    positional = [p for p in parameters if p.kind in POSITIONAL]
    return {parameter.name: place for place, parameter in enumerate(positional)}


def _same_usable_name(old: Parameter, place: int, new: Parameter, other: int) -> bool:
    return old.name == new.name and old.kind in NAMED and new.kind in NAMED


def _same_place_without_name(old: Parameter, place: int, new: Parameter, other: int) -> bool:
    return place == other and ParameterKind.POSITIONAL_ONLY in (old.kind, new.kind)


def _same_name(old: Parameter, place: int, new: Parameter, other: int) -> bool:
    return old.name == new.name


def _same_place(old: Parameter, place: int, new: Parameter, other: int) -> bool:
    return place == other


_TESTS: tuple[_Test, ...] = (
    _same_usable_name,
    _same_place_without_name,
    _same_name,
    _same_place,
)


def _pair_lone_keyword(
    lost: list[Parameter], gained: list[Parameter], pairs: list[tuple[Parameter, Parameter]]
) -> None:
    before = [p for p in lost if p.kind is ParameterKind.KEYWORD_ONLY]
    after = [p for p in gained if p.kind is ParameterKind.KEYWORD_ONLY]
    if len(before) == len(after) == 1:
        pairs.append((before[0], after[0]))
        lost.remove(before[0])
        gained.remove(after[0])
