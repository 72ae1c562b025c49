"""What docstrings say: the text, what is raised, and since when something is deprecated."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from abc_interface_checker.source.modules import string_of

__all__ = ["cleaned", "deprecation", "docstring", "following_doc", "raised"]

_ENTRY = re.compile(r"[*`:~!\w.]*?([A-Za-z_][\w.]*)`*")
_SPHINX = re.compile(r":(?:raises?|exception|except)\s+([A-Za-z_][\w.]*)\s*:")
_DEPRECATED = re.compile(r"\.\.\s+deprecated::[ \t]*(.*)")
_PARENTHESES = re.compile(r"\([^()]*\)")
_NOTHING = frozenset({"nothing", "none"})


def docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The text of a module's, class's or function's docstring; empty without one."""
    first = node.body[0] if node.body else None
    text = string_of(first.value) if isinstance(first, ast.Expr) else None
    return cleaned(text) if text else ""


def following_doc(body: list[ast.stmt], index: int) -> str:
    """The text of the string that stands right behind the statement ``body[index]``."""
    follower = body[index + 1] if index + 1 < len(body) else None
    text = string_of(follower.value) if isinstance(follower, ast.Expr) else None
    return cleaned(text) if text else ""


def cleaned(text: str) -> str:
    """A docstring without the indentation of the source and without empty lines around it."""
    first, *others = text.expandtabs().split("\n")
    margins = [len(line) - len(line.lstrip()) for line in others if line.strip()]
    margin = min(margins, default=0)
    lines = [first.strip(), *(line[margin:].rstrip() for line in others)]
    return "\n".join(lines).strip("\n")


def deprecation(doc: str) -> str | None:
    """What a ``.. deprecated::`` line and the lines that belong to it say."""
    lines = doc.split("\n")
    for index, line in enumerate(lines):
        match = _DEPRECATED.match(line.strip())
        if match:
            indent = len(line) - len(line.lstrip())
            return " ".join([match[1], *_indented(lines[index + 1 :], indent)]).strip()
    return None


def raised(doc: str, resolve: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """The exceptions that a docstring lists, by absolute name and sorted; None: it lists none.

    Args:
        doc: its text. It has a block ``Raises:`` of lines ``NAME: why``, or a paragraph ``Raises:
            A; B (why)``, or fields ``:raises NAME:``; ``Raises: nothing`` is an empty list.
        resolve: absolute name of an exception, or None. What has none is prose, and skipped.
    """
    listed: list[str] = []
    says_nothing = False
    lines = doc.split("\n")
    for index, line in enumerate(lines):
        stripped = line.strip()
        listed += _SPHINX.findall(stripped)
        if not stripped.startswith("Raises:"):
            continue
        text = stripped.removeprefix("Raises:")
        indent = len(line) - len(line.lstrip())
        if text.strip():
            paragraph = " ".join([text, *_paragraph(lines[index + 1 :])])
            says_nothing |= paragraph.strip(" .").lower() in _NOTHING
            listed += _in_paragraph(paragraph)
        else:
            listed += _in_block(lines[index + 1 :], indent)
    names = {name for name in map(resolve, listed) if name}
    return tuple(sorted(names)) if names or says_nothing else None


def _paragraph(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            return
        yield line.strip()


def _in_paragraph(text: str) -> Iterator[str]:
    """The first word of each of the parts that ``;`` or ``,`` divide."""
    while _PARENTHESES.search(text):
        text = _PARENTHESES.sub(" ", text)
    for part in re.split("[;,]", text):
        match = _ENTRY.match(part.strip())
        if match:
            yield match[1].rstrip(".")


def _in_block(lines: list[str], indent: int) -> Iterator[str]:
    """The names before the colons of a block, without the lines that go on about one."""
    inner: int | None = None
    for line in lines:
        if not line.strip():
            continue
        own = len(line) - len(line.lstrip())
        if own <= indent:
            return
        inner = own if inner is None else inner
        if own == inner:
            for part in line.partition(":")[0].split(","):
                match = _ENTRY.match(part.strip())
                if match:
                    yield match[1].rstrip(".")


def _indented(lines: list[str], indent: int) -> Iterator[str]:
    for line in lines:
        if not line.strip() or len(line) - len(line.lstrip()) <= indent:
            return
        yield line.strip()
