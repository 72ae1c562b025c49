"""The digest by which a driver recognises a request that it has fulfilled before."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from typing import Any

from nova_virt_interface.secret import Secret

__all__ = ["spec_digest"]


def spec_digest(value: object) -> str:
    """Digest a contract value, for a driver to keep with the VM or device that it made of it.

    [REP-2] Two values have the same digest when they are equal but for secrets and the content of
    media. A field at its default does not count, so that the digest of a request stays the same
    when a later contract adds fields.

    Returns: 64 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, Secret):
        return None
    if isinstance(value, enum.Enum):
        return [type(value).__name__, value.name]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: _plain(content)
            for field in dataclasses.fields(value)
            if field.metadata.get("digest", True)
            and (content := getattr(value, field.name)) != field.default
        }
        return [type(value).__name__, fields]
    if isinstance(value, float) and value.is_integer():
        # 60 and 60.0 are equal, so that they must not make two digests.
        return int(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)
