"""What the drivers of two hosts tell each other through core."""

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


def pack(pool: Pool, **more: Any) -> DriverData:
    """Data of this host's; pool and host are always named."""
    told = {"pool": pool.pool_uuid, "host": pool.host_uuid, **more}
    return DriverData(
        driver=_DRIVER, format=_FORMAT, content=json.dumps(told, sort_keys=True).encode()
    )


def unpack(data: DriverData, *needed: str) -> dict[str, Any]:
    """Data of another host's, of this pool or another one; raises Unsupported.

    Args:
        data: as core has carried it.
        *needed: what it has to name, beside pool and host.
    """
    offers.check_driver_data(data, _DRIVER, (_FORMAT,))
    try:
        found = json.loads(data.content)
    except ValueError as error:
        raise Unsupported("the data are not to be understood", field="data") from error
    if not isinstance(found, dict) or not {"pool", "host", *needed} <= found.keys():
        raise Unsupported("the data do not say what they should", field="data")
    return found
