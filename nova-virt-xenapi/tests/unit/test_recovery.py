"""A VM whose host died while it ran."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.power import PowerState, StartRequest
from nova_virt_interface.values.recovery import AdoptVmRequest, ReleaseVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest

from nova_virt_xenapi.hypervisor import XenApiFactory

from .pools import MIB, PoolTestCase


class TestRecovery(PoolTestCase):
    """On the storage that both hosts see."""

    def test_a_vm_of_a_dead_host_is_adopted_and_runs(self) -> None:
        new, old = (self.connected(settings) for settings in self.harness.shared_hosts())
        disk = DiskSpec(key="data", source=Blank(), size_bytes=2 * MIB, boot_index=0)
        spec = self.spec(disks=(disk,))
        old.create_vm(self.vm_uuid, spec)
        self.addCleanup(new.delete_vm, self.vm_uuid, DeleteVmRequest())
        [(ref, _)] = self.vms().items()
        nvram = {"EFI-variables": "Ym9vdA=="}
        self.simulator.ask("call", method="VM.set_NVRAM", parameters=[ref, nvram])
        old.start_vm(self.vm_uuid, StartRequest())
        [host] = [
            row
            for row in self.simulator.ask("records", class_name="host").values()
            if row["name_label"] == "xcp-1"
        ]
        live = {"class_name": "host_metrics", "ref": host["metrics"], "field": "live"}
        self.simulator.ask("write", **live, value=False)
        self.addCleanup(self.simulator.ask, "write", **live, value=True)
        new.adopt_vm(self.vm_uuid, AdoptVmRequest(spec=spec))
        new.start_vm(self.vm_uuid, StartRequest())
        self.assertEqual(PowerState.RUNNING, new.get_vm(self.vm_uuid).power_state)
        old.release_vm(self.vm_uuid, ReleaseVmRequest())
        self.assertEqual((), old.list_vms())
        # What its firmware wrote down has come along.
        [record] = self.vms().values()
        self.assertEqual(nvram, record["NVRAM"])
        self.assertEqual(PowerState.RUNNING, new.get_vm(self.vm_uuid).power_state)

    def vms(self) -> dict[str, Any]:
        records = self.simulator.ask("records", class_name="VM").items()
        return {ref: row for ref, row in records if "nova-virt-vm" in row["other_config"]}

    def connected(self, settings: object) -> Any:
        connection: Any = XenApiFactory().connect(settings, SuiteServices())  # type: ignore[arg-type]
        self.addCleanup(connection.close)
        return connection
