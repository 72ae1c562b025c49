"""What the drivers of two hosts of a pool tell each other through core."""

from __future__ import annotations

import json
from typing import Any, Final

from nova_virt_interface import offers
from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.migration import DriverData

from nova_virt_xenapi.pool import Pool

__all__ = ["pack", "unpack"]

_DRIVER: Final = "xenapi"
_FORMAT: Final = 1


def pack(pool: Pool, **more: str) -> DriverData:
    """Data of this host's; the pool is always named."""
    content = json.dumps({"pool": pool.pool_uuid, **more}, sort_keys=True).encode()
    return DriverData(driver=_DRIVER, format=_FORMAT, content=content)


def unpack(data: DriverData, pool: Pool) -> dict[str, Any]:
    """Data of another host of the pool; raises Unsupported."""
    offers.check_driver_data(data, _DRIVER, (_FORMAT,))
    try:
        found: dict[str, Any] = json.loads(data.content)
        other = found["pool"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unsupported("the data are not to be understood", field="data") from error
    if other != pool.pool_uuid:
        raise Unsupported(
            "the other host belongs to another pool",
            remedy="use a host of this pool",
            field="data",
        )
    return found
