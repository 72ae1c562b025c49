"""The driver's configuration options, and the frozen settings made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

__all__ = ["DEFAULT_GROUP", "Settings", "list_opts", "settings_from"]

DEFAULT_GROUP = "libvirt"
_NAME = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"

_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        "uri",
        default="qemu:///system",
        help="libvirt connection URI. Credentials for a remote host come from libvirt's own client "
        "configuration (auth.conf, TLS certificates, SSH keys), never from here.",
    ),
    cfg.StrOpt(
        "owner",
        default="nova",
        regex=f"^{_NAME}$",
        help="Marks the VMs of this deployment: two that share a host need different owners and "
        "different storage pools.",
    ),
    cfg.StrOpt(
        "virt_type",
        default="kvm",
        choices=[
            ("kvm", "hardware virtualization"),
            ("qemu", "software emulation, slow; for hosts without it"),
        ],
        help="How guests execute.",
    ),
    cfg.StrOpt(
        "machine_type",
        default="",
        help="Machine type of new VMs, for instance q35; empty: the host's default.",
    ),
    cfg.StrOpt(
        "storage_pool",
        default="nova-virt",
        regex=f"^{_NAME}$",
        help="Name of the libvirt storage pool, of type dir, for disks and images; made if it is "
        "missing. It belongs to the driver alone. A second one, with -console appended, has the "
        "console logs.",
    ),
    cfg.StrOpt(
        "storage_path",
        default="/var/lib/nova-virt",
        help="Directory of the storage pool, on the hypervisor's host.",
    ),
    cfg.StrOpt(
        "console_address",
        default="127.0.0.1",
        help="Where the consoles of new VMs listen, and where proxies find them: an address of the "
        "hypervisor's host. Serial consoles ask for no password, so that only proxies should reach "
        "it.",
    ),
    cfg.StrOpt(
        "storage_id",
        default="",
        help="Names the storage behind storage_path, if other hosts see it at the same path: all "
        "of them have the same name here. Empty: it is this host's own.",
    ),
    cfg.StrOpt(
        "peer_uri",
        default="",
        help="The libvirt connection URI by which the libvirtd of another host, and the driver "
        "there, reach this one, for instance qemu+tls://host-1.example/system; empty: no VMs come "
        "here by migration.",
    ),
    cfg.StrOpt(
        "migration_address",
        default="",
        help="The address at which this host takes the memory and disks of VMs that migrate to it; "
        "empty: the one of its host name.",
    ),
    cfg.IntOpt(
        "agent_answer_seconds",
        default=10,
        min=1,
        help="How long the agent in a guest may take to answer.",
    ),
    cfg.IntOpt(
        "keepalive_interval_seconds",
        default=5,
        min=1,
        help="After how many silent seconds libvirtd is asked for a sign of life.",
    ),
    cfg.IntOpt(
        "keepalive_count",
        default=3,
        min=1,
        help="After how many unanswered questions the connection counts as broken.",
    ),
    cfg.FloatOpt(
        "reconnect_interval_seconds",
        default=5.0,
        min=0.01,
        help="How often the driver tries to connect again while nobody calls it.",
    ),
    cfg.FloatOpt(
        "stale_upload_seconds",
        default=3600.0,
        min=60.0,
        help="When an unfinished image upload of another process, not written to for so long, "
        "counts as abandoned and is removed.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One backend; it holds no secret. See the options of the same names."""

    uri: str = "qemu:///system"
    owner: str = "nova"
    virt_type: str = "kvm"
    machine_type: str = ""
    storage_pool: str = "nova-virt"
    storage_path: str = "/var/lib/nova-virt"
    console_address: str = "127.0.0.1"
    storage_id: str = ""
    peer_uri: str = ""
    migration_address: str = ""
    agent_answer_seconds: int = 10
    keepalive_interval_seconds: int = 5
    keepalive_count: int = 3
    reconnect_interval_seconds: float = 5.0
    stale_upload_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for field in ("owner", "storage_pool"):
            text = getattr(self, field)
            if re.fullmatch(_NAME, text) is None:
                raise InvalidRequest(
                    f"option {field} is {text!r}",
                    remedy="use 1 to 32 of a-z, 0-9 and inner hyphens",
                    field=field,
                )
        if not self.storage_path.startswith("/"):
            raise InvalidRequest(
                f"option storage_path is {self.storage_path!r}",
                remedy="name a directory by its absolute path",
                field="storage_path",
            )


def settings_from(conf: cfg.ConfigOpts, group: str) -> Settings:
    """Register the options under ``group`` and read them; raises InvalidRequest."""
    conf.register_opts(_OPTIONS, group=group)
    section = conf[group]
    found = {}
    for field in fields(Settings):
        try:
            found[field.name] = section[field.name]
        except (cfg.Error, ValueError) as error:
            option = next(option for option in _OPTIONS if option.name == field.name)
            raise InvalidRequest(
                f"option [{group}] {field.name} is not valid",
                detail=str(error),
                remedy=f"it takes: {option.type}",
                field=field.name,
            ) from error
    return Settings(**found)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo.config's generators."""
    return [(DEFAULT_GROUP, list(_OPTIONS))]
