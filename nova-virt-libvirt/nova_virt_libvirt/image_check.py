"""Checks an image's bytes while they pass: that they are of the format that was promised, and point
at no other file.

A qcow2 header may name a backing or data file; QEMU would open it on the host and show it to the
guest.
"""

from __future__ import annotations

from nova_virt_interface.errors import ImageCorrupt
from nova_virt_interface.values.images import DiskFormat
from oslo_utils.imageutils import format_inspector

__all__ = ["ImageCheck"]

_CONTAINERS = ("qcow2", "qed", "vdi", "vhd", "vhdx", "vmdk")


class ImageCheck:
    """Fed with an image's bytes in order.

    A raw image that begins like a container is refused too: libvirt guesses the format of volumes,
    and would follow what such a header names.
    """

    def __init__(self, form: DiskFormat) -> None:
        self._format = form
        names = _CONTAINERS if form is DiskFormat.RAW else (form.value,)
        self._inspectors = [
            found() for name in names if (found := format_inspector.get_inspector(name))
        ]
        self._is_safe = form is DiskFormat.RAW

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises ImageCorrupt as soon as they are known to be bad."""
        for inspector in list(self._inspectors):
            try:
                inspector.eat_chunk(chunk)
            except Exception as error:
                # An inspector that stumbles over its own format's bytes found damage; over others',
                # no match.
                if self._format.value == inspector.NAME:
                    raise self._corrupt(str(error)) from error
                self._inspectors.remove(inspector)
            else:
                self._judge(inspector)

    def finish(self) -> int:
        """Say the size of the disk that a guest sees, in bytes; raises ImageCorrupt if the image is
        too short.
        """
        for inspector in self._inspectors:
            inspector.finish()
            self._judge(inspector)
        if not self._is_safe:
            raise self._corrupt("it ends before its header does")
        return 0 if self._format is DiskFormat.RAW else int(self._inspectors[0].virtual_size)

    def _judge(self, inspector: format_inspector.FileInspector) -> None:
        if self._format is DiskFormat.RAW:
            if inspector.format_match:
                raise self._corrupt(f"it begins like {inspector.NAME}")
        elif inspector.complete and not self._is_safe:
            try:
                inspector.safety_check()
            except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
                raise self._corrupt(str(error)) from error
            self._is_safe = True

    def _corrupt(self, problem: str) -> ImageCorrupt:
        return ImageCorrupt(
            f"the image is not the {self._format.value} image that was promised: {problem}",
            remedy="correct the image's format, or upload a flat image without other files",
        )
