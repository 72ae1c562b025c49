"""The driver's configuration options, and the frozen settings made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

__all__ = ["DEFAULT_GROUP", "Settings", "list_opts", "settings_from"]

DEFAULT_GROUP = "hyperv"
_OWNER = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
# Leaves room for the longest file name below it within Windows' 260 characters.
_STORAGE_PATH = r"[A-Za-z]:(\\[^\\/:*?\"<>|]+)+"
_LONGEST_STORAGE_PATH = 100

_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt("host", help="Name or address of the Hyper-V host, as its certificate has it."),
    cfg.PortOpt(
        "port", default=5986, help="Port of its WinRM service: 5986 with TLS, 5985 without."
    ),
    cfg.BoolOpt(
        "tls",
        default=True,
        help="Speak HTTPS. Without it every message is encrypted by what auth negotiates, and "
        "basic is refused.",
    ),
    cfg.StrOpt(
        "username",
        help="A Windows account of the host's groups Hyper-V Administrators and Remote Management "
        "Users that may write to the share; DOMAIN\\USER or USER@REALM for a domain account.",
    ),
    cfg.StrOpt("password", secret=True, help="The account's password."),
    cfg.StrOpt(
        "auth",
        default="negotiate",
        choices=[
            ("negotiate", "Kerberos if it can, else NTLM"),
            ("kerberos", "Kerberos only; needs pypsrp[kerberos]"),
            ("ntlm", "NTLM only"),
            ("basic", "a plain password inside TLS; off in Windows by default"),
        ],
        help="How to prove who the account is.",
    ),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="PEM file with the authorities that may sign the host's certificate; empty: those of "
        "this machine. The certificate is always verified.",
    ),
    cfg.StrOpt(
        "storage_path",
        default="C:\\nova-virt",
        help="Directory on the host for disks and images, as the host names it; it belongs to the "
        "driver alone.",
    ),
    cfg.StrOpt(
        "share",
        default="nova-virt",
        help="Name of the SMB share of that same directory, by which files are uploaded.",
    ),
    cfg.PortOpt("share_port", default=445, help="Port of the host's SMB service."),
    cfg.StrOpt(
        "owner",
        default="nova",
        regex=f"^{_OWNER}$",
        help="Marks the VMs of this deployment: two that share a host need different owners and "
        "different storage paths.",
    ),
    cfg.StrOpt(
        "storage_id",
        default="",
        help="Names the storage of storage_path, when other hosts have it, too (a cluster's shared "
        "volume): the same name on all of them, and the same storage_path. Empty: it is this "
        "host's own.",
    ),
    cfg.StrOpt(
        "secure_boot_template",
        default="272e7447-90a4-4563-a4b9-8e4ab00526ce",
        help="GUID of the template with the authorities that a VM with secure boot trusts: the "
        "default is that of Microsoft's UEFI certificate authority, which signs Linux; "
        "1734c6e8-3154-4dda-ba5f-a874cc483422 trusts Windows.",
    ),
    cfg.BoolOpt(
        "multipath",
        default=False,
        help="Log in to an iSCSI target by all of its portals. The host needs the feature "
        "Multipath-IO, which claims iSCSI disks (Enable-MSDSMAutomaticClaim).",
    ),
    cfg.FloatOpt(
        "dynamic_memory_ratio",
        default=1.0,
        min=1.0,
        help="With more than 1 VMs have dynamic memory: they start with their memory divided by "
        "it, and Hyper-V gives them the rest when their guests need it. No VM has NUMA cells then.",
    ),
    cfg.IntOpt(
        "timeout_seconds", default=60, min=5, help="How long the host may take to answer a request."
    ),
    cfg.FloatOpt(
        "poll_interval_seconds",
        default=5.0,
        min=0.05,
        help="How often the driver looks for changes that others made. One request each time.",
    ),
    cfg.FloatOpt(
        "stale_upload_seconds",
        default=3600.0,
        min=60.0,
        help="When an unfinished image upload, not written to for so long, counts as abandoned "
        "and is removed.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One backend. See the options of the same names."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 5986
    tls: bool = True
    auth: str = "negotiate"
    ca_file: str = ""
    storage_path: str = "C:\\nova-virt"
    share: str = "nova-virt"
    share_port: int = 445
    owner: str = "nova"
    storage_id: str = ""
    secure_boot_template: str = "272e7447-90a4-4563-a4b9-8e4ab00526ce"
    multipath: bool = False
    dynamic_memory_ratio: float = 1.0
    timeout_seconds: int = 60
    poll_interval_seconds: float = 5.0
    stale_upload_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("host", "username", "password", "share"):
            _require(bool(getattr(self, name)), name, "is empty", "it is needed")
        _require(
            self.tls or self.auth != "basic",
            "auth",
            "is basic, which sends the password as it is",
            "use it with tls only",
        )
        _require(
            self.dynamic_memory_ratio >= 1,
            "dynamic_memory_ratio",
            f"is {self.dynamic_memory_ratio}",
            "use 1 for memory that is all there from the start, or more",
        )
        _require(
            re.fullmatch(_OWNER, self.owner) is not None,
            "owner",
            f"is {self.owner!r}",
            "use 1 to 32 of a-z, 0-9 and inner hyphens",
        )
        _require(
            re.fullmatch(_STORAGE_PATH, self.storage_path) is not None
            and len(self.storage_path) <= _LONGEST_STORAGE_PATH,
            "storage_path",
            f"is {self.storage_path!r}",
            f"name a directory with its drive, at most {_LONGEST_STORAGE_PATH} characters",
        )


def _require(condition: bool, field: str, problem: str, remedy: str) -> None:
    if not condition:
        raise InvalidRequest(f"option {field} {problem}", remedy=remedy, field=field)


def settings_from(conf: cfg.ConfigOpts, group: str) -> Settings:
    """Register the options under ``group`` and read them; raises InvalidRequest."""
    conf.register_opts(_OPTIONS, group=group)
    section = conf[group]
    found = {}
    for item in fields(Settings):
        try:
            found[item.name] = section[item.name]
        except (cfg.Error, ValueError) as error:
            option = next(option for option in _OPTIONS if option.name == item.name)
            raise InvalidRequest(
                f"option [{group}] {item.name} is not valid",
                detail="" if option.secret else str(error),
                remedy=f"it takes: {option.type}",
                field=item.name,
            ) from error
    return Settings(**found)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo.config's generators."""
    return [(DEFAULT_GROUP, list(_OPTIONS))]
