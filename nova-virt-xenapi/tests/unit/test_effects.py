"""What calls will show."""

from __future__ import annotations

from typing import Any

import testtools

from nova_virt_xenapi.effects import effect_of

_ROW: dict[str, Any] = {
    "other_config": {"a": "1"},
    "currently_attached": False,
    "enabled": True,
    "virtual_size": "100",
}


class TestEffects(testtools.TestCase):
    """One row of the table each."""

    def shows(self, row: dict[str, Any] | None, method: str, *arguments: Any) -> bool:
        effect = effect_of(method, arguments, "new")
        assert effect is not None
        self.assertEqual(method.partition(".")[0], effect.class_name)
        made = ("create", "clone", "snapshot", "introduce")
        self.assertEqual("new" if method.endswith(made) else arguments[0], effect.ref)
        return effect.holds(row)

    def test_what_is_made_is_there_and_what_is_destroyed_is_not(self) -> None:
        for method in ("VM.create", "VDI.clone", "VDI.snapshot", "SR.introduce"):
            self.assertTrue(self.shows(_ROW, method, "old"))
            self.assertFalse(self.shows(None, method, "old"))
        for method in ("VM.destroy", "SR.forget", "task.destroy"):
            self.assertTrue(self.shows(None, method, "old"))
            self.assertFalse(self.shows(_ROW, method, "old"))

    def test_what_is_written_is_said(self) -> None:
        for done, method, *arguments in (
            (True, "VM.set_other_config", {"a": "1"}),
            (False, "VM.set_other_config", {"a": "2"}),
            (True, "VM.add_to_other_config", "a", "1"),
            (False, "VM.add_to_other_config", "b", "1"),
            (True, "VM.remove_from_other_config", "b"),
            (False, "VM.remove_from_other_config", "a"),
            (False, "VBD.plug"),
            (True, "VBD.unplug"),
            (True, "host.enable"),
            (False, "host.disable"),
            (True, "VDI.resize", "100"),
            (False, "VDI.resize_online", "101"),
        ):
            self.assertEqual(done, self.shows(_ROW, str(method), "r", *arguments), method)
            self.assertFalse(self.shows(None, str(method), "r", *arguments), method)

    def test_of_what_is_not_known_a_marker_tells(self) -> None:
        for method in ("VM.power_state_reset", "VM.set_memory", "host.shutdown"):
            self.assertIsNone(effect_of(method, ("r",), ""))
