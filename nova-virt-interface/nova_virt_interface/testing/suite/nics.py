"""Network interfaces of a VM."""

from __future__ import annotations

from nova_virt_interface.errors import Conflict, InvalidRequest, NotFound, Resource
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.testing.suite._mixins import HypervisorMixin, nic
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest, NicSpec
from nova_virt_interface.values.power import PowerState, StartRequest

__all__ = ["NicSuite"]


class NicSuite(HypervisorMixin):
    """NicSpec, attach_nic, detach_nic."""

    def test_a_vm_with_several_nics(self) -> None:
        nics = tuple(nic(self.harness, number) for number in (1, 2, 3))
        self.assert_state(self.running(nics=nics), PowerState.RUNNING)

    @rules("NIC-2", "ID-1")
    def test_the_guest_sees_exactly_its_nics_and_its_uuid(self) -> None:
        nics = tuple(nic(self.harness, number) for number in (1, 2))
        vm_uuid = self.booted(nics=nics)
        report = GuestReport(self.console(vm_uuid))
        self.assertEqual(sorted(card.mac for card in nics), sorted(report.all("mac")))
        self.assertEqual([str(vm_uuid)], report.all("dmi_uuid"))

    def test_every_model_that_the_host_offers(self) -> None:
        models = self.hypervisor.describe().nic_models
        self.assertTrue(models)
        cards = tuple(
            NicSpec(
                key=f"nic-{n}",
                mac=nic(self.harness, n).mac,
                backing=self.harness.nic_backing(),
                model=model,
            )
            for n, model in enumerate(models, 1)
        )
        self.assert_state(self.running(nics=cards), PowerState.RUNNING)

    @rules("NIC-1")
    def test_keys_and_macs_are_checked(self) -> None:
        backing = self.harness.nic_backing()
        for mac in (
            "52:54:00:12:34",
            "525400123456",
            "01:00:5e:00:00:01",
            "52:54:00:12:34:5G",
            "52-54-00-12-34-56",
        ):
            with self.refused(InvalidRequest):
                NicSpec(key="x", mac=mac, backing=backing)
        first = nic(self.harness, 1)
        with self.refused(InvalidRequest):
            self.spec(nics=(first, first))

    @rules("NIC-3", "NIC-4", "REP-1")
    def test_a_nic_is_attached_and_detached_while_stopped(self) -> None:
        self.requires(INicHotplug)
        vm_uuid = self.made()
        for _ in range(2):
            self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=nic(self.harness)))
        self.hypervisor.start_vm(vm_uuid, StartRequest())
        for _ in range(2):
            self.hypervisor.detach_nic(vm_uuid, DetachNicRequest(key="never-there"))

    @rules("NIC-3")
    def test_another_nic_of_the_same_key_is_a_conflict(self) -> None:
        self.requires(INicHotplug)
        vm_uuid = self.made(nics=(nic(self.harness, 1),))
        other = NicSpec(
            key="nic-1", mac=nic(self.harness, 2).mac, backing=self.harness.nic_backing()
        )
        with self.refused(Conflict, Resource.NIC):
            self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=other))

    def test_nics_of_an_unknown_vm_are_not_found(self) -> None:
        self.requires(INicHotplug)
        vm_uuid = self.new_uuid()
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=nic(self.harness)))
        with self.refused(NotFound, Resource.VM):
            self.hypervisor.detach_nic(vm_uuid, DetachNicRequest(key="nic-1"))

    @rules("NIC-5")
    def test_a_running_guest_sees_a_nic_come_and_go(self) -> None:
        self.requires(INicHotplug)
        vm_uuid = self.booted()
        card = nic(self.harness, 7)

        def told(fact: str) -> list[str]:
            return GuestReport(self.console(vm_uuid)).all(fact)

        self.hypervisor.attach_nic(vm_uuid, AttachNicRequest(nic=card))
        self.wait_until(lambda: card.mac in told("mac_added"), "the guest to see the NIC")
        self.hypervisor.detach_nic(vm_uuid, DetachNicRequest(key=card.key))
        self.wait_until(lambda: card.mac in told("mac_removed"), "the guest to miss the NIC")
