"""The driver's options, and the settings that are read from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit

from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

__all__ = ["DEFAULT_GROUP", "Settings", "list_opts", "settings_from"]

DEFAULT_GROUP = "xenapi"
_OWNER = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"

_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "url",
        default="https://localhost",
        help="Address of a host of the pool, https only. If it is not the pool's master, the "
        "driver goes on to the master by itself, on the same port.",
    ),
    cfg.StrOpt("username", default="root", help="Whom to log in as."),
    cfg.StrOpt("password", default="", secret=True, help="Password of the user."),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="File with the certificates (PEM) that vouch for the hosts: for a host with a "
        "certificate of its own making, that certificate. Empty: the authorities that requests "
        "ships with. Certificates are always verified.",
    ),
    cfg.StrOpt(
        "host",
        default="",
        help="Name or uuid of the pool's host that is this compute node: VMs are started on it. "
        "Empty: the pool's master.",
    ),
    cfg.StrOpt(
        "storage_repository",
        default="",
        help="Name or uuid of the storage repository for disks and images. Empty: the pool's "
        "default one.",
    ),
    cfg.StrOpt(
        "owner",
        default="nova",
        regex=f"^{_OWNER}$",
        help="Marks the VMs and images of this deployment: two that share a pool need different "
        "owners.",
    ),
    cfg.FloatOpt(
        "connect_timeout_seconds", default=10.0, min=0.1, help="How long connecting may take."
    ),
    cfg.FloatOpt(
        "call_timeout_seconds",
        default=120.0,
        min=0.1,
        help="How long the pool may take to answer a call. Long operations are not one call.",
    ),
    cfg.FloatOpt(
        "event_timeout_seconds",
        default=30.0,
        min=0.1,
        help="How long one question for events waits for an answer when nothing happens.",
    ),
    cfg.FloatOpt(
        "reconnect_interval_seconds",
        default=5.0,
        min=0.01,
        help="How often the driver tries to connect again while nobody calls it.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One backend. See the options of the same names."""

    url: str = "https://localhost"
    username: str = "root"
    password: str = field(default="", repr=False)
    ca_file: str = ""
    host: str = ""
    storage_repository: str = ""
    owner: str = "nova"
    connect_timeout_seconds: float = 10.0
    call_timeout_seconds: float = 120.0
    event_timeout_seconds: float = 30.0
    reconnect_interval_seconds: float = 5.0

    def __post_init__(self) -> None:
        if re.fullmatch(_OWNER, self.owner) is None:
            raise InvalidRequest(
                f"option owner is {self.owner!r}",
                remedy="use 1 to 32 of a-z, 0-9 and inner hyphens",
                field="owner",
            )
        address = urlsplit(self.url)
        if address.scheme != "https" or not address.hostname or address.username:
            raise InvalidRequest(
                "option url is no address of a host",
                remedy="it looks like https://host or https://host:port",
                field="url",
            )


def settings_from(conf: cfg.ConfigOpts, group: str) -> Settings:
    """Register the options under ``group`` and read them; raises InvalidRequest."""
    conf.register_opts(_OPTIONS, group=group)
    section = conf[group]
    found = {}
    for each in fields(Settings):
        try:
            found[each.name] = section[each.name]
        except (cfg.Error, ValueError) as error:
            option = next(option for option in _OPTIONS if option.name == each.name)
            raise InvalidRequest(
                f"option [{group}] {each.name} is not valid",
                detail=str(error),
                remedy=f"it takes: {option.type}",
                field=each.name,
            ) from error
    return Settings(**found)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo.config's generators."""
    return [(DEFAULT_GROUP, list(_OPTIONS))]
