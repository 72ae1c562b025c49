"""A simulated Hyper-V host: a process that speaks WS-Management on a loopback port.

Classes, properties and value maps are those of Microsoft's public documentation; see
``schema.mof``. It shares no code and no constant with the driver.
"""

from __future__ import annotations

__all__: list[str] = []
