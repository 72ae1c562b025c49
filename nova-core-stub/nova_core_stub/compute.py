"""Opens a backend: from its configuration to the object that core works with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from nova_virt_interface.errors import BackendError
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver
from oslo_config import cfg
from zope.interface import providedBy
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from nova_core_stub import loader
from nova_core_stub.adaptation import adapted
from nova_core_stub.conf import driver_of
from nova_core_stub.guard import guarded
from nova_core_stub.services import Services

__all__ = ["Compute", "opened"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Compute:
    """One connected backend."""

    found: loader.FoundDriver
    connection: Any
    """What the driver returned; it provides `IHypervisor` or `IVirtDriver`."""
    driver: Any
    """Provides `IVirtDriver`; guarded."""


@contextmanager
def opened(conf: cfg.ConfigOpts, backend: str, services: Services) -> Iterator[Compute]:
    """Connect to a backend; its connection and the services are closed on leaving.

    Args:
        conf: a configuration with core's options.
        backend: the section that holds the backend's options.
        services: what the driver may use.

    Raises: whatever `loader.choose`, `FoundDriver.load` and `IHypervisorFactory` raise.
    """
    with closing(services):
        found = loader.choose(driver_of(conf, backend))
        contract = found.contract
        who = f"driver {found.declaration.driver}"
        factory = guarded(found.load(), contract, name=who)
        raw = factory.connect(factory.settings_from(conf, backend), services)
        try:
            _verify(raw, found)
            driver = adapted(raw, contract, name=who, before=services.before)
            yield Compute(found=found, connection=raw, driver=driver)
        finally:
            _close(raw, who)


def _verify(connection: object, found: loader.FoundDriver) -> None:
    """See that a driver's object is what it says it is."""
    problem = ""
    if not (IHypervisor.providedBy(connection) or IVirtDriver.providedBy(connection)):
        problem = (
            f"its connection provides neither {IHypervisor.__name__} nor {IVirtDriver.__name__}"
        )
    for interface in providedBy(connection):
        try:
            verifyObject(interface, connection)
        except Invalid as error:
            problem = problem or " ".join(str(error).split())
    if problem:
        who = found.declaration
        raise BackendError(
            f"driver {who.driver} is broken: {problem}",
            remedy=f"install a release of {who.package} other than {who.package_version}",
        )


def _close(connection: Any, who: str) -> None:
    close = getattr(connection, "close", None)
    try:
        if close is not None:
            close()
    except Exception as error:  # noqa: BLE001 - what ended the work must come through
        _LOG.warning("%s failed to close its connection: %s", who, error)
