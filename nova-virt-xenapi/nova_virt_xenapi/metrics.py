"""What the hosts measure: the newest row of their round-robin archives, by one HTTP request."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests
from nova_virt_interface.errors import BackendError

from nova_virt_xenapi.pool import Pool
from nova_virt_xenapi.session import Session

__all__ = ["Measures", "Metrics", "measures", "moment"]

# Archives are sampled every 5 s; a host that is busy may be late by one or two.
_BACK_SECONDS: Final = 20
_CLOCK_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Measures:
    """The newest values, by ``vm`` or ``host``, uuid and name."""

    at: datetime
    """By the host's clock."""
    values: dict[tuple[str, str], dict[str, float]]
    rows: int = 1
    """How many there were."""

    def of(self, kind: str, uuid: str) -> dict[str, float]:
        """What was measured of one VM or host; empty for one that is not measured."""
        return self.values.get((kind, uuid), {})


class Metrics:
    """Asks the host that is this compute node."""

    def __init__(self, session: Session, pool: Pool) -> None:
        self._session = session
        self._pool = pool
        self._clock: tuple[float, datetime] | None = None

    def read(self, vm: str = "all", *, host: bool = False) -> Measures:
        """Ask for one VM by xapi's uuid, or all that run on the host."""
        now = self.now()
        query = {
            "start": str(int(now.timestamp()) - _BACK_SECONDS),
            "cf": "AVERAGE",
            "host": "true" if host else "false",
            "vm_uuid": vm,
            "json": "true",
        }
        body = self._session.get("/rrd_updates", query, _whole, host=self._pool.host_address)
        found = measures(now, body)
        if not found.rows:
            # The host's clock may have been set.
            self._clock = None
        return found

    def now(self) -> datetime:
        """The time by the host's clock, which is asked for once an hour."""
        here = time.monotonic()
        if self._clock is None or here - self._clock[0] > _CLOCK_SECONDS:
            asked = moment(self._session.call("host.get_servertime", self._pool.host))
            self._clock = here, asked
        then, host = self._clock
        return host + timedelta(seconds=here - then)


def _whole(response: requests.Response) -> bytes:
    content: bytes = response.content
    return content


def moment(sent: object) -> datetime:
    """A time as XML-RPC has it: by the host's clock, in UTC."""
    return datetime.strptime(str(sent).rstrip("Z"), "%Y%m%dT%H:%M:%S").replace(tzinfo=UTC)


def measures(at: datetime, body: bytes) -> Measures:
    """Read what ``/rrd_updates`` answered: of every column the newest value that is a number."""
    try:
        found = json.loads(body)
        legend = [str(name).split(":", 3) for name in found["meta"]["legend"]]
        rows = sorted(found["data"], key=lambda row: row["t"])
        values: dict[tuple[str, str], dict[str, float]] = {}
        for row in rows:
            for parts, content in zip(legend, row["values"], strict=True):
                number = _number(content)
                if len(parts) == 4 and number is not None:
                    values.setdefault((parts[1], parts[2]), {})[parts[3]] = number
    except (ValueError, KeyError, TypeError) as error:
        raise BackendError(
            "the host's measures are not to be understood", detail=repr(error)
        ) from error
    return Measures(at, values, len(rows))


def _number(content: Any) -> float | None:
    """xcp-rrdd writes what was not measured as NaN, with or without quotes, or null."""
    number = float("nan") if content is None else float(content)
    return number if math.isfinite(number) else None
