"""What the simulated host is made of: rows of classes, references to them, refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nova_virt_hyperv.testing.simulator.schema import CimClass

__all__ = ["Effect", "JobFailed", "Outcome", "Ref", "Refused", "Row", "WsFault"]

Effect = Callable[[], None]


@dataclass(frozen=True)
class Ref:
    """Names one row."""

    namespace: str
    class_name: str
    keys: tuple[tuple[str, str], ...]


@dataclass(eq=False)
class Row:
    """An instance of a class. A value is a text, number, truth value, `Ref`, list or None."""

    cls: CimClass
    values: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.cls.properties:
            raise KeyError(f"{self.cls.name} has no property {name}")
        self.values[name] = value

    @property
    def ref(self) -> Ref:
        """The reference that names it."""
        keys = tuple((key, str(self.values[key])) for key in self.cls.keys)
        return Ref(self.cls.namespace, self.cls.name, keys)

    def is_named(self, keys: Mapping[str, str]) -> bool:
        """Whether these keys, in any case and maybe not all, are its own."""
        own = {key.lower(): str(self.values.get(key, "")).lower() for key in self.cls.keys}
        return all(own.get(name.lower()) == text.lower() for name, text in keys.items())


class Refused(Exception):
    """A method returns this code instead of 0; nothing was done."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(code, why)
        self.code = code


class JobFailed(Exception):
    """A job ends in an exception with this code and text."""

    def __init__(self, text: str, code: int = 32768) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class WsFault(Exception):
    """A SOAP fault.

    Args:
        subcode: prefixed, for instance ``a:DestinationUnreachable``.
        code: of WS-Management, or an HRESULT of WMI.
        text: for people.
        is_wmi: told in WMI's form of detail (MSFT_WmiError), else in WinRM's (WSManFault).
    """

    def __init__(self, subcode: str, code: int, text: str, *, is_wmi: bool = False) -> None:
        super().__init__(subcode, code, text)
        self.subcode = subcode
        self.code = code
        self.text = text
        self.is_wmi = is_wmi


@dataclass
class Outcome:
    """What a method returns."""

    code: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
