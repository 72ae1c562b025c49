"""How the known cases of implementations are written down."""

from __future__ import annotations

import enum
import textwrap
from dataclasses import dataclass

__all__ = [
    "ABSTRACT",
    "CASES",
    "HEAD",
    "NONE",
    "ONE",
    "PROTOCOL",
    "Case",
    "Verdict",
    "accept",
    "reject",
    "warn",
]


class Verdict(enum.Enum):
    """What is to be said of an implementation."""

    REJECT = "reject"
    ACCEPT = "accept"
    WARN = "warn"
    """It cannot be told."""


@dataclass(frozen=True)
class Case:
    """One contract and one implementation; the classes are ``IThing`` and ``Thing``."""

    name: str
    verdict: Verdict
    contract: str
    implementation: str
    rules: frozenset[str]


CASES: list[Case] = []

_ZOPE = """\
import enum
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from zope.interface import Attribute, Interface, Invalid, invariant, taggedValue

class IThing(Interface):
"""
PROTOCOL = """\
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

class IThing(Protocol):
"""
ABSTRACT = """\
from abc import ABC, abstractmethod

class IThing(ABC):
"""
HEAD = """\
import abc, contextlib, functools, types
from collections.abc import *
from dataclasses import dataclass
from typing import NamedTuple
from unittest.mock import MagicMock, Mock, create_autospec
from zope.interface import Interface, directlyProvides, implementer, implementer_only, provider

from {contract} import *
from {contract} import IThing

"""


def _add(
    verdict: Verdict,
    name: str,
    contract: str,
    implementation: str,
    rules: str = "",
    *,
    head: str = _ZOPE,
) -> None:
    """``implementation`` is a class body, or a whole module if it defines ``Thing`` itself."""
    body = textwrap.dedent(implementation).strip("\n")
    if "Thing" not in body:
        declared = "@implementer(IThing)\nclass Thing:\n" if head is _ZOPE else "class Thing:\n"
        body = declared + textwrap.indent(body, "    ")
    interface = contract if head == "" else head + textwrap.indent(contract, "    ")
    CASES.append(Case(name, verdict, interface + "\n", body + "\n", frozenset(rules.split())))


def reject(name: str, contract: str, implementation: str, rules: str, head: str = _ZOPE) -> None:
    _add(Verdict.REJECT, name, contract, implementation, rules, head=head)


def accept(name: str, contract: str, implementation: str, head: str = _ZOPE) -> None:
    _add(Verdict.ACCEPT, name, contract, implementation, head=head)


def warn(name: str, contract: str, implementation: str, rules: str, head: str = _ZOPE) -> None:
    _add(Verdict.WARN, name, contract, implementation, rules, head=head)


ONE = 'def start(timeout): "Start it."'
NONE = 'def start(): "Start it."'
