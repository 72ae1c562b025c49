"""What stands for LUKS in memory: a header that knows its key, and content that nobody reads
without it. It keeps no secret from anybody who wants to know.
"""

from __future__ import annotations

import hashlib

__all__ = ["HEADER_BYTES", "is_key", "opened", "sealed"]

HEADER_BYTES = 512
_MAGIC = b"LUKS\xba\xbe"


def sealed(content: bytes, key: bytes) -> bytes:
    """Header and encrypted content."""
    return _header(key) + _mixed(content, key)


def opened(stored: bytes, key: bytes) -> bytes:
    """The content again."""
    return _mixed(stored[HEADER_BYTES:], key)


def is_key(stored: bytes, key: bytes) -> bool:
    """Whether ``stored`` was sealed with this key."""
    return stored[:HEADER_BYTES] == _header(key)


def _header(key: bytes) -> bytes:
    return (_MAGIC + hashlib.sha256(b"header" + key).digest()).ljust(HEADER_BYTES, b"\0")


def _mixed(content: bytes, key: bytes) -> bytes:
    stream = hashlib.sha256(b"content" + key).digest() * (len(content) // 32 + 1)
    mixed = int.from_bytes(content) ^ int.from_bytes(stream[: len(content)])
    return mixed.to_bytes(len(content))
