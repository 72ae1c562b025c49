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
    translate.mark_path(translate.OWNER): vim.option.OptionValue(key=translate.OWNER, value="nova"),
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
        self.cache = StateCache("nova")

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

    @given(st.lists(st.sampled_from(sorted(OURS)), unique=True))
    def test_a_vm_that_is_told_of_in_parts_is_known_in_the_end(self, first: list[str]) -> None:
        cache = StateCache("nova")
        cache.apply([update("enter", {name: OURS[name] for name in first})])
        cache.apply([update("modify", OURS)])
        cache.caught_up(0)
        self.assertEqual([UUID_1], [vm.vm_uuid for vm in cache.states(0) or ()])
