"""What the commands of one run of the program share: configuration, image store and connections."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

from nova_virt_interface.call import Call
from oslo_config import cfg

from nova_core_stub import conf as conf_

if TYPE_CHECKING:
    from nova_core_stub.compute import Compute
    from nova_core_stub.image_store import ImageStore

__all__ = ["Session"]


class Session:
    """Connects to each backend once, when it is needed first."""

    def __init__(self) -> None:
        self.conf = cfg.ConfigOpts()
        conf_.register(self.conf)
        self._backend: str | None = None
        self._timeout_seconds: float | None = None
        self._store: ImageStore | None = None
        self._computes: dict[str, Compute] = {}
        self._opened = ExitStack()

    def read(
        self, config_files: Sequence[str], backend: str | None, timeout_seconds: float | None
    ) -> None:
        """Read the configuration.

        Args:
            config_files: None but those; when empty, those in the usual places.
            backend: overrides the configured one.
            timeout_seconds: overrides the configured one.

        Raises: cfg.Error.
        """
        files = [argument for path in config_files for argument in ("--config-file", path)]
        self.conf(files, project="nova-core-stub")
        self._backend = backend
        self._timeout_seconds = timeout_seconds

    def call(self) -> Call:
        """The call in which a command runs."""
        timeout = self._timeout_seconds
        if timeout is None:
            timeout = self.conf[conf_.GROUP.name].call_timeout_seconds
        return Call(f"req-{uuid4()}", timeout_seconds=timeout)

    @property
    def store(self) -> ImageStore:
        """The image store of all connections.

        Raises: InvalidRequest.
        """
        # Here and below: neither the help nor the list of drivers needs what it takes to connect.
        from nova_core_stub.image_store import ImageStore  # noqa: PLC0415

        if self._store is None:
            options = self.conf[conf_.GROUP.name]
            self._store = ImageStore(
                options.image_store,
                ca_file=options.image_store_ca_file,
                timeout_seconds=options.image_store_timeout_seconds,
            )
        return self._store

    def compute(self, backend: str | None = None) -> Compute:
        """The connection to a backend; None for the one chosen by option or configuration."""
        from nova_core_stub.compute import opened  # noqa: PLC0415
        from nova_core_stub.services import Services  # noqa: PLC0415

        name = conf_.backend_named(self.conf, backend or self._backend)
        if name not in self._computes:
            connection = opened(self.conf, name, Services(self.store))
            self._computes[name] = self._opened.enter_context(connection)
        return self._computes[name]

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._computes.clear()
        self._opened.close()
