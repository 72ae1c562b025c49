"""Mocks: one that has a specification is as good as that; one without is no implementation."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["is_mock", "specification"]


def is_mock(value: object) -> bool:
    """Whether it is one of ``unittest.mock``'s."""
    module = sys.modules.get("unittest.mock")
    # A mock lies about its class when it is asked for it; its type is the truth.
    return module is not None and issubclass(type(value), module.NonCallableMock)


def specification(mock: object) -> type | None:
    """The class whose names a mock has; None: it has any name that it is asked for, or a mere list
    of them.
    """
    state: dict[str, Any] = object.__getattribute__(mock, "__dict__")
    found = state.get("_spec_class")
    return found if isinstance(found, type) else None
