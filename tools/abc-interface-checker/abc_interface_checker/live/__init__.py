"""What live objects are: interfaces, and the classes, objects and modules that implement them."""

from __future__ import annotations

__all__: list[str] = []
