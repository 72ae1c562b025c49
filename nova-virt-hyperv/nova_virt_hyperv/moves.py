"""What a host remembers of VMs that come to it and go from it: small files beside its disks.

Hosts of one storage have one folder, so that each record names its host. The key file of an
incoming VM is a virtual disk, because a host can ask another one for nothing else: it is there as
long as the ticket is good.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from uuid import UUID

from nova_virt_interface.errors import BackendError

from nova_virt_hyperv.files import MOVES, Files

__all__ = ["Move", "Moves", "key_file", "marker_file"]


@dataclass(frozen=True)
class Move:
    """One migration, as one of its hosts remembers it."""

    token: str
    mode: str
    digest: str
    """Of the description that was prepared; empty at the source."""
    copied: tuple[str, ...] = ()
    """Keys of the disks that are copied."""
    finished: bool = False


class Moves:
    """The records of one host."""

    def __init__(self, files: Files, host_name: str) -> None:
        self._files = files
        self._host = host_name.lower()

    def incoming(self, vm_uuid: UUID) -> Move | None:
        """What is to come, or has come by a cold migration."""
        return self._read("in", vm_uuid)

    def outgoing(self, vm_uuid: UUID) -> Move | None:
        """What has gone by a live migration."""
        return self._read("out", vm_uuid)

    def write_incoming(self, vm_uuid: UUID, move: Move) -> None:
        """Remember it."""
        self._write("in", vm_uuid, move)

    def write_outgoing(self, vm_uuid: UUID, move: Move) -> None:
        """Remember it."""
        self._write("out", vm_uuid, move)

    def forget_incoming(self, vm_uuid: UUID) -> None:
        """Remove the record, the key file and the marker of a VM that was to come."""
        for pattern in (f"in.{vm_uuid}.{self._host}.json", f"{vm_uuid}.{self._host}.*.vhdx"):
            self._files.remove_all(MOVES, pattern)

    def forget_outgoing(self, vm_uuid: UUID) -> None:
        """Remove the record of a VM that was to go."""
        self._files.remove(MOVES, f"out.{vm_uuid}.{self._host}.json")

    def forget(self, vm_uuid: UUID) -> None:
        """Remove all of a VM that is deleted."""
        for file in self._files.files(MOVES, f"*{vm_uuid}.{self._host}.*"):
            self._files.remove(MOVES, file.name)

    def has_marker(self, vm_uuid: UUID, move: Move) -> bool:
        """Whether the source has said that its copy is complete."""
        return self._files.exists(MOVES, marker_file(vm_uuid, self._host, move.token))

    def _name(self, kind: str, vm_uuid: UUID) -> str:
        return f"{kind}.{vm_uuid}.{self._host}.json"

    def _read(self, kind: str, vm_uuid: UUID) -> Move | None:
        name = self._name(kind, vm_uuid)
        if not self._files.exists(MOVES, name):
            return None
        with self._files.read(MOVES, name) as file:
            text = file.read()
        try:
            found = json.loads(text)
            return Move(**found | {"copied": tuple(found["copied"])})
        except (ValueError, TypeError, KeyError) as error:
            raise BackendError(
                f"the record {name} is damaged", remedy="remove it from the share"
            ) from error

    def _write(self, kind: str, vm_uuid: UUID, move: Move) -> None:
        self._files.put(MOVES, self._name(kind, vm_uuid), json.dumps(asdict(move)).encode())


def key_file(vm_uuid: UUID, host: str, token: str) -> str:
    """The file that is there as long as a ticket is good."""
    return f"{vm_uuid}.{host.lower()}.{token}.key.vhdx"


def marker_file(vm_uuid: UUID, host: str, token: str) -> str:
    """The file by which a source says that its copy is complete."""
    return f"{vm_uuid}.{host.lower()}.{token}.done.vhdx"
