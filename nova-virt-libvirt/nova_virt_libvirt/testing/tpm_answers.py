"""Which passphrases the emulators of TPMs hold: looked for in the memory of their processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

__all__ = ["held_passphrases"]


def held_passphrases(vm_uuid: UUID, passphrases: Iterable[bytes]) -> frozenset[bytes]:
    """Those whose key is in the memory of a process that keeps this VM's TPM."""
    memory = [part for process in _emulators(vm_uuid) for part in _memory(process)]
    return frozenset(
        passphrase for passphrase in passphrases if any(_key(passphrase) in p for p in memory)
    )


def _key(passphrase: bytes) -> bytes:
    """As swtpm 0.7 makes it of a passphrase (its source: ``swtpm/key.c``)."""
    return hashlib.pbkdf2_hmac("sha512", passphrase, b"swtpm", 1000, 32)


def _emulators(vm_uuid: UUID) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        # It may have ended meanwhile.
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"swtpm" in words.partition(b"\0")[0] and str(vm_uuid).encode() in words:
                yield process


def _memory(process: Path) -> Iterator[bytes]:
    with suppress(OSError):
        for line in (process / "maps").read_text().splitlines():
            place, rights, *_ = line.split()
            first, last = (int(number, 16) for number in place.split("-"))
            # What it has written, and not what the kernel shows it.
            if rights.startswith("rw"):
                with suppress(OSError), (process / "mem").open("rb") as memory:
                    memory.seek(first)
                    yield memory.read(last - first)
