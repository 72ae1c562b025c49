"""What the reference driver of one host tells that of another."""

from __future__ import annotations

import json

from nova_virt_interface import offers
from nova_virt_interface.values.migration import DriverData

__all__ = ["DRIVER", "pack", "unpack"]

DRIVER = "reference"
_FORMAT = 1


def pack(**facts: str) -> DriverData:
    """The data that say this."""
    return DriverData(driver=DRIVER, format=_FORMAT, content=json.dumps(facts).encode())


def unpack(data: DriverData) -> dict[str, str]:
    """What the data say. Raises: Unsupported."""
    offers.check_driver_data(data, DRIVER, (_FORMAT,))
    facts: dict[str, str] = json.loads(data.content)
    return facts
