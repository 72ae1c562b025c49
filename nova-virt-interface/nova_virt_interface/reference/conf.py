"""The reference driver's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Settings", "settings_from"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which host in memory to connect to, and whose VMs are ours there."""

    host: str
    owner: str = "nova"


def settings_from(conf: Any, group: str) -> Settings:
    """The host has the name of the configuration group; there are no options."""
    return Settings(host=group)
