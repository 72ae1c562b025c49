"""A power state that does not fit is refused, and named."""

from __future__ import annotations

from uuid import uuid4

import testtools

from nova_virt_interface.errors import InvalidState
from nova_virt_interface.states import ON, require_state
from nova_virt_interface.values.power import PowerState


class TestStates(testtools.TestCase):
    def test_what_is_allowed_passes(self) -> None:
        for state in ON:
            require_state(uuid4(), state, *ON)

    def test_what_is_not_allowed_is_named_with_what_would_be(self) -> None:
        vm_uuid = uuid4()
        for state in set(PowerState) - set(ON):
            error = self.assertRaises(InvalidState, require_state, vm_uuid, state, *ON)
            self.assertEqual(state.value, error.state)
            self.assertIn(str(vm_uuid), str(error))
            self.assertIn("running or paused", error.remedy)
            self.assertFalse(error.may_have_been_done)
