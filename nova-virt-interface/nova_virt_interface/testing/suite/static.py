"""What can be seen without calling anything."""

from __future__ import annotations

from abc_interface_checker import assert_conforms

from nova_virt_interface.interfaces import HYPERVISOR_INTERFACES
from nova_virt_interface.testing.suite._mixins import HypervisorMixin

__all__ = ["StaticSuite"]


class StaticSuite(HypervisorMixin):
    """The signatures of all interfaces that are provided."""

    def test_every_call_that_is_allowed_is_taken(self) -> None:
        connection = self.tracker.connection
        provided = [found for found in HYPERVISOR_INTERFACES if found.providedBy(connection)]
        self.assertIn(HYPERVISOR_INTERFACES[0], provided)
        for interface in provided:
            assert_conforms(interface, connection)
