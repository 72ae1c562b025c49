"""What the server tells of VMs, and what is known then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova_virt_interface.values.power import PowerState
from pyVmomi import vim, vmodl

from nova_virt_vmware import translate
from nova_virt_vmware.cache import StateCache

_query = vmodl.query.PropertyCollector
UUID_1 = UUID(int=1)
OURS = {
    "config.uuid": str(UUID_1),
    "name": translate.vm_name("label", UUID_1),
    translate.mark_path(translate.OWNER): vim.option.OptionValue(
        key=translate.OWNER, value=f"nova {UUID_1}"
    ),
    translate.mark_path(translate.NAME): vim.option.OptionValue(key=translate.NAME, value="label"),
    "runtime.powerState": "poweredOff",
    "runtime.connectionState": "connected",
    "resourcePool": vim.ResourcePool("pool-1"),
}


def update(kind: str, facts: dict[str, Any], vm_id: str = "vm-1") -> Any:
    changes = [
        _query.Change(name=name, op="assign" if value is not None else "remove", val=value)
        for name, value in facts.items()
    ]
    return _query.ObjectUpdate(kind=kind, obj=vim.VirtualMachine(vm_id), changeSet=changes)


class TestStateCache(testtools.TestCase):
    """Fed with updates."""

    def setUp(self) -> None:
        super().setUp()
        self.is_recent = self.is_quiet = True
        self.cache = StateCache("nova")
        self.cache.begin(lambda: self.is_recent, lambda: self.is_quiet)

    def test_nothing_is_known_before_all_was_told(self) -> None:
        self.cache.apply([update("enter", OURS)])
        self.assertIsNone(self.cache.states(0))
        self.cache.caught_up(0)
        self.assertEqual(1, len(self.cache.states(0) or ()))
        self.assertIsNone(self.cache.states(1))
        self.cache.begin()
        self.assertIsNone(self.cache.states(0))

    def test_states_change_and_foreign_vms_are_left_out(self) -> None:
        self.cache.caught_up(0)
        new, left = self.cache.apply([update("enter", OURS)])
        self.assertEqual(({"vm-1": UUID_1}, set()), (new, left))
        self.cache.apply([update("modify", {"runtime.powerState": "poweredOn"})])
        (state,) = self.cache.states(0) or ()
        self.assertEqual((PowerState.RUNNING, "label"), (state.power_state, state.name))
        self.cache.apply([update("modify", {translate.mark_path(translate.OWNER): None})])
        self.assertEqual((), self.cache.states(0))

    def test_a_vm_of_another_pool_or_of_none_has_left(self) -> None:
        self.cache.apply([update("enter", OURS)])
        moved = {"resourcePool": vim.ResourcePool("pool-2")}
        self.assertEqual({"vm-1"}, self.cache.apply([update("modify", moved)])[1])
        self.assertEqual({"vm-1"}, self.cache.apply([update("leave", {})])[1])
        self.cache.caught_up(0)
        self.assertEqual((), self.cache.states(0))

    def test_a_server_that_is_not_heard_tells_nothing(self) -> None:
        self.cache.apply([update("enter", OURS)])
        self.cache.caught_up(0)
        self.is_quiet = False
        self.assertIsNone(self.cache.states(0))
        # Whoever acts by it is told by the server if that is over.
        self.assertIsNotNone(self.cache.vm(UUID_1))
        self.is_quiet, self.is_recent = True, False
        self.assertIsNone(self.cache.states(0))
        self.assertIsNone(self.cache.vm(UUID_1))

    def test_of_a_vm_that_moves_nothing_is_known_until_it_is_clear_where_it_is(self) -> None:
        self.cache.apply([update("enter", OURS)])
        self.cache.caught_up(0)
        vm_id, facts = self.cache.vm(UUID_1) or ("", {})
        self.assertEqual(("vm-1", OURS), (vm_id, facts))
        self.assertIsNone(self.cache.vm(UUID(int=2)))
        moved = update("modify", {"resourcePool": vim.ResourcePool("pool-2")})
        self.cache.apply([moved])
        self.assertIsNone(self.cache.vm(UUID_1))
        self.cache.keep("vm-1")
        self.assertIsNotNone(self.cache.vm(UUID_1))
        self.assertEqual(1, len(self.cache.states(0) or ()))

    def test_of_a_vm_that_is_about_to_go_nothing_is_certain(self) -> None:
        self.cache.apply([update("enter", OURS)])
        self.cache.doubt("vm-1")
        self.assertIsNone(self.cache.vm(UUID_1))
        self.cache.keep("vm-1")
        self.assertIsNotNone(self.cache.vm(UUID_1))

    def test_a_vm_that_has_gone_may_come_back(self) -> None:
        self.cache.apply([update("enter", OURS)])
        self.cache.caught_up(0)
        self.cache.apply([update("modify", {"resourcePool": vim.ResourcePool("pool-2")})])
        self.cache.forget("vm-1")
        self.cache.apply([update("modify", {"runtime.powerState": "poweredOn"})])
        self.assertEqual(((), None), (self.cache.states(0), self.cache.vm(UUID_1)))
        self.cache.apply([update("modify", {"resourcePool": OURS["resourcePool"]})])
        (state,) = self.cache.states(0) or ()
        self.assertIs(PowerState.RUNNING, state.power_state)

    @given(st.lists(st.sampled_from(sorted(OURS)), unique=True))
    def test_a_vm_that_is_told_of_in_parts_is_known_in_the_end(self, first: list[str]) -> None:
        cache = StateCache("nova")
        cache.begin(lambda: True, lambda: True)
        cache.apply([update("enter", {name: OURS[name] for name in first})])
        cache.apply([update("modify", OURS)])
        cache.caught_up(0)
        self.assertEqual([UUID_1], [vm.vm_uuid for vm in cache.states(0) or ()])
