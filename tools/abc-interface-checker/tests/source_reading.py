"""What the tests of the reader share: packages out of texts."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from abc_interface_checker.model import Enumeration, Interface, Method, Package, Value
from abc_interface_checker.source.reader import Read, Reading, read_package
from abc_interface_checker.source.signatures import signature_text
from abc_interface_checker.source.sources import Sources

__all__ = [
    "enumeration",
    "interface",
    "method",
    "read_files",
    "read_text",
    "signature",
    "sound",
    "value",
]


def read_files(files: dict[str, str], **reading: Any) -> Read:
    """Read files by name."""
    sources = Sources.from_texts({name: dedent(text) for name, text in files.items()})
    return read_package(sources, Reading(**reading))


def read_text(text: str, **reading: Any) -> Read:
    """Read one module, ``m``."""
    return read_files({"m.py": text}, **reading)


def sound(text: str, **reading: Any) -> Package:
    """The package of one module in which nothing is wrong."""
    read = read_text(text, **reading)
    if read.findings or read.could_not_check:
        raise AssertionError((read.findings, read.could_not_check))
    return read.package


def interface(text: str, name: str = "Thing", **reading: Any) -> Interface:
    """One interface of the module."""
    return sound(text, **reading).interfaces[f"m.{name}"]


def method(text: str, name: str = "run") -> Method:
    """One method of the interface ``Thing``."""
    return next(each for each in interface(text).methods if each.name == name)


def signature(text: str, name: str = "run") -> str:
    """The signature of a method of the interface ``Thing``, as text."""
    return signature_text(method(text, name).signature)


def value(text: str, name: str = "Size") -> Value:
    """One value of the module."""
    return sound(text).values[f"m.{name}"]


def enumeration(text: str, name: str = "Colour") -> Enumeration:
    """One enumeration of the module."""
    return sound(text).enumerations[f"m.{name}"]
