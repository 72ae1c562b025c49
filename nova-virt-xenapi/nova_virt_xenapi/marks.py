"""What the driver writes beside the pool's objects, in their ``other_config``.

xapi chooses the uuids of its objects itself, so that core's are kept here, and with them all that
tells which objects belong together after a crash between two steps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.values.images import DiskFormat

__all__ = [
    "CLONE",
    "COPIED",
    "DISK",
    "HOST",
    "KEPT",
    "MEDIUM",
    "MIGRATION",
    "SESSION",
    "SPEC",
    "DeviceMark",
    "DiskMark",
    "ImageMark",
    "VmMark",
    "clone_mark",
    "complete_mark",
    "device_mark",
    "disk_mark",
    "gone_mark",
    "gone_vms",
    "image_mark",
    "vm_mark",
]

_OWNER: Final = "nova-virt-owner"
_VM: Final = "nova-virt-vm"
HOST: Final = "nova-virt-host"
KEPT: Final = "nova-virt-kept"
MIGRATION: Final = "nova-virt-migration"
COPIED: Final = "nova-virt-copied"
_REPLACES: Final = "nova-virt-replaces"
_INCOMING: Final = "nova-virt-incoming"
_CAME: Final = "nova-virt-came"
_GOING: Final = "nova-virt-going"
SESSION: Final = "nova-virt-session"
_GONE: Final = "nova-virt-gone-"
DISK: Final = "disk"
MEDIUM: Final = "medium"
"""Kinds of disks."""
SPEC: Final = "nova-virt-spec"
_KEY: Final = "nova-virt-key"
_IMAGE: Final = "nova-virt-image"
_FORMAT: Final = "nova-virt-image-format"
_SIZE: Final = "nova-virt-image-size"
_PUBLISHED: Final = "nova-virt-image-published"
_TASK: Final = "nova-virt-upload-task"
CLONE: Final = "nova-virt-clone"
_SOURCE: Final = "nova-virt-source"
_BOOT: Final = "nova-virt-boot-index"
_KIND: Final = "nova-virt-kind"
_VOLUME: Final = "nova-virt-volume"


@dataclass(frozen=True)
class VmMark:
    """Whose VM it is."""

    owner: str
    vm_uuid: UUID
    host_uuid: str
    spec: str | None = None
    """Digest of the spec; None until the VM is complete."""
    replaces: str = ""
    """xapi's uuid of the VM that this one, once it is complete, takes the place of."""
    kept: bool = False
    """Another one has taken its place, and it is kept for a revert."""
    incoming: str = ""
    """A place for a VM that is to come: what for."""
    came: str = ""
    """How the VM came from another host."""
    copied: str = ""
    """Where the VM was copied to, and what it was then."""
    going: str = ""
    """As ``copied``, of a VM that is copied to another pool; the copy there has it, too."""
    session: str = ""
    """uuid, which lets nobody in, of the session that the pool has made for who sends the VM."""
    own: str = ""
    """xapi's uuid of the VM that is complete. One that somebody has cloned from it, or copied, has
    the mark too, but another uuid.
    """
    is_copy: bool = False
    """That is so."""

    def as_config(self) -> dict[str, str]:
        """For ``other_config``."""
        config = {_OWNER: self.owner, _VM: str(self.vm_uuid), HOST: self.host_uuid}
        more = {
            SPEC: complete_mark(self.spec, self.own) if self.spec else "",
            _REPLACES: self.replaces,
            KEPT: "yes" if self.kept else "",
            _INCOMING: self.incoming,
            _CAME: self.came,
            COPIED: self.copied,
            _GOING: self.going,
            SESSION: self.session,
        }
        return config | {name: content for name, content in more.items() if content}


def vm_mark(record: dict[str, Any]) -> VmMark | None:
    """The mark of a VM's record; None for one that no driver of this kind made."""
    config = record["other_config"]
    vm_uuid = _uuid(config.get(_VM))
    if record["is_a_template"] or record["is_a_snapshot"] or _OWNER not in config:
        return None
    if vm_uuid is None:
        return None
    spec, _, own = config.get(SPEC, "").partition(" ")
    is_copy = own not in ("", record["uuid"])
    if is_copy and CLONE in config:
        return vm_mark({**record, "other_config": _content(config[CLONE])})
    return VmMark(
        config[_OWNER],
        vm_uuid,
        config.get(HOST, ""),
        spec or None,
        config.get(_REPLACES, ""),
        KEPT in config,
        config.get(_INCOMING, ""),
        config.get(_CAME, ""),
        config.get(COPIED, ""),
        config.get(_GOING, ""),
        config.get(SESSION, ""),
        own,
        is_copy=is_copy,
    )


def clone_mark(mark: VmMark) -> str:
    """Beside a VM: what the next clone of it is, which has the mark from the moment it exists."""
    return json.dumps(mark.as_config(), sort_keys=True)


def complete_mark(spec: str, own: str) -> str:
    """What makes a VM complete: the digest of its spec, and xapi's uuid of it."""
    return f"{spec} {own}".strip()


def gone_mark(vm_uuid: UUID) -> str:
    """The name, in a host's ``other_config``, of the token with which a VM went from it to another
    pool: there is no object of the VM any more that could have it.
    """
    return f"{_GONE}{vm_uuid}"


def gone_vms(record: dict[str, Any]) -> frozenset[UUID]:
    """The VMs that a host's record says are gone, or about to."""
    names = (name for name in record["other_config"] if name.startswith(_GONE))
    return frozenset(UUID(name.removeprefix(_GONE)) for name in names)


@dataclass(frozen=True)
class DeviceMark:
    """Which device of a VM a VBD or VIF is."""

    key: str
    digest: str
    boot_index: int | None = None
    is_volume: bool = False
    """Its VDI is a volume service's, never the driver's own."""

    def as_config(self) -> dict[str, str]:
        """For ``other_config``."""
        config = {_KEY: self.key, SPEC: self.digest}
        more = {
            _BOOT: "" if self.boot_index is None else str(self.boot_index),
            _VOLUME: "yes" if self.is_volume else "",
        }
        return config | {name: content for name, content in more.items() if content}


def device_mark(record: dict[str, Any]) -> DeviceMark | None:
    """The mark of a VBD's or VIF's record."""
    config = record["other_config"]
    if not {_KEY, SPEC} <= config.keys():
        return None
    boot = config.get(_BOOT)
    index = None if boot is None else int(boot)
    return DeviceMark(config[_KEY], config[SPEC], index, _VOLUME in config)


@dataclass(frozen=True)
class DiskMark:
    """Which disk of which VM a VDI is."""

    owner: str
    vm_uuid: UUID
    key: str
    digest: str
    image_key: str = ""
    source: str = ""
    """Digest of what the disk began as, and how it is stored; its size does not count."""
    kind: str = DISK

    def as_config(self) -> dict[str, str]:
        """For ``other_config``."""
        return {
            _OWNER: self.owner,
            _VM: str(self.vm_uuid),
            _KEY: self.key,
            SPEC: self.digest,
            _IMAGE: self.image_key,
            _SOURCE: self.source,
            _KIND: self.kind,
        }


def disk_mark(record: dict[str, Any], owner: str) -> DiskMark | None:
    """The mark of a VDI's record that is a VM's disk."""
    config = record["other_config"]
    if config.get(_OWNER) != owner:
        return None
    if CLONE in config and config.get(_PUBLISHED, record["uuid"]) != record["uuid"]:
        config = _content(config[CLONE])
    vm_uuid = _uuid(config.get(_VM))
    if vm_uuid is None or not {_KEY, SPEC} <= config.keys():
        return None
    return DiskMark(
        owner,
        vm_uuid,
        config[_KEY],
        config[SPEC],
        config.get(_IMAGE, ""),
        config.get(_SOURCE, ""),
        config.get(_KIND, DISK),
    )


def _uuid(text: str | None) -> UUID | None:
    """None for what is none: an operator may write there, too."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def _content(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    texts = found.items() if isinstance(found, dict) else ()
    return {name: text for name, text in texts if isinstance(text, str)}


@dataclass(frozen=True)
class ImageMark:
    """Which image a VDI holds."""

    owner: str
    key: str
    format: DiskFormat
    size_bytes: int
    """Of the disk in the image; the VDI is rounded up to whole blocks."""
    upload_task: str = ""
    published: str = ""
    """The VDI's own uuid, once the image is complete. A copy of the VDI has the mark too, but
    another uuid.
    """
    clone: DiskMark | None = None
    """What the next copy is: it has the mark from the moment when it exists."""

    def as_config(self) -> dict[str, str]:
        """For ``other_config``."""
        config = {
            _OWNER: self.owner,
            _IMAGE: self.key,
            _FORMAT: self.format.value,
            _SIZE: str(self.size_bytes),
        }
        if self.clone is not None:
            config[CLONE] = json.dumps(self.clone.as_config(), sort_keys=True)
        more = {_TASK: self.upload_task, _PUBLISHED: self.published}
        return config | {name: content for name, content in more.items() if content}


def image_mark(record: dict[str, Any], owner: str) -> ImageMark | None:
    """The mark of a VDI's record that is an image, or on the way to become one; never of a copy."""
    config = record["other_config"]
    published = config.get(_PUBLISHED, "")
    is_image = config.get(_OWNER) == owner and {_IMAGE, _FORMAT, _SIZE} <= config.keys()
    if not is_image or published not in ("", record["uuid"]):
        return None
    try:
        format, size = DiskFormat(config[_FORMAT]), int(config[_SIZE])
    except ValueError:
        return None
    return ImageMark(owner, config[_IMAGE], format, size, config.get(_TASK, ""), published)
