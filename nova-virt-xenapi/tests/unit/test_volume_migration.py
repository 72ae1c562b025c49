"""VMs with volumes that go to another host of their pool: both hosts are connected to the target
only as long as each of them has to be.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    FinishOutgoingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import IscsiVolume, Volume

from nova_virt_xenapi.hypervisor import XenApiFactory

from .pools import MIB, InPoolHarness, PoolTestCase

_IQN = "iqn.2010-10.org.openstack:volume-that-moves"
_LIVE, _COLD = MigrationMode.LIVE, MigrationMode.COLD


class TestVolumesThatStay(PoolTestCase):
    """Two hosts on one storage, and an iSCSI target beside it."""

    harness_class = InPoolHarness

    def setUp(self) -> None:
        super().setUp()
        self.simulator.ask("target", iqn=_IQN, units={"1": 4 * MIB})
        self.addCleanup(self.simulator.ask, "target", iqn=_IQN)
        self.one, self.two = (self.connected(settings) for settings in self.harness.shared_hosts())
        connection = IscsiVolume(portals=("192.0.2.1:3260",), target_iqn=_IQN, lun=1)
        volume = Volume(volume_id=uuid4(), connection=connection)
        self.described = self.spec(
            disks=(
                DiskSpec(key="root", source=Blank(), size_bytes=4 * MIB),
                DiskSpec(key="volume", source=volume, size_bytes=4 * MIB),
            )
        )
        self.one.create_vm(self.vm_uuid, self.described)
        for node in (self.one, self.two):
            self.addCleanup(node.delete_vm, self.vm_uuid, DeleteVmRequest())

    def connected(self, settings: object) -> Any:
        connection: Any = XenApiFactory().connect(settings, SuiteServices())  # type: ignore[arg-type]
        self.addCleanup(connection.close)
        return connection

    def ticket(self, mode: MigrationMode) -> MigrationTicket:
        vm = self.one.describe_outgoing(self.vm_uuid)
        self.assertEqual({"root": False, "volume": True}, {d.key: d.is_volume for d in vm.disks})
        check = CheckIncomingRequest(vm=vm, spec=self.described, mode=mode)
        offer = self.two.check_incoming(self.vm_uuid, check)
        self.assertEqual((), offer.copied_disks)
        request = CheckOutgoingRequest(offer=offer, mode=mode)
        plan = self.one.check_outgoing(self.vm_uuid, request)
        prepare = PrepareIncomingRequest(plan=plan, spec=self.described)
        ticket: MigrationTicket = self.two.prepare_incoming(self.vm_uuid, prepare)
        return ticket

    def connected_hosts(self) -> set[str]:
        """Names of the hosts that are connected to the target."""
        records = {
            name: self.simulator.ask("records", class_name=name) for name in ("SR", "PBD", "host")
        }
        return {
            records["host"][row["host"]]["name_label"]
            for row in records["PBD"].values()
            if records["SR"][row["SR"]]["name_label"] == _IQN and row["currently_attached"]
        }

    def vms(self) -> list[tuple[str, dict[str, Any]]]:
        records = self.simulator.ask("records", class_name="VM").items()
        return [(ref, row) for ref, row in records if "nova-virt-vm" in row["other_config"]]

    def finish(self) -> None:
        request = FinishIncomingRequest(spec=self.described)
        self.two.finish_incoming(self.vm_uuid, request)
        self.one.finish_outgoing(self.vm_uuid, FinishOutgoingRequest())

    def test_a_running_vm_keeps_its_volume(self) -> None:
        self.one.start_vm(self.vm_uuid, StartRequest())
        ticket = self.ticket(_LIVE)
        self.assertEqual({"xcp-0", "xcp-1"}, self.connected_hosts())
        self.two.cancel_incoming(self.vm_uuid, CancelIncomingRequest())
        self.assertEqual({"xcp-0"}, self.connected_hosts())
        ticket = self.ticket(_LIVE)
        self.one.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=ticket))
        self.finish()
        self.assertEqual({"xcp-1"}, self.connected_hosts())
        self.assertEqual(PowerState.RUNNING, self.two.get_vm(self.vm_uuid).power_state)
        self.two.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertEqual(set(), self.connected_hosts())

    def test_a_stopped_vm_keeps_its_volume_and_its_firmware_s_variables(self) -> None:
        nvram = {"EFI-variables": "Ym9vdA=="}
        [(vm, _)] = self.vms()
        self.simulator.ask("call", method="VM.set_NVRAM", parameters=[vm, nvram])
        ticket = self.ticket(_COLD)
        self.one.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=ticket))
        self.finish()
        self.assertEqual({"xcp-1"}, self.connected_hosts())
        self.two.start_vm(self.vm_uuid, StartRequest())
        self.assertEqual(("root", "volume"), self.two.get_vm(self.vm_uuid).disk_keys)
        [(_, record)] = self.vms()
        self.assertEqual(nvram, record["NVRAM"])

    def test_a_vm_is_adopted_with_its_volume(self) -> None:
        self.two.adopt_vm(self.vm_uuid, AdoptVmRequest(spec=self.described))
        self.assertEqual({"xcp-0", "xcp-1"}, self.connected_hosts())
        self.one.release_vm(self.vm_uuid, ReleaseVmRequest())
        self.two.start_vm(self.vm_uuid, StartRequest())
        self.assertEqual(("root", "volume"), self.two.get_vm(self.vm_uuid).disk_keys)
