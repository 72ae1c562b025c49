"""The driver's configuration options, and the frozen settings made from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.secret import Secret
from oslo_config import cfg

__all__ = ["DEFAULT_GROUP", "Settings", "list_opts", "settings_from"]

DEFAULT_GROUP = "vmware"
_THUMBPRINT = "([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}"
_OWNER = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"

_OPTIONS: list[cfg.Opt] = [
    cfg.HostAddressOpt("host", help="Name or address of the vCenter, or of a standalone ESXi."),
    cfg.PortOpt("port", default=443, help="Port of its HTTPS service."),
    cfg.StrOpt("username", default="", help="Who logs in, for instance nova@vsphere.local."),
    cfg.StrOpt("password", default="", secret=True, help="The password of the user."),
    cfg.StrOpt(
        "ca_file",
        default="",
        help="PEM file of the authorities that may have signed the server's certificate; empty: "
        "those that this machine trusts.",
    ),
    cfg.BoolOpt(
        "verify_certificate",
        default=True,
        help="Whether the server must prove who it is. Without, whoever is on the way gets the "
        "password.",
    ),
    cfg.StrOpt(
        "thumbprint",
        default="",
        help="SHA-256 of the server's certificate, in hexadecimal: it is trusted whoever signed "
        "it, and no other one is; empty: who signed it counts.",
    ),
    cfg.StrOpt(
        "cluster",
        default="",
        help="Name of the cluster, or of the host outside of any cluster, that is the compute "
        "node; empty: the only one there is.",
    ),
    cfg.StrOpt(
        "datastore",
        default="",
        help="Name of the datastore for disks and images, which all hosts of the cluster must "
        "reach; empty: the only one there is.",
    ),
    cfg.StrOpt(
        "datastore_regex",
        default="",
        help="Regular expression that the beginning of the datastore's name matches, instead of "
        "its name. Of several it is the one that has the driver's files, else the one with the "
        "most room.",
    ),
    cfg.StrOpt(
        "storage_policy",
        default="",
        help="Name of the vCenter's storage policy for VMs and their disks, which the datastore "
        "must fit; empty: the datastore's own.",
    ),
    cfg.BoolOpt(
        "packed_images",
        default=False,
        help="Whether VMDK images go packed, by NFC leases, to a host of the cluster itself, which "
        "must be reached from here; else they are unpacked on the way, and go through vCenter.",
    ),
    cfg.BoolOpt(
        "linked_clones",
        default=False,
        help="Whether a disk that is as large as its image has only what differs from it: it is "
        "there at once, and the image stays as long as the disk. Else disks are whole copies.",
    ),
    cfg.StrOpt(
        "owner",
        default="nova",
        regex=f"^{_OWNER}$",
        help="Marks the VMs of this deployment: two that share a vCenter need different owners.",
    ),
    cfg.FloatOpt(
        "request_timeout_seconds",
        default=60.0,
        min=5.0,
        help="After how many seconds without a sign of life a request counts as unanswered.",
    ),
    cfg.FloatOpt(
        "reconnect_interval_seconds",
        default=5.0,
        min=0.01,
        help="How often the driver tries to connect again while nobody calls it.",
    ),
    cfg.BoolOpt(
        "list_from_cache",
        default=True,
        help="Whether the list of all VMs is what the server has told, without a question: what "
        "others did a moment ago may be missing.",
    ),
    cfg.FloatOpt(
        "stale_upload_seconds",
        default=3600.0,
        min=60.0,
        help="When an unfinished upload of an image, not written to for so long, counts as "
        "abandoned and is removed.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One vCenter or ESXi, and the compute node behind it. See the options of the same names."""

    host: str
    username: str
    password: Secret
    port: int = 443
    ca_file: str = ""
    verify_certificate: bool = True
    thumbprint: str = ""
    cluster: str = ""
    datastore: str = ""
    datastore_regex: str = ""
    storage_policy: str = ""
    packed_images: bool = False
    linked_clones: bool = False
    owner: str = "nova"
    request_timeout_seconds: float = 60.0
    reconnect_interval_seconds: float = 5.0
    list_from_cache: bool = True
    stale_upload_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for field in ("host", "username"):
            if not getattr(self, field):
                raise _wrong(field, "is empty", "set it in the configuration")
        if self.datastore and self.datastore_regex:
            raise _wrong("datastore_regex", "and datastore are both set", "leave one of them empty")
        try:
            re.compile(self.datastore_regex)
        except re.error as error:
            problem = f"is no regular expression: {error}"
            raise _wrong("datastore_regex", problem, "correct it") from error
        if re.fullmatch(_OWNER, self.owner) is None:
            remedy = "use 1 to 32 of a-z, 0-9 and inner hyphens"
            raise _wrong("owner", f"is {self.owner!r}", remedy)
        if self.thumbprint and re.fullmatch(_THUMBPRINT, self.thumbprint) is None:
            remedy = "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256 tells it"
            raise _wrong("thumbprint", "is no SHA-256", remedy)


def _wrong(field: str, problem: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"option {field} {problem}", remedy=remedy, field=field)


def settings_from(conf: cfg.ConfigOpts, group: str) -> Settings:
    """Register the options under ``group`` and read them; raises InvalidRequest."""
    conf.register_opts(_OPTIONS, group=group)
    section = conf[group]
    found: dict[str, Any] = {}
    for field in fields(Settings):
        try:
            found[field.name] = section[field.name]
        except (cfg.Error, ValueError) as error:
            raise InvalidRequest(
                f"option [{group}] {field.name} is not valid", detail=str(error), field=field.name
            ) from error
    return Settings(**found | {"password": Secret(found["password"])})


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo.config's generators."""
    return [(DEFAULT_GROUP, list(_OPTIONS))]
