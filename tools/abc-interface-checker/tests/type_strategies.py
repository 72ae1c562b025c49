"""Types for tests: texts in canonical spelling, and a few classes."""

from __future__ import annotations

from hypothesis import strategies as st

from abc_interface_checker.types.expressions import parse, render

__all__ = ["CLASSES", "TableOfClasses", "types"]

CLASSES = {
    "p.Animal": ("object",),
    "p.Cat": ("p.Animal",),
    "p.Dog": ("p.Animal",),
    "p.Flying": ("typing.Protocol",),
    "p.Color": ("enum.Enum",),
    "enum.Enum": ("object",),
}


class TableOfClasses:
    """Only the classes of the table are known."""

    def bases(self, name: str) -> tuple[str, ...] | None:
        return CLASSES.get(name)


_LEAVES = (
    "None",
    "bool",
    "bytes",
    "float",
    "int",
    "object",
    "p.Animal",
    "p.Cat",
    "p.Color",
    "p.Dog",
    "p.Flying",
    "p.Nobody",
    "str",
    "typing.Literal['a']",
    "typing.Literal['a', 'b']",
    "typing.Literal[1]",
    "typing.Literal[p.Color.RED]",
)


def types(leaves: tuple[str, ...] = _LEAVES) -> st.SearchStrategy[str]:
    """Types that are built of the leaves."""

    def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.tuples(inner, inner).map(" | ".join),
            inner.map("list[{}]".format),
            inner.map("collections.abc.Sequence[{}]".format),
            inner.map("tuple[{}, ...]".format),
            st.lists(inner, min_size=1, max_size=2).map(lambda each: f"tuple[{', '.join(each)}]"),
            st.tuples(inner, inner).map(lambda each: f"dict[{each[0]}, {each[1]}]"),
            st.tuples(st.lists(inner, max_size=2), inner).map(
                lambda each: f"collections.abc.Callable[[{', '.join(each[0])}], {each[1]}]"
            ),
        )

    made = st.recursive(st.sampled_from(leaves), nested, max_leaves=6)
    return made.map(lambda text: render(parse(text)))
