"""What drivers of two Hyper-V hosts tell each other; pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.migration import DriverData

__all__ = ["packed", "unpacked"]

_DRIVER = "hyperv"
_FORMAT = 1


def packed(content: Mapping[str, object] | None = None) -> DriverData:
    """Data for the other host's driver."""
    text = json.dumps(content or {}, sort_keys=True)
    return DriverData(driver=_DRIVER, format=_FORMAT, content=text.encode())


def unpacked(data: DriverData) -> dict[str, str]:
    """Read what the other host's driver says; refuses what this one does not know (MIG-1)."""
    if (data.driver, data.format) != (_DRIVER, _FORMAT):
        raise Unsupported(
            f"the other host's driver speaks {data.driver} {data.format}, this one {_DRIVER} "
            f"{_FORMAT}",
            remedy="bring both to versions that know each other",
            field="data",
        )
    try:
        found = json.loads(data.content)
    except ValueError as error:
        raise Unsupported("the other host's data are damaged", field="data") from error
    if not isinstance(found, dict):
        raise Unsupported("the other host's data are damaged", field="data")
    return {str(name): str(text) for name, text in found.items()}
