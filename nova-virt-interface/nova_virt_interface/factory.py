"""How core comes to a connection: the object behind a driver's entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.hypervisor.lifecycle import IHypervisor
    from nova_virt_interface.services import IServices
    from nova_virt_interface.virt_driver.lifecycle import IVirtDriver

__all__ = ["IHypervisorFactory"]


class IHypervisorFactory(Interface):
    """The entry point in group ``nova_virt.hypervisors`` names a class whose instances provide
    this.

    [CONN-1] Importing the entry point and making the factory does no input or output.
    [CONN-2] Connections are independent of each other: two of one kind coexist in a process.
    """

    taggedValue("since", "1.0")

    def settings_from(conf: Any, group: str) -> Any:
        """Read the driver's settings from configuration.

        Registers the driver's options in ``conf``, an `oslo_config.cfg.ConfigOpts`, under
        ``group``, and returns the driver's own frozen settings value. Its repr hides secrets. No
        input or output beyond that of ``conf``.

        Raises: InvalidRequest naming the option and what it allows.
        """

    def connect(settings: Any, services: IServices) -> IHypervisor | IVirtDriver:
        """Connect to the hypervisor.

        [CONN-3] Before it returns, the driver finds out what this host can do and adds the optional
        interfaces to the instance; they stay fixed until it is closed.
        [CONN-4] A host that is away, or refuses the credentials, is a contract error, and nothing
        stays open.
        [CONN-5] When the connection breaks later, calls raise `HostUnreachable` and the driver
        connects again by itself, at the latest when it is called again.

        Args:
            settings: what `settings_from` returned, or made by hand.
            services: what core offers.

        Returns: an object that provides `IHypervisor`, or one that provides `IVirtDriver` itself.

        Raises: HostUnreachable; AccessDenied; InvalidRequest; Unsupported (a product or version it
        cannot drive).
        """
