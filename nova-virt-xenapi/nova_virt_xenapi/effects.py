"""What a call that succeeded will show in the records: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Effect", "Outstanding", "effect_of"]

Row = dict[str, Any]
Holds = Callable[[Row | None], bool]


@dataclass(frozen=True, eq=False)
class Effect:
    """That a record is there, is not there, or says what was written."""

    class_name: str
    ref: str
    holds: Holds
    """Whether the record, None for one that is not there, shows it."""


# Whoever calls them waits for what they bring.
_AWAITED: Final = ("SR.scan",)


class Outstanding:
    """The effects that the records do not show yet. Of one record the last one counts."""

    def __init__(self) -> None:
        self._effects: dict[tuple[str, str], Effect] = {}

    def add(self, effect: Effect) -> None:
        """Wait for an effect."""
        self._effects[effect.class_name, effect.ref] = effect

    def all(self) -> list[Effect]:
        """What is waited for now."""
        return list(self._effects.values())

    def of(self, effects: list[Effect]) -> list[Effect]:
        """Those that are still waited for."""
        return [
            effect
            for effect in effects
            if self._effects.get((effect.class_name, effect.ref)) is effect
        ]

    def drop(self, effects: list[Effect]) -> None:
        """Wait for these no more."""
        for effect in self.of(effects):
            del self._effects[effect.class_name, effect.ref]

    def drop_seen(self, rows: Mapping[str, Mapping[str, Row]]) -> None:
        """Wait no more for what the records show."""
        self.drop(
            [
                effect
                for effect in self.all()
                if effect.holds(rows[effect.class_name].get(effect.ref))
            ]
        )


def effect_of(method: str, arguments: Sequence[Any], result: Any) -> Effect | None:
    """The effect of a message; None if only a marker shows that all of it was seen."""
    if method in _AWAITED:
        return Effect("SR", arguments[0], lambda row: True)
    class_name, _, verb = method.partition(".")
    make = _VERBS.get(verb)
    return None if make is None else Effect(class_name, *make(arguments, result))


def _made(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    return str(result), lambda row: row is not None


def _gone(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    return arguments[0], lambda row: row is None


def _says(field: str, value: Any) -> Callable[[Sequence[Any], Any], tuple[str, Holds]]:
    return lambda arguments, result: (
        arguments[0],
        lambda row: row is not None and row[field] == value,
    )


def _configured(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    ref, config = arguments
    return ref, lambda row: row is not None and row["other_config"] == config


def _added(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    ref, key, value = arguments
    return ref, lambda row: row is not None and row["other_config"].get(key) == value


def _removed(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    ref, key = arguments
    return ref, lambda row: row is not None and key not in row["other_config"]


def _resized(arguments: Sequence[Any], result: Any) -> tuple[str, Holds]:
    ref, size = arguments
    return ref, lambda row: row is not None and int(row["virtual_size"]) >= int(size)


_VERBS: Final[dict[str, Callable[[Sequence[Any], Any], tuple[str, Holds]]]] = {
    "create": _made,
    "clone": _made,
    "snapshot": _made,
    "introduce": _made,
    "destroy": _gone,
    "forget": _gone,
    "plug": _says("currently_attached", True),
    "unplug": _says("currently_attached", False),
    "enable": _says("enabled", True),
    "disable": _says("enabled", False),
    "set_other_config": _configured,
    "add_to_other_config": _added,
    "remove_from_other_config": _removed,
    "resize": _resized,
    "resize_online": _resized,
}
