"""Everything that crosses the contract: frozen, typed values with units in their names, one module
per subject.
"""

from __future__ import annotations

__all__: list[str] = []
