"""Core's options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nova_virt_interface.errors import InvalidRequest
from oslo_config import cfg

__all__ = ["GROUP", "backend_named", "driver_of", "list_opts", "register"]

GROUP: Final = cfg.OptGroup("nova_core_stub", title="What core does with hypervisor drivers")

_OPTIONS: Final = [
    cfg.StrOpt(
        "backend",
        help="The backend to use: the name of a section of this file that holds the options of one "
        "driver, or the name of a driver.",
    ),
    cfg.StrOpt(
        "image_store",
        default="",
        help="Where images are: a directory, or a web address, under which each image has its id "
        "as name.",
    ),
    cfg.StrOpt(
        "image_store_ca_file",
        help="Certificates to trust when the image store is asked by HTTPS, instead of the usual.",
    ),
    cfg.FloatOpt(
        "image_store_timeout_seconds",
        default=30.0,
        min=0.1,
        help="How long the image store may be silent.",
    ),
    cfg.FloatOpt(
        "call_timeout_seconds",
        default=600.0,
        min=0.1,
        help="How long a command may take.",
    ),
]
_EXAMPLE: Final = cfg.OptGroup(
    "backend",
    title="One backend",
    help="There may be any number of sections like this one, each named as you like. Put the "
    "driver's own options into it, too; they are listed in the section of the driver's name.",
)
_BACKEND_OPTIONS: Final = [
    cfg.StrOpt(
        "driver",
        help="The driver of this backend. A section that names none is taken for the driver of its "
        "own name.",
    ),
]


def list_opts() -> list[tuple[cfg.OptGroup, Sequence[cfg.Opt]]]:
    """The options, as oslo.config's sample generator wants them."""
    return [(GROUP, _OPTIONS), (_EXAMPLE, _BACKEND_OPTIONS)]


def register(conf: cfg.ConfigOpts) -> None:
    """Add core's own options to a configuration."""
    conf.register_group(GROUP)
    conf.register_opts(_OPTIONS, group=GROUP)


def backend_named(conf: cfg.ConfigOpts, name: str | None = None) -> str:
    """The section that holds a backend's options.

    Args:
        conf: a configuration with core's options.
        name: asked for by whoever started core; None for the configured one.

    Raises: InvalidRequest.
    """
    backend = name or conf[GROUP.name].backend
    if not backend:
        raise InvalidRequest(
            "no backend is chosen",
            remedy=f"name a driver with --backend, or set backend in [{GROUP.name}]",
            field="backend",
        )
    return str(backend)


def driver_of(conf: cfg.ConfigOpts, backend: str) -> str:
    """The name of a backend's driver."""
    conf.register_opts(_BACKEND_OPTIONS, group=backend)
    return str(conf[backend].driver or backend)
