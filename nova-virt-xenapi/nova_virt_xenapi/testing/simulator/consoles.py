"""``CONNECT /console``: after the answer, a VM's screen by the RFB protocol (RFC 6143)."""

from __future__ import annotations

import struct
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context

__all__ = ["serve", "vm_of"]

_VERSION: Final = b"RFB 003.008\n"
_NO_AUTHENTICATION: Final = 1
_PIXELS: Final = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


def vm_of(ctx: Context, query: dict[str, str]) -> dict[str, Any]:
    """The VM whose console is asked for, by its own or its console's uuid or reference."""
    named = query.get("uuid") or query.get("ref", "")
    for class_name in ("VM", "console"):
        for ref, record in ctx.db.where(class_name):
            if named in (ref, record["uuid"]):
                vm = record if class_name == "VM" else ctx.db.get("VM", record["VM"])
                if not vm["consoles"] or vm["resident_on"] != ctx.host:
                    raise XapiError("VM_BAD_POWER_STATE", ref, "Running", vm["power_state"])
                return vm
    raise XapiError("HANDLE_INVALID", "VM", named)


def serve(stream_in: Any, stream_out: Any, name: str) -> None:
    """A screen of one pixel, of this name, that nobody draws on; until the viewer goes away."""
    stream_out.write(_VERSION)
    if stream_in.read(len(_VERSION)) != _VERSION:
        return
    stream_out.write(bytes((1, _NO_AUTHENTICATION)))
    if stream_in.read(1) != bytes((_NO_AUTHENTICATION,)):
        return
    stream_out.write(struct.pack(">I", 0))
    stream_in.read(1)
    title = name.encode()
    stream_out.write(struct.pack(">HH", 1, 1) + _PIXELS + struct.pack(">I", len(title)) + title)
    while stream_in.read(1):
        pass
