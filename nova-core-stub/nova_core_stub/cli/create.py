"""``server create``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from nova_virt_interface.errors import InvalidRequest
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.images import DiskFormat
from nova_virt_interface.values.instances import (
    Checksum,
    Flavor,
    GuestMetadata,
    Image,
    Port,
    SpawnRequest,
)
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicModel

from nova_core_stub.cli.base import CoreShowOne
from nova_core_stub.cli.servers import COLUMNS, described

__all__ = ["Create"]

MIB = 1024**2
GIB = 1024**3


class Create(CoreShowOne):
    """Make a server from an image and start it.

    Repeated with the same --uuid and the same options it changes nothing.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add the command's options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="The server's name.")
        parser.add_argument("--uuid", type=UUID, help="The server's uuid (default: a new one).")
        _add_image_options(parser)
        _add_flavor_options(parser)
        _add_guest_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Do it."""
        instance_uuid = parsed_args.uuid or uuid4()
        request = SpawnRequest(
            name=parsed_args.name,
            flavor=_flavor(parsed_args),
            image=self._image(parsed_args),
            metadata=_metadata(parsed_args),
            ports=tuple(_port(instance_uuid, nic) for nic in parsed_args.nic),
            config_drive=not parsed_args.no_config_drive,
        )
        self.driver.spawn(instance_uuid, request)
        return COLUMNS, described(self.driver.get_info(instance_uuid))

    def _image(self, options: argparse.Namespace) -> Image:
        image_id, checksum = options.image, options.image_checksum
        store = self.session.store
        if store.is_url(image_id) or os.sep in image_id or os.path.exists(image_id):
            store.register(checksum.hex_digest, options.image)
            image_id = checksum.hex_digest
        size = options.image_size_bytes or store.size_bytes(image_id)
        if size is None:
            raise InvalidRequest(
                "the image store does not say how large the image is",
                remedy="say it with --image-size-bytes",
                field="image.size_bytes",
            )
        return Image(
            image_id=image_id, format=options.image_format, size_bytes=size, checksum=checksum
        )


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("image")
    group.add_argument(
        "--image",
        required=True,
        metavar="ID|PATH|URL",
        help="An id in the configured image store, or where the image is: a path that has a slash "
        "or exists, or a web address.",
    )
    group.add_argument(
        "--image-checksum",
        required=True,
        type=_checksum,
        metavar="ALGORITHM:HEX",
        help="What the image's bytes must be, for instance sha256:… as sha256sum prints it.",
    )
    group.add_argument(
        "--image-format",
        type=DiskFormat,
        default=DiskFormat.QCOW2,
        metavar="FORMAT",
        help=f"{_choices(DiskFormat)} (default: qcow2).",
    )
    group.add_argument(
        "--image-size-bytes", type=int, metavar="N", help="Where the store does not say it."
    )


def _add_flavor_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("size")
    group.add_argument("--vcpus", type=int, default=1, metavar="N", help="Processors (default: 1).")
    group.add_argument(
        "--memory-mib", type=int, default=256, metavar="N", help="Memory (default: 256)."
    )
    root = group.add_mutually_exclusive_group(required=True)
    root.add_argument("--disk-gib", type=int, metavar="N", help="Size of the root disk.")
    root.add_argument("--disk-bytes", type=int, metavar="N", help="The same in bytes.")
    group.add_argument(
        "--ephemeral-gib", type=int, default=0, metavar="N", help="Size of a blank second disk."
    )
    group.add_argument("--swap-mib", type=int, default=0, metavar="N", help="Size of a swap disk.")


def _add_guest_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("guest")
    group.add_argument(
        "--nic",
        type=_pairs,
        action="append",
        default=[],
        metavar="mac=MAC,kind=KIND[,name=NAME][,model=MODEL][,mtu=N][,port=UUID]",
        help=f"A NIC; may be repeated. KIND: {_choices(NicBackingKind)}; "
        f"NAME: of the network or bridge; MODEL: {_choices(NicModel)}.",
    )
    group.add_argument("--hostname", metavar="NAME", help="Default: made of the server's name.")
    group.add_argument(
        "--user-data", type=Path, metavar="FILE", help="Given to the guest as it is."
    )
    group.add_argument(
        "--admin-password-file",
        type=Path,
        metavar="FILE",
        help="Its first line is the password that the guest's administrator gets.",
    )
    for option, what in (("key", "NAME=FILE"), ("property", "NAME=TEXT")):
        group.add_argument(
            f"--{option}",
            type=_pair,
            action="append",
            default=[],
            metavar=what,
            help=f"A {'public SSH key' if option == 'key' else option}; may be repeated.",
        )
    group.add_argument(
        "--no-config-drive", action="store_true", help="Tell the guest nothing of all this."
    )


def _choices(enumeration: type[DiskFormat] | type[NicBackingKind] | type[NicModel]) -> str:
    return ", ".join(member.value for member in enumeration)


def _pair(text: str) -> tuple[str, str]:
    name, separator, content = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} does not look like NAME=CONTENT")
    return name, content


def _pairs(text: str) -> dict[str, str]:
    pairs = dict(_pair(item) for item in text.split(","))
    unknown = pairs.keys() - {"mac", "kind", "name", "model", "mtu", "port"}
    missing = {"mac", "kind"} - pairs.keys()
    if unknown or missing:
        problem = f"unknown: {sorted(unknown)}" if unknown else f"missing: {sorted(missing)}"
        raise argparse.ArgumentTypeError(f"{text!r}: {problem}")
    return pairs


def _checksum(text: str) -> Checksum:
    algorithm, _, digest = text.partition(":")
    try:
        return Checksum(algorithm=algorithm, hex_digest=digest.lower())
    except InvalidRequest as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def _flavor(options: argparse.Namespace) -> Flavor:
    return Flavor(
        vcpus=options.vcpus,
        memory_bytes=options.memory_mib * MIB,
        root_bytes=options.disk_bytes or options.disk_gib * GIB,
        ephemeral_bytes=options.ephemeral_gib * GIB,
        swap_bytes=options.swap_mib * MIB,
    )


def _port(instance_uuid: UUID, nic: dict[str, str]) -> Port:
    try:
        return Port(
            # So that a repeat of the command asks for the same port.
            port_id=UUID(nic["port"]) if "port" in nic else uuid5(instance_uuid, nic["mac"]),
            mac=nic["mac"],
            backing=NicBacking(kind=NicBackingKind(nic["kind"]), name=nic.get("name", "")),
            model=NicModel(nic["model"]) if "model" in nic else None,
            mtu_bytes=int(nic["mtu"]) if "mtu" in nic else None,
        )
    except InvalidRequest:
        raise
    except ValueError as error:
        raise InvalidRequest(
            f"--nic {nic}: {error}", remedy="see server create --help", field="ports"
        ) from error


def _metadata(options: argparse.Namespace) -> GuestMetadata:
    return GuestMetadata(
        hostname=options.hostname or _hostname(options.name),
        public_keys=tuple((name, _text(Path(path)).strip()) for name, path in options.key),
        properties=tuple(options.property),
        user_data=Secret(_bytes(options.user_data)) if options.user_data else None,
        admin_password=_password(options.admin_password_file),
    )


def _password(path: Path | None) -> Secret | None:
    return None if path is None else Secret(_text(path).partition("\n")[0])


def _hostname(name: str) -> str:
    """What is left of a name when all that no host name may have is dropped."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    return "-".join(part for part in kept.split("-") if part)[:63].rstrip("-") or "server"


def _text(path: Path) -> str:
    return _bytes(path).decode()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be read", detail=error.strerror or "", remedy="name a readable file"
        ) from error
