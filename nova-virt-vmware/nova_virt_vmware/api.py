"""One login at a vCenter or ESXi: SOAP by pyvmomi, and the datastore's files by requests."""

from __future__ import annotations

import logging
import select
from typing import Any

from nova_virt_interface.errors import Unsupported
from pyVmomi import SoapStubAdapter, vim, vmodl

from nova_virt_vmware.conf import Settings
from nova_virt_vmware.errors import CUT
from nova_virt_vmware.tls import http_session, tls_context
from nova_virt_vmware.waiting import Collectors

__all__ = ["Api", "Listener"]

_log = logging.getLogger(__name__)
# By the oldest server that understands it; newer ones do, too.
_WIRE_VERSIONS = {(6, 5): "vim.version.version11", (6, 7): "vim.version.version12"}
_OLDEST = (6, 5)
# A server closes an idle connection without a word, and the request that finds it closed is lost.
_IDLE_SECONDS = 30


class Listener(SoapStubAdapter):  # type: ignore[misc]
    """What one thread waits for news by."""

    _connection: Any = None

    def GetConnection(self) -> Any:  # noqa: N802 - pyvmomi's name
        """Remember the connection, which is always the same one until it breaks."""
        self._connection = super().GetConnection()
        return self._connection

    def is_quiet(self) -> bool:
        """Whether the connection is there, and nothing has come by it that is not read yet: no
        news, and not its end.
        """
        try:
            waiting = select.poll()
            waiting.register(self._connection.sock, select.POLLIN)
            return not waiting.poll(0)
        except (AttributeError, TypeError, ValueError):
            # It is closed.
            return False


class Api:
    """One login: what the operations send their requests by."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tls = tls_context(settings)
        version = _WIRE_VERSIONS[_OLDEST]
        self.stub = self._stub(SoapStubAdapter, version, settings.request_timeout_seconds)
        self.content = vim.ServiceInstance("ServiceInstance", self.stub).RetrieveContent()
        self.api_version = _supported_version(self.content.about)
        newest = max(version for version in _WIRE_VERSIONS if version <= self.api_version)
        self.stub.ComputeVersionInfo(_WIRE_VERSIONS[newest])
        password = settings.password.reveal().decode()
        self.content.sessionManager.Login(settings.username, password, None)
        self.collectors = Collectors(self.content.propertyCollector)
        self.http = http_session(settings, self.tls)
        self.http.headers["Cookie"] = str(self.stub.cookie).partition(";")[0]

    def _stub(self, kind: type, version: str, timeout_seconds: float) -> Any:
        return kind(
            host=self.settings.host,
            port=self.settings.port,
            version=version,
            sslContext=self.tls,
            httpConnectionTimeout=timeout_seconds,
            connectionPoolTimeout=_IDLE_SECONDS,
        )

    def listener(self, patience_seconds: int) -> Listener:
        """A connection of its own for who waits for news by this login, so long at a time."""
        timeout = patience_seconds + self.settings.request_timeout_seconds
        listener: Listener = self._stub(Listener, self.stub.version, timeout)
        listener.cookie = self.stub.cookie
        return listener

    def retrieve(
        self,
        objects: list[vmodl.query.PropertyCollector.ObjectSpec],
        properties: dict[type, list[str]],
    ) -> list[tuple[Any, dict[str, Any]]]:
        """Ask one question about many objects; a long answer comes in several pages.

        Returns: each object with its properties by path; those that it lacks are left out.
        """
        query = vmodl.query.PropertyCollector
        wanted = [
            query.PropertySpec(type=kind, pathSet=paths) for kind, paths in properties.items()
        ]
        spec = query.FilterSpec(
            objectSet=objects, propSet=wanted, reportMissingObjectsInResults=True
        )
        collector = self.content.propertyCollector
        page = collector.RetrievePropertiesEx([spec], query.RetrieveOptions())
        found: list[tuple[Any, dict[str, Any]]] = []
        while page is not None:
            found += [(o.obj, {item.name: item.val for item in o.propSet}) for o in page.objects]
            page = collector.ContinueRetrievePropertiesEx(page.token) if page.token else None
        return found

    def close(self) -> None:
        """Log out; a server that is away forgets the login by itself."""
        try:
            self.content.sessionManager.Logout()
        except (*CUT, vmodl.MethodFault) as error:
            _log.info("could not log out: %s", error)
        self.stub.DropConnections()
        self.http.close()


def _supported_version(about: vim.AboutInfo) -> tuple[int, ...]:
    version = tuple(int(part) for part in str(about.apiVersion).split(".")[:2])
    if version < _OLDEST:
        raise Unsupported(
            f"{about.fullName} speaks vSphere API {about.apiVersion}",
            remedy="use a server of version 6.5 or newer",
        )
    return version
