"""The simulator refuses what xapi refuses, and its wire is xapi's. Each request here is broken."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import Any

import requests

from .pools import MIB
from .wires import VDI, WireTestCase

_CALL = (
    "<?xml version='1.0'?><methodCall><methodName>{}</methodName><params>{}</params></methodCall>"
)


class TestWire(WireTestCase):
    """The form of answers, and of broken questions."""

    def post(self, body: str) -> str:
        url, ca_file = self.simulator.url, self.simulator.ca_file
        return requests.post(url, data=body.encode(), verify=ca_file, timeout=10).text

    def test_there_is_no_white_space_between_tags(self) -> None:
        parameter = f"<param><value>{self.session.handle}</value></param>"
        for method in ("SR.get_all_records", "host.get_all_records", "VM.get_nothing"):
            self.assertNotRegex(self.post(_CALL.format(method, parameter)), r">\s+<")

    def test_integers_and_strings_have_no_tag_and_nothing_is_an_empty_text(self) -> None:
        self.assertEqual(
            "16", self.call("host.get_cpu_info", self.call("host.get_all")[0])["cpu_count"]
        )
        vdi = self.vdi()
        self.assertEqual(str(4 * MIB), self.call("VDI.get_virtual_size", vdi))
        self.assertEqual("", self.call("VDI.set_name_label", vdi, "x"))
        self.assertEqual("OpaqueRef:NULL", self.call("VDI.get_parent", vdi))

    def test_list_methods_names_the_model_s_messages(self) -> None:
        answer = getattr(self.session, "system.listMethods")()
        self.assertIn("VM.start_on", answer["Value"])

    def test_what_is_no_call_is_refused(self) -> None:
        for body in (
            "",
            "no xml",
            "<methodCall>",
            "<other/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ):
            self.assertIn("XMLRPC_UNMARSHAL_FAILURE", self.post(body))

    def test_wrong_types_are_refused(self) -> None:
        vdi = self.vdi()
        for wrong in (8 * MIB, 8.5, True, "eight", "", ["8"], {"8": "8"}):
            self.assertEqual("size", self.refused("FIELD_TYPE_ERROR", "VDI.resize", vdi, wrong)[1])
        for wrong in (1, "true", ""):
            self.refused("FIELD_TYPE_ERROR", "VDI.set_read_only", vdi, wrong)
        no_maps: tuple[Any, ...] = ({"a": 1}, [], "a")
        for no_map in no_maps:
            self.refused("FIELD_TYPE_ERROR", "VDI.set_other_config", vdi, no_map)
        self.refused("FIELD_TYPE_ERROR", "event.from", ["vm"], "", 1)

    def test_unknown_messages_and_wrong_counts_are_refused(self) -> None:
        self.refused("MESSAGE_METHOD_UNKNOWN", "VM.fly")
        self.refused("MESSAGE_METHOD_UNKNOWN", "Bird.fly")
        self.refused("MESSAGE_METHOD_UNKNOWN", "Async.VM.get_all")
        self.refused("MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record")
        self.refused("MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_all", "x")

    def test_what_is_not_simulated_says_so(self) -> None:
        vdi = self.vdi()
        self.refused("NOT_IMPLEMENTED", "VDI.forget", vdi)

    def test_only_a_session_that_is_logged_in_is_heard(self) -> None:
        for handle in ("", "OpaqueRef:NULL", "OpaqueRef:stranger"):
            answer = self.post(
                _CALL.format("VM.get_all", f"<param><value>{handle}</value></param>")
            )
            self.assertIn("SESSION_INVALID", answer)


class TestObjects(WireTestCase):
    """Constructors, fields and references."""

    def test_a_constructor_needs_its_fields_and_checks_them(self) -> None:
        whole = {**VDI, "SR": self.sr}
        for name in whole.keys() - {"name_label", "name_description"}:
            part = {key: value for key, value in whole.items() if key != name}
            self.assertIn(name, self.refused("INTERNAL_ERROR", "VDI.create", part)[1])
        self.refused("INVALID_VALUE", "VDI.create", {**whole, "type": "round"})
        self.refused("FIELD_TYPE_ERROR", "VDI.create", {**whole, "virtual_size": 1})
        self.refused("HANDLE_INVALID", "VDI.create", {**whole, "SR": "OpaqueRef:x"})

    def test_the_uuid_is_the_pool_s_choice(self) -> None:
        vdi = self.vdi(uuid="00000000-0000-0000-0000-000000000000")
        self.assertNotEqual("0" * 8, self.call("VDI.get_uuid", vdi)[:8])
        self.refused("MESSAGE_METHOD_UNKNOWN", "VDI.set_uuid", vdi, "x")

    def test_sizes_are_rounded_up_to_whole_blocks(self) -> None:
        self.assertEqual(
            str(2 * MIB), self.call("VDI.get_virtual_size", self.vdi(virtual_size="1"))
        )

    def test_a_gone_reference_is_invalid(self) -> None:
        vdi = self.vdi()
        self.call("VDI.destroy", vdi)
        self.assertEqual(
            ["HANDLE_INVALID", "VDI", vdi], self.refused("HANDLE_INVALID", "VDI.destroy", vdi)
        )
        self.refused("UUID_INVALID", "VDI.get_by_uuid", "no uuid")

    def test_a_key_is_added_once(self) -> None:
        vdi = self.vdi()
        self.call("VDI.add_to_other_config", vdi, "a", "1")
        self.refused("MAP_DUPLICATE_KEY", "VDI.add_to_other_config", vdi, "a", "2")
        self.call("VDI.remove_from_other_config", vdi, "a")
        self.assertEqual({}, self.call("VDI.get_other_config", vdi))

    def test_a_copy_has_its_source_s_marks_and_content(self) -> None:
        vdi = self.vdi(other_config={"mine": "yes"})
        self.put(vdi, b"content")
        copy = self.call("VDI.clone", vdi)
        self.assertEqual({"mine": "yes"}, self.call("VDI.get_other_config", copy))
        self.assertEqual(self.content(vdi, 7), self.content(copy, 7))

    def put(self, vdi: str, content: bytes, **query: str) -> requests.Response:
        return requests.put(
            f"{self.simulator.url}/import_raw_vdi",
            params={"session_id": self.session.handle, "vdi": vdi, **query},
            data=content,
            verify=self.simulator.ca_file,
            timeout=10,
        )

    def content(self, vdi: str, length: int) -> Any:
        return self.simulator.ask("content", vdi=vdi, length=length)

    def test_content_is_stored_and_given_back(self) -> None:
        vdi, content = self.vdi(), os.urandom(70000)
        self.put(vdi, content)
        found = self.content(vdi, len(content))
        self.assertEqual(hashlib.sha256(content).hexdigest(), found["sha256"])
        self.assertTrue(found["rest_is_zero"])
        exported = requests.get(
            f"{self.simulator.url}/export_raw_vdi",
            params={"session_id": self.session.handle, "vdi": vdi, "format": "raw"},
            verify=self.simulator.ca_file,
            timeout=10,
        ).content
        self.assertEqual(content, exported[: len(content)])

    def test_how_an_upload_went_is_only_in_its_task(self) -> None:
        vdi = self.vdi()
        for content, format, expected in (
            (b"x", "raw", "success"),
            (b"x" * (5 * MIB), "raw", "failure"),
            (b"no VHD" * 1000, "vhd", "failure"),
        ):
            task = self.call("task.create", "upload", "")
            # Who sends too much may find the connection cut.
            with suppress(requests.ConnectionError):
                answer = self.put(vdi, content, task_id=task, format=format)
                self.assertEqual(200, answer.status_code)
            self.assertEqual(expected, self.call("task.get_status", task))

    def test_broken_uploads_are_refused(self) -> None:
        vdi = self.vdi()
        self.assertEqual(404, self.put(vdi, b"x", format="round").status_code)
        self.assertEqual(403, self.put(vdi, b"x", session_id="OpaqueRef:x").status_code)
        self.assertEqual(500, self.put("OpaqueRef:x", b"x").status_code)
        self.assertEqual(500, self.put(vdi, b"x", task_id="OpaqueRef:x").status_code)
        self.assertEqual(403, self.put(vdi, iter([b"x"])).status_code)  # type: ignore[arg-type]
