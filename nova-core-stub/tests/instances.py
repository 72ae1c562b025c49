"""Requests for instances, and a host in memory to make them on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import fixtures
from nova_virt_interface.reference.conf import Settings
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.reference.host import Host, host_named
from nova_virt_interface.reference.hypervisor import ReferenceHypervisor
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
from nova_virt_interface.values.nics import NicBacking, NicBackingKind
from zope.interface import directlyProvides, providedBy

from nova_core_stub.image_store import ImageStore
from nova_core_stub.services import Services

__all__ = ["FLAVOR", "IMAGE", "MIB", "PORT", "Intercepted", "ReferenceHost", "spawn_request"]

MIB = 1024**2

IMAGE = Image(
    image_id="guest",
    format=DiskFormat.RAW,
    size_bytes=len(GUEST_IMAGE),
    checksum=Checksum(
        algorithm="sha256",
        hex_digest=hashlib.sha256(GUEST_IMAGE, usedforsecurity=False).hexdigest(),
    ),
)
FLAVOR = Flavor(
    vcpus=2,
    memory_bytes=256 * MIB,
    root_bytes=10 * MIB,
    ephemeral_bytes=3 * MIB,
    swap_bytes=2 * MIB,
)
PORT = Port(
    port_id=UUID("00000000-0000-4000-8000-0000000000aa"),
    mac="52:54:00:12:34:56",
    backing=NicBacking(kind=NicBackingKind.NETWORK, name="private"),
)


def spawn_request(**changes: Any) -> SpawnRequest:
    """An ordinary request, but for ``changes``."""
    usual: dict[str, Any] = {
        "name": "web <1> & co",
        "flavor": FLAVOR,
        "image": IMAGE,
        "metadata": GuestMetadata(
            hostname="web-1",
            public_keys=(("mine", "ssh-ed25519 AAAA me"),),
            properties=(("role", "wéb"),),
            user_data=Secret(b"#!/bin/sh\nexit\xff\n"),
            admin_password=Secret("hunter2"),
        ),
        "ports": (PORT,),
    }
    return SpawnRequest(**usual | changes)


class ReferenceHost(fixtures.Fixture):
    """A host in memory of its own, and a connection to it that has `IMAGE` to offer."""

    host: Host
    hypervisor: ReferenceHypervisor

    def _setUp(self) -> None:  # noqa: N802
        folder = Path(self.useFixture(fixtures.TempDir()).path)
        (folder / IMAGE.image_id).write_bytes(GUEST_IMAGE)
        services = Services(ImageStore(str(folder)))
        self.addCleanup(services.close)
        services.images.announce(IMAGE)
        name = str(uuid4())
        self.host = host_named(name)
        self.hypervisor = ReferenceHypervisor(Settings(host=name), services)
        self.addCleanup(self.hypervisor.close)


class Intercepted:
    """Provides what ``target`` provides, less ``without``; runs ``around`` in place of each call.

    ``around(name, call)`` gets the method's name and what makes the call.
    """

    def __init__(
        self,
        target: object,
        around: Callable[[str, Callable[[], Any]], Any],
        without: Iterable[Any] = (),
    ) -> None:
        self._target = target
        self._around = around
        directlyProvides(self, *(item for item in providedBy(target) if item not in without))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        return lambda *args: self._around(name, lambda: method(*args))
