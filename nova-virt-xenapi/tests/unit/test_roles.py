"""Users of lesser roles: what they may not do is refused, and nothing is done."""

from __future__ import annotations

from uuid import uuid4

from nova_virt_interface.errors import AccessDenied
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.vm import VmSpec

from nova_virt_xenapi.testing.simulator.sessions import READER

from .pools import MIB, SimulatorTestCase
from .wires import VDI, WireTestCase


class TestSimulatedRoles(WireTestCase):
    """The role ``read-only``."""

    def setUp(self) -> None:
        super().setUp()
        self.session.xenapi.session.logout()
        self.session.xenapi.login_with_password(READER, "simulated", "1.0", "test")

    def test_it_looks_and_does_nothing(self) -> None:
        disks = self.call("VDI.get_all")
        self.call("event.from", ["vm"], "", 0.0)
        refused = self.refused("RBAC_PERMISSION_DENIED", "VDI.create", {**VDI, "SR": self.sr})
        self.assertEqual("vdi.create", refused[1])
        for method in ("Async.host.evacuate", "host.disable"):
            [host] = self.call("host.get_all")
            self.refused("RBAC_PERMISSION_DENIED", method, host)
        self.assertEqual(disks, self.call("VDI.get_all"))


class TestDriver(SimulatorTestCase):
    """With such a user."""

    def test_it_is_told_that_its_role_does_not_suffice(self) -> None:
        driver = self.connect(username=READER)
        self.assertEqual((), driver.list_vms())
        spec = VmSpec(
            name="refused",
            vcpus=1,
            memory_bytes=64 * MIB,
            disks=(DiskSpec(key="root", source=Blank(), size_bytes=2 * MIB),),
        )
        vms = self.simulator.ask("records", class_name="VM").keys()
        error = self.assertRaises(AccessDenied, driver.create_vm, uuid4(), spec)
        self.assertIn("role", error.remedy)
        self.assertFalse(error.may_have_been_done)
        self.assertEqual(vms, self.simulator.ask("records", class_name="VM").keys())
