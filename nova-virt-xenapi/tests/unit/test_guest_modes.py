"""Guests that find less than a whole machine."""

from __future__ import annotations

from nova_virt_interface.errors import Unsupported
from nova_virt_interface.values.disks import Blank, DiskSpec
from nova_virt_interface.values.guest_settings import GuestMode, GuestSettings, VmFeature
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import DeleteVmRequest

from .pools import MIB, OperationTestCase, SimulatorTestCase
from .wires import WireTestCase

_PARAVIRTUALIZED = {
    "domain_type": "pv",
    "HVM_boot_policy": "",
    "PV_bootloader": "pygrub",
    "memory_static_max": str(64 * MIB),
}


class TestModes(OperationTestCase):
    """Of the driver."""

    def test_each_mode_boots_from_its_disk(self) -> None:
        self.driver.cache_image(self.image_request())
        for mode, kind in ((GuestMode.PV, "pv"), (GuestMode.PVH, "pvh"), (GuestMode.HVM, "hvm")):
            spec = self.spec(settings=GuestSettings(mode=mode))
            self.driver.create_vm(self.vm_uuid, spec)
            self.start()
            self.assertEqual(kind, self.record()[1]["domain_type"])
            self.driver.delete_vm(self.vm_uuid, DeleteVmRequest())

    def test_a_disk_without_a_kernel_is_named_as_the_reason(self) -> None:
        blank = DiskSpec(key="data", source=Blank(), size_bytes=2 * MIB)
        spec = self.spec(disks=(blank,), settings=GuestSettings(mode=GuestMode.PV))
        self.driver.create_vm(self.vm_uuid, spec)
        error = self.assertRaises(Unsupported, self.start)
        self.assertEqual("settings.mode", error.field)
        self.assertEqual(PowerState.STOPPED, self.driver.get_vm(self.vm_uuid).power_state)


class TestHostWithoutParavirtualization(SimulatorTestCase):
    """Xen there runs such guests inside of a shim."""

    def test_the_shim_is_asked_for(self) -> None:
        ask = self.simulator.ask
        [host] = ask("records", class_name="host")
        write = {"class_name": "host", "ref": host, "field": "capabilities"}
        ask("write", **write, value=["hvm-3.0-x86_64"])
        driver = self.connect()
        self.assertIn(VmFeature.PARAVIRTUALIZED_GUESTS, driver.describe().features)
        self.assertEqual("pv_in_pvh", driver._pool.pv_domain_type)


class TestSimulatedBoot(WireTestCase):
    """What the real thing refuses."""

    def test_every_domain_type_needs_what_it_needs(self) -> None:
        host = self.call("host.get_all")[0]
        for changes, code in (
            ({}, "BOOTLOADER_FAILED"),
            ({"PV_bootloader": "grub"}, "UNKNOWN_BOOTLOADER"),
            ({"PV_bootloader": "", "PV_kernel": "/vmlinuz"}, "INVALID_VALUE"),
        ):
            vm = self.vm(**_PARAVIRTUALIZED | changes)
            self.refused(code, "VM.start_on", vm, host, False, False)
        hvm = self.vm()
        self.simulator.ask("write", class_name="host", ref=host, field="capabilities", value=[])
        self.refused("VM_HVM_REQUIRED", "VM.start_on", hvm, host, False, False)
