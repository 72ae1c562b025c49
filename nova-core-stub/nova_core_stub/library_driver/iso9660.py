"""Writes a small ISO 9660 file system."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import PurePosixPath

import pycdlib

__all__ = ["write_iso"]


def write_iso(label: str, files: Mapping[str, bytes]) -> bytes:
    """Write a file system with Joliet and Rock Ridge names.

    Args:
        label: the volume's name, at most 16 characters.
        files: content by path, such as ``a/b.json``. Names have lower-case letters, digits, ``_``,
            ``-`` and at most one dot.
    """
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label)
    for folder in sorted({parent for path in files for parent in _parents(path)}):
        iso.add_directory(
            _plain(folder), rr_name=PurePosixPath(folder).name, joliet_path=f"/{folder}"
        )
    for path, content in sorted(files.items()):
        iso.add_fp(
            io.BytesIO(content),
            len(content),
            f"{_plain(path)};1",
            rr_name=PurePosixPath(path).name,
            joliet_path=f"/{path}",
        )
    written = io.BytesIO()
    iso.write_fp(written)
    iso.close()
    return written.getvalue()


def _parents(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents if parent.name]


def _plain(path: str) -> str:
    """The name for readers that know neither Rock Ridge nor Joliet."""
    return f"/{path}".upper().replace("-", "_")
