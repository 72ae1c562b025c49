"""The driver's mark of ownership in a domain's metadata, and its XML. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from lxml import etree
from lxml.builder import ElementMaker
from nova_virt_interface.digest import spec_digest
from nova_virt_interface.values.disks import DiskSpec
from nova_virt_interface.values.vm import VmSpec

__all__ = [
    "NAMESPACE",
    "PREFIX",
    "Mark",
    "Snapshot",
    "disk_origin",
    "mark_element",
    "mark_text",
    "read_mark",
]

NAMESPACE = "urn:nova-virt-libvirt:1"
PREFIX = "nova-virt"
_TICKETS = ("expected", "arrived", "copying", "copied", "copy_of")
_MARKED = ElementMaker(namespace=NAMESPACE, nsmap={PREFIX: NAMESPACE})


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot of a volume that is a file."""

    disk: str
    snapshot_id: str
    file: str
    """Its content."""
    overlay: str
    """The file that was made to be built on it."""

    def moved_to(self, file: str) -> Snapshot:
        """The same content in another file."""
        return replace(self, file=file)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The driver's mark of ownership in a domain's metadata; the digests tell a repeat from a
    different request.
    """

    owner: str
    vm: str
    """The uuid of the domain that it is the mark of: a domain that an operator has cloned has the
    mark, too.
    """
    spec: str
    disks: Mapping[str, str] = field(default_factory=dict)
    """Digest of each disk's spec by its key."""
    nics: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    """Digest of what each disk keeps for its life, by its key."""
    before_resize: str = ""
    """The whole definition as it was, while a resize is pending."""
    expected: str = ""
    """The ticket of the migration by which the VM is to come; empty: it is here."""
    arrived: str = ""
    """The ticket by which it came."""
    copying: str = ""
    """The ticket by which a copy was begun; empty: none, or it was started since."""
    copied: str = ""
    """The ticket by which another host has a copy; empty: none, or it was started since."""
    copy_of: str = ""
    """The ticket by which it came as a copy."""
    snapshots: tuple[Snapshot, ...] = ()
    """Of each disk the oldest first."""

    @classmethod
    def of(cls, owner: str, vm_uuid: UUID, spec: VmSpec) -> Mark:
        """The mark of a new VM."""
        disks = {disk.key: spec_digest(disk) for disk in spec.disks}
        return cls(
            owner=owner,
            vm=str(vm_uuid),
            spec=spec_digest(spec),
            disks=disks,
            nics={nic.key: spec_digest(nic) for nic in spec.nics},
            origins={disk.key: disk_origin(disk) for disk in spec.disks},
        )

    def with_device(self, kind: str, key: str, spec: str | None, origin: str = "") -> Mark:
        """The mark with one ``disk`` or ``nic`` more, or, if ``spec`` is None, less."""
        changed = dict(self.disks if kind == "disk" else self.nics)
        changed.pop(key, None)
        if spec is not None:
            changed[key] = spec
        if kind == "nic":
            return replace(self, nics=changed)
        kept = tuple(item for item in self.snapshots if item.disk != key)
        origins = {**self.origins, key: origin} if origin else self.origins
        return replace(self, disks=changed, snapshots=kept, origins=origins)

    def with_snapshots(self, snapshots: tuple[Snapshot, ...]) -> Mark:
        """The mark with other snapshots."""
        return replace(self, snapshots=snapshots)

    def snapshot(self, disk: str, snapshot_id: UUID) -> Snapshot | None:
        """One snapshot of a disk."""
        wanted = (disk, str(snapshot_id))
        return next((i for i in self.snapshots if (i.disk, i.snapshot_id) == wanted), None)

    def built_on(self, snapshot: Snapshot) -> Snapshot | None:
        """The next younger snapshot of the same disk."""
        same = [item for item in self.snapshots if item.disk == snapshot.disk]
        younger = same[same.index(snapshot) + 1 :]
        return younger[0] if younger else None


def disk_origin(disk: DiskSpec) -> str:
    """Digest of what a disk keeps for its life, whatever its size and place."""
    return spec_digest((disk.source, disk.format, disk.encryption))


def mark_element(mark: Mark) -> Any:
    """The mark as an element of ``<metadata>``."""
    return _build(mark, _MARKED)


def mark_text(mark: Mark) -> str:
    """The mark as libvirt's call for setting metadata takes it, which adds the namespace itself."""
    return etree.tostring(_build(mark, ElementMaker()), encoding="unicode")


def read_mark(metadata: Any) -> Mark | None:
    """Read the mark in a domain's ``<metadata>``; None if there is none."""
    element = None if metadata is None else metadata.find(f"{{{NAMESPACE}}}vm")
    if element is None:
        return None
    digests = {
        kind: {
            device.get("key", ""): device.get("spec", "")
            for device in element.iterfind(f"{{{NAMESPACE}}}{kind}")
        }
        for kind in ("disk", "nic")
    }
    return Mark(
        origins={
            disk.get("key", ""): origin
            for disk in element.iterfind(f"{{{NAMESPACE}}}disk")
            if (origin := disk.get("origin"))
        },
        before_resize=element.findtext(f"{{{NAMESPACE}}}before-resize") or "",
        expected=element.get("expected", ""),
        arrived=element.get("arrived", ""),
        copying=element.get("copying", ""),
        copied=element.get("copied", ""),
        copy_of=element.get("copy-of", ""),
        owner=element.get("owner", ""),
        vm=element.get("vm", ""),
        spec=element.get("spec", ""),
        disks=digests["disk"],
        nics=digests["nic"],
        snapshots=tuple(
            Snapshot(
                disk=found.get("disk", ""),
                snapshot_id=found.get("id", ""),
                file=found.get("file", ""),
                overlay=found.get("overlay", ""),
            )
            for found in element.iterfind(f"{{{NAMESPACE}}}snapshot")
        ),
    )


def _build(mark: Mark, maker: ElementMaker) -> Any:
    parts = [
        maker.disk(key=key, spec=spec, origin=mark.origins.get(key, ""))
        for key, spec in mark.disks.items()
    ]
    parts += [maker.nic(key=key, spec=spec) for key, spec in mark.nics.items()]
    parts += [
        maker.snapshot(disk=item.disk, id=item.snapshot_id, file=item.file, overlay=item.overlay)
        for item in mark.snapshots
    ]
    if mark.before_resize:
        parts.append(maker("before-resize", mark.before_resize))
    given = {name.replace("_", "-"): ticket for name in _TICKETS if (ticket := getattr(mark, name))}
    return maker.vm(*parts, owner=mark.owner, vm=mark.vm, spec=mark.spec, **given)
