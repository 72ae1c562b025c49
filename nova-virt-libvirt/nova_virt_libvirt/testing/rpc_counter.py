"""Counts the questions that this process puts to libvirt, where libvirt-python calls its C module,
and remembers the secrets that it was given.

Every function of the C module counts, unless libvirt answers it from what the client holds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import libvirt

__all__ = ["LOCAL_FUNCTIONS", "RpcCounter"]

LOCAL_FUNCTIONS = frozenset(
    {
        # Names and identities, which come with the answer that brought the object.
        "virDomainGetID",
        "virDomainGetName",
        "virDomainGetUUID",
        "virDomainGetUUIDString",
        "virNetworkGetName",
        "virStoragePoolGetName",
        "virStorageVolGetKey",
        "virStorageVolGetName",
        # The client's side of objects, errors and connections.
        "virConnectIsAlive",
        "virConnectRegisterCloseCallback",
        "virConnectSetKeepAlive",
        "virConnectUnregisterCloseCallback",
        "virDomainFree",
        "virGetLastError",
        "virNetworkFree",
        "virRegisterErrorHandler",
        "virStoragePoolFree",
        "virStorageVolFree",
        "virStreamFree",
        "virStreamNew",
        # The event loop.
        "virEventAddTimeout",
        "virEventRegisterDefaultImpl",
        "virEventRemoveTimeout",
        "virEventRunDefaultImpl",
    }
)


class RpcCounter:
    """Stands in for libvirt-python's C module between `install` and `remove`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        """How often each function was called, from all threads."""
        self.secrets: set[bytes] = set()
        """All that libvirt was ever given."""
        self._lock = threading.Lock()
        self._here = threading.local()
        self._module: Any = None
        self._counted: dict[str, Callable[..., Any]] = {}

    @property
    def total(self) -> int:
        """The questions so far."""
        with self._lock:
            return self.calls.total()

    def install(self) -> None:
        """Begin to count."""
        self._module = libvirt.libvirtmod
        libvirt.libvirtmod = self

    def remove(self) -> None:
        """End it. Idempotent."""
        if libvirt.libvirtmod is self:
            libvirt.libvirtmod = self._module

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What this thread asks inside does not count: a test that looks for itself."""
        before = getattr(self._here, "paused", False)
        self._here.paused = True
        try:
            yield
        finally:
            self._here.paused = before

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)
        if name in LOCAL_FUNCTIONS or not callable(function):
            return function
        if name not in self._counted:
            self._counted[name] = self._counting(name, function)
        return self._counted[name]

    def _counting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if not getattr(self._here, "paused", False):
                with self._lock:
                    self.calls[name] += 1
                    if name == "virSecretSetValue":
                        self.secrets.add(arguments[1])
            return function(*arguments)

        return call
