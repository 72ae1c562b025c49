"""VLANs and limits of NICs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from nova_virt_interface.errors import BackendError, Unsupported
from nova_virt_interface.values.nics import (
    AttachNicRequest,
    DetachNicRequest,
    NicLimits,
    NicSpec,
)

from .backend import BackendTestCase, nic


def tagged(key: str = "nic-1", number: int = 1, vlan_id: int = 7) -> NicSpec:
    plain = nic(key, number)
    return replace(
        plain,
        backing=replace(plain.backing, vlan_id=vlan_id),
        limits=NicLimits(sent_bytes_per_second=1_000_000),
    )


class TestSwitchPorts(BackendTestCase):
    def ports(self, vm_uuid: UUID) -> dict[str, dict[str, Any]]:
        """What is set of each NIC's port, by key."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.harness.vm(vm_uuid)["ports"]:
            told = {name: row[name] for name in ("vlan", "bits_per_second") if row[name]}
            found.setdefault(row["nic"].split()[1], {}).update(told)
        return found

    def test_a_vm_with_nics_in_vlans(self) -> None:
        vm_uuid = self.made(nics=(nic("plain", 3), tagged(), tagged("nic-2", 2, 8)))
        wanted = {"vlan": 7, "bits_per_second": 8_000_000}
        self.assertEqual({"nic-1": wanted, "nic-2": wanted | {"vlan": 8}}, self.ports(vm_uuid))

    def test_a_nic_in_a_vlan_comes_and_goes(self) -> None:
        vm_uuid = self.made()
        before = self.harness.leftovers()
        for _ in range(2):
            self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=tagged()))
        self.assertEqual({"nic-1"}, set(self.ports(vm_uuid)))
        self.hypervisor.detach_nic(vm_uuid, DetachNicRequest(key="nic-1"))
        self.assertEqual(before, self.harness.leftovers())

    def test_a_port_that_is_not_set_leaves_no_nic(self) -> None:
        vm_uuid = self.made()
        before = self.harness.leftovers()
        request = AttachNicRequest(nic=tagged())
        for kind in ("return", "job-after"):
            self.fault("AddFeatureSettings", kind, code=32768, text="It failed.")
            self.assertRaises(BackendError, self.hypervisor.attach_nic, vm_uuid, request)
            self.assertEqual(before, self.harness.leftovers())
        self.hypervisor.attach_nic(vm_uuid, request)

    def test_a_nic_that_a_crash_left_in_no_vlan_is_plugged_anew(self) -> None:
        vm_uuid = self.made()
        request = AttachNicRequest(nic=tagged())
        self.hypervisor.attach_nic(vm_uuid, request)
        self.harness.control("no_ports", guid=self.harness.vm(vm_uuid)["guid"])
        self.assertEqual({}, self.ports(vm_uuid))
        self.hypervisor.attach_nic(vm_uuid, request)
        self.assertEqual(7, self.ports(vm_uuid)["nic-1"]["vlan"])

    def test_what_it_receives_is_not_limited(self) -> None:
        limits = NicLimits(received_bytes_per_second=1)
        spec = self.spec(nics=(replace(nic(), limits=limits),))
        error = self.assertRaises(Unsupported, self.hypervisor.create_vm, self.new_uuid(), spec)
        self.assertEqual("nics[nic-1].limits.received_bytes_per_second", error.field)
