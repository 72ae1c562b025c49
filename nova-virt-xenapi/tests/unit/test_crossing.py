"""VMs that go to another pool: what the simulator takes and refuses, and what the driver keeps to
itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import xmlrpc.client
from dataclasses import replace
from typing import Any, ClassVar
from uuid import uuid4

import fixtures
import requests
from nova_virt_interface.errors import Conflict, Unsupported, VirtError
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.events import EventKind
from nova_virt_interface.values.guest_settings import Firmware, GuestSettings, Tpm, TpmModel
from nova_virt_interface.values.migration import (
    CancelIncomingRequest,
    CheckIncomingRequest,
    CheckOutgoingRequest,
    FinishIncomingRequest,
    MigrateVmRequest,
    MigrationMode,
    MigrationPhase,
    MigrationTicket,
    PrepareIncomingRequest,
)
from nova_virt_interface.values.power import StartRequest
from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec
from nova_virt_interface.values.volumes import HypervisorVolume, Volume

from nova_virt_xenapi.hypervisor import XenApiFactory
from nova_virt_xenapi.migration_data import unpack
from nova_virt_xenapi.testing.process import Simulator

from .pools import MIB, PoolTestCase
from .wires import WireTestCase

_LIVE, _COLD = MigrationMode.LIVE, MigrationMode.COLD
_VBD: dict[str, Any] = {
    "userdevice": "0", "bootable": True, "mode": "RW", "type": "Disk", "unpluggable": True,
    "empty": False, "other_config": {"mine": "yes"}, "qos_algorithm_type": "",
    "qos_algorithm_params": {},
}  # fmt: skip
_VIF: dict[str, Any] = {
    "device": "0", "MAC": "02:00:00:aa:bb:cc", "MTU": "1500", "other_config": {},
    "qos_algorithm_type": "", "qos_algorithm_params": {},
}  # fmt: skip


class TestSimulatedPools(WireTestCase):
    """``VM.migrate_send`` to a host of another pool."""

    other: ClassVar[Simulator]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.other = Simulator(label="other")
        cls.addClassCleanup(cls.other.stop)

    def setUp(self) -> None:
        super().setUp()
        self.disk = self.vdi(other_config={"mine": "yes", "config-drive": "true"})
        self.content = os.urandom(MIB)
        requests.put(
            f"{self.simulator.url}/import_raw_vdi",
            params={"session_id": self.session.handle, "vdi": self.disk},
            data=self.content,
            verify=self.simulator.ca_file,
            timeout=60,
        )
        self.sent = self.vm(other_config={"mine": "yes"})
        self.call("VBD.create", {**_VBD, "VM": self.sent, "VDI": self.disk})
        network = self.call("network.get_all")[0]
        self.nic = self.call("VIF.create", {**_VIF, "VM": self.sent, "network": network})
        self.there, network_there, self.storage = (
            next(iter(self.other.ask("records", class_name=name)))
            for name in ("host", "network", "SR")
        )
        call = self.other.ask
        arguments = [self.there, network_there, {}]
        self.where = call("call", method="host.migrate_receive", parameters=arguments)
        self.vdis, self.vifs = {self.disk: self.storage}, {self.nic: network_there}

    def send(self, method: str = "VM.migrate_send", **changes: Any) -> Any:
        usual = {"where": self.where, "vdis": self.vdis, "vifs": self.vifs, "options": {}}
        where, vdis, vifs, options = (usual | changes).values()
        return self.call(method, self.sent, where, True, vdis, vifs, options)

    def cannot(self, code: str, **changes: Any) -> list[str]:
        usual = {"where": self.where, "vdis": self.vdis, "vifs": self.vifs, "options": {}}
        where, vdis, vifs, options = (usual | changes).values()
        for method in ("VM.assert_can_migrate", "VM.migrate_send"):
            found = self.refused(code, method, self.sent, where, True, vdis, vifs, options)
        return found

    def start(self) -> None:
        self.call("VM.start", self.sent, False, False)

    def rows(self, class_name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.other.ask("records", class_name=class_name)
        return found

    def test_a_running_vm_is_the_other_pool_s(self) -> None:
        self.start()
        uuid = self.call("VM.get_uuid", self.sent)
        arrived = self.send()
        self.refused("HANDLE_INVALID", "VM.get_record", self.sent)
        self.refused("HANDLE_INVALID", "VDI.get_record", self.disk)
        record = self.rows("VM")[arrived]
        state = (record["uuid"], record["power_state"], record["resident_on"])
        self.assertEqual((uuid, "Running", self.there), state)
        self.assertEqual("yes", record["other_config"]["mine"])
        [vbd], [vif] = ([self.rows(c)[ref] for ref in record[f"{c}s"]] for c in ("VBD", "VIF"))
        self.assertEqual((True, "yes"), (vbd["currently_attached"], vbd["other_config"]["mine"]))
        self.assertEqual(_VIF["MAC"], vif["MAC"])
        # xapi's vdi_other_config_sync_keys: all other marks stay behind.
        self.assertEqual({"config-drive": "true"}, self.rows("VDI")[vbd["VDI"]]["other_config"])
        self.assertEqual(self.storage, self.rows("VDI")[vbd["VDI"]]["SR"])
        found = self.other.ask("content", vdi=vbd["VDI"], length=MIB)
        self.assertEqual(hashlib.sha256(self.content).hexdigest(), found["sha256"])

    def test_a_copy_is_another_vm(self) -> None:
        copies = [self.send(options={"copy": "true"}) for _ in range(2)]
        uuids = {self.rows("VM")[ref]["uuid"] for ref in copies}
        uuids.add(self.call("VM.get_uuid", self.sent))
        self.assertEqual(3, len(uuids))
        [vif] = [row for row in self.rows("VIF").values() if row["VM"] == copies[0]]
        self.assertNotEqual(_VIF["MAC"], vif["MAC"])
        self.start()
        self.cannot("VM_BAD_POWER_STATE", options={"copy": "true"})

    def test_what_is_missing_or_wrong_is_refused(self) -> None:
        self.assertEqual(self.disk, self.cannot("VDI_NOT_IN_MAP", vdis={})[1])
        self.assertEqual(self.nic, self.cannot("VIF_NOT_IN_MAP", vifs={})[1])
        stranger = self.where | {"session_id": "OpaqueRef:stranger"}
        # The official client takes it for its own session, and logs in again in vain.
        fault = self.assertRaises(xmlrpc.client.Fault, self.send, where=stranger)
        self.assertIn("valid session", fault.faultString)
        self.cannot("HANDLE_INVALID", vdis={self.disk: "OpaqueRef:nothing"})
        self.cannot("HANDLE_INVALID", vifs={self.nic: "OpaqueRef:nothing"})
        self.other.ask("away")
        self.addCleanup(self.other.ask, "back")
        self.cannot("CANNOT_CONTACT_HOST")
        self.assertEqual("Halted", self.call("VM.get_power_state", self.sent))

    def test_a_pool_that_has_the_vm_already_takes_no_second_one(self) -> None:
        uuid = self.call("VM.get_uuid", self.sent)
        there, row = next(iter(self.rows("VM").items()))
        write = {"class_name": "VM", "ref": there, "field": "uuid"}
        self.other.ask("write", **write, value=uuid)
        self.addCleanup(self.other.ask, "write", **write, value=row["uuid"])
        disks = self.rows("VDI").keys()
        maps = (self.vdis, self.vifs)
        method = "VM.migrate_send"
        self.refused("DUPLICATE_VM", method, self.sent, self.where, True, *maps, {})
        self.assertEqual(disks, self.rows("VDI").keys())

    def test_a_host_that_takes_none(self) -> None:
        self.other.ask("call", method="host.disable", parameters=[self.there])
        self.addCleanup(self.other.ask, "hosts_on")
        self.cannot("HOST_DISABLED")

    def test_what_has_its_own_rules_within_a_pool(self) -> None:
        [host] = self.call("host.get_all")
        network = self.call("network.get_all")[0]
        where = self.call("host.migrate_receive", host, network, {})
        vdis = {self.disk: self.sr}
        self.cannot("OPERATION_NOT_ALLOWED", where=where, vdis=vdis, vifs={self.nic: network})
        usual: dict[str, Any] = {"where": where, "vdis": vdis, "vifs": {}}
        method = ("VM.migrate_send", self.sent, *usual.values())
        code = "OPERATION_NOT_ALLOWED"
        self.refused(code, *method[:3], True, *method[3:], {"copy": "true"})
        self.cannot("VDI_NOT_IN_MAP", **usual | {"vdis": {}})

    def test_a_tpm_is_one_and_goes_with_its_vm(self) -> None:
        self.call("VTPM.create", self.sent, False)
        refused = self.refused("VTPM_MAX_AMOUNT_REACHED", "VTPM.create", self.sent, False)
        self.assertEqual("1", refused[1])
        self.start()
        [vtpm] = self.call("VM.get_VTPMs", self.sent)
        self.refused("VM_BAD_POWER_STATE", "VTPM.destroy", vtpm)
        self.refused("VM_BAD_POWER_STATE", "VTPM.create", self.sent, False)
        arrived = self.send()
        self.assertEqual(1, len(self.rows("VM")[arrived]["VTPMs"]))
        self.refused("HANDLE_INVALID", "VTPM.get_record", vtpm)


class TestDriver(PoolTestCase):
    """The driver at both ends."""

    def setUp(self) -> None:
        super().setUp()
        settings = self.harness.second_settings()
        self.other: Any = XenApiFactory().connect(settings, SuiteServices())
        self.addCleanup(self.other.close)
        self.described = self.spec(disks=(self.blank(),))

    def blank(self) -> DiskSpec:
        return DiskSpec(key="blank", source=Blank(), size_bytes=4 * MIB)

    def made(self, **changes: Any) -> VmSpec:
        spec = replace(self.described, **changes)
        self.driver.create_vm(self.vm_uuid, spec)
        for node in (self.driver, self.other):
            self.addCleanup(node.delete_vm, self.vm_uuid, DeleteVmRequest())
        return spec

    def ticket(self, spec: VmSpec, mode: MigrationMode = _LIVE) -> MigrationTicket:
        vm = self.driver.describe_outgoing(self.vm_uuid)
        check = CheckIncomingRequest(vm=vm, spec=spec, mode=mode)
        offer = self.other.check_incoming(self.vm_uuid, check)
        request = CheckOutgoingRequest(offer=offer, mode=mode)
        plan = self.driver.check_outgoing(self.vm_uuid, request)
        prepare = PrepareIncomingRequest(plan=plan, spec=spec)
        ticket: MigrationTicket = self.other.prepare_incoming(self.vm_uuid, prepare)
        return ticket

    def test_nobody_sees_the_session_that_lets_a_vm_in(self) -> None:
        logged = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        spec = self.made()
        self.driver.start_vm(self.vm_uuid, StartRequest())
        ticket = self.ticket(spec)
        assert ticket.secret is not None
        secret = ticket.secret.reveal().decode()
        [handle] = [
            ref
            for ref in self.harness.other_pool.ask("records", class_name="session")
            if ref in secret
        ]
        self.assertNotIn(handle, repr(ticket) + ticket.data.content.decode())
        for class_name in ("VM", "VDI", "host", "pool"):
            rows = self.harness.other_pool.ask("records", class_name=class_name)
            self.assertNotIn(handle, str(rows))
        self.other.cancel_incoming(self.vm_uuid, CancelIncomingRequest())
        self.assertNotIn(handle, self.harness.other_pool.ask("records", class_name="session"))
        request = MigrateVmRequest(ticket=ticket)
        error = self.assertRaises(Conflict, self.driver.migrate_vm, self.vm_uuid, request)
        self.assertNotIn(handle, f"{error!r} {error} {error.__cause__} {vars(error)}")
        self.assertNotIn(handle, logged.output)

    def test_a_repeated_preparation_lets_one_in_alone(self) -> None:
        spec = self.made()
        sessions = self.harness.other_pool.ask("records", class_name="session").keys()
        self.driver.start_vm(self.vm_uuid, StartRequest())
        first, second = self.ticket(spec), self.ticket(spec)
        self.assertEqual(first.data, second.data)
        now = self.harness.other_pool.ask("records", class_name="session").keys()
        self.assertEqual(1, len(now - sessions))
        request = MigrateVmRequest(ticket=first)
        self.assertRaises(Conflict, self.driver.migrate_vm, self.vm_uuid, request)
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=second))
        self.other.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=spec))
        after = self.harness.other_pool.ask("records", class_name="session").keys()
        self.assertEqual(frozenset(), after - sessions)

    def test_a_vm_that_is_not_finished_is_deleted_with_its_disks(self) -> None:
        before = self.objects()
        spec = self.made()
        self.driver.start_vm(self.vm_uuid, StartRequest())
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=self.ticket(spec)))
        self.other.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertEqual(before, self.objects())

    def test_a_vm_that_did_not_go_is_deleted_like_any_other(self) -> None:
        spec = self.made()
        self.driver.start_vm(self.vm_uuid, StartRequest())
        ticket = self.ticket(spec)
        self.simulator.ask("fault", method="Async.VM.migrate_send", action="drop_before")
        # The note that it went is there, and its removal fails, too.
        self.simulator.ask("fault", method="VM.get_uuid", action="drop_before")
        request = MigrateVmRequest(ticket=ticket)
        self.assertRaises(VirtError, self.driver.migrate_vm, self.vm_uuid, request)
        self.simulator.ask("clear_faults")
        self.assertIn(str(self.vm_uuid), str(self.simulator.ask("records", class_name="host")))
        self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())
        self.assertNotIn(str(self.vm_uuid), str(self.simulator.ask("records", class_name="host")))
        status = self.driver.migration_status(self.vm_uuid)
        self.assertIs(MigrationPhase.NONE, status.phase)
        told = self.services.events
        self.assertTrue(
            told.wait_for(EventKind.DELETED, self.vm_uuid, 15.0), told.kinds(self.vm_uuid)
        )
        self.assertNotIn(EventKind.MIGRATED, told.kinds(self.vm_uuid))
        self.other.cancel_incoming(self.vm_uuid, CancelIncomingRequest())

    def test_volumes_and_older_hosts_are_refused(self) -> None:
        spec = self.made()
        vm = self.driver.describe_outgoing(self.vm_uuid)
        volume = DiskSpec(
            key="volume",
            source=Volume(volume_id=uuid4(), connection=HypervisorVolume(identity=str(uuid4()))),
            size_bytes=4 * MIB,
        )
        outgoing = replace(vm.disks[0], key="volume", is_volume=True)
        described = replace(spec, disks=(*spec.disks, volume))
        for mode in MigrationMode:
            with_volume = replace(vm, disks=(*vm.disks, outgoing))
            check = CheckIncomingRequest(vm=with_volume, spec=described, mode=mode)
            self.assertRaises(Unsupported, self.other.check_incoming, self.vm_uuid, check)
        newer = unpack(vm.data)["version"].encode()
        content = vm.data.content.replace(newer, b"999.0")
        check = CheckIncomingRequest(
            vm=replace(vm, data=replace(vm.data, content=content)), spec=spec, mode=_LIVE
        )
        self.assertRaises(Unsupported, self.other.check_incoming, self.vm_uuid, check)
        for broken in (b"", b"[]", b"{}", b'{"pool": "p", "host": "h"}'):
            data = replace(vm.data, content=broken)
            check = CheckIncomingRequest(vm=replace(vm, data=data), spec=spec, mode=_LIVE)
            self.assertRaises(Unsupported, self.other.check_incoming, self.vm_uuid, check)

    def test_a_tpm_goes_live_and_is_not_copied(self) -> None:
        spec = self.made(settings=GuestSettings(tpm=Tpm()))
        [state] = self.simulator.ask("tpms").values()
        self.assertRaises(Unsupported, self.ticket, spec, _COLD)
        self.driver.start_vm(self.vm_uuid, StartRequest())
        self.driver.migrate_vm(self.vm_uuid, MigrateVmRequest(ticket=self.ticket(spec)))
        self.other.finish_incoming(self.vm_uuid, FinishIncomingRequest(spec=spec))
        [vtpm] = self.harness.other_pool.ask("records", class_name="VTPM")
        self.assertEqual(state, self.harness.other_pool.ask("tpms")[vtpm])

    def test_a_tpm_that_xapi_does_not_make_is_refused(self) -> None:
        for settings in (
            GuestSettings(tpm=Tpm(), firmware=Firmware.BIOS),
            GuestSettings(tpm=Tpm(model=TpmModel.TIS)),
        ):
            spec = replace(self.described, settings=settings)
            error = self.assertRaises(Unsupported, self.driver.create_vm, self.vm_uuid, spec)
            self.assertTrue(error.field.startswith("settings.tpm"))
