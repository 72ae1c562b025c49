"""JSON-RPC at ``/jsonrpc``, in both of its forms."""

from __future__ import annotations

from typing import Any

import requests

from .pools import SimulatorTestCase
from .wires import VDI

_MIB = 1024 * 1024


class TestJsonWire(SimulatorTestCase):
    """What a client without XML sees."""

    def setUp(self) -> None:
        super().setUp()
        self.session = self.ask("session.login_with_password", "root", "simulated")["result"]
        self.addCleanup(self.ask, "session.logout", self.session)

    def post(self, **request: Any) -> requests.Response:
        return requests.post(
            f"{self.simulator.url}/jsonrpc",
            verify=self.simulator.ca_file,
            timeout=60,
            **request,
        )

    def ask(self, method: str, *parameters: Any, **form: str) -> Any:
        form = form or {"jsonrpc": "2.0"}
        answer = self.post(json={**form, "method": method, "params": list(parameters), "id": 7})
        self.assertEqual("application/json", answer.headers["Content-Type"])
        found = answer.json()
        self.assertEqual(7, found.pop("id"))
        return found

    def test_version_2(self) -> None:
        answer = self.ask("pool.get_all", self.session)
        self.assertEqual({"jsonrpc", "result"}, answer.keys())
        answer = self.ask("VM.get_record", self.session, "OpaqueRef:none")
        error = {"code": 1, "message": "HANDLE_INVALID", "data": ["VM", "OpaqueRef:none"]}
        self.assertEqual({"jsonrpc": "2.0", "error": error}, answer)

    def test_version_1(self) -> None:
        answer = self.ask("pool.get_all", self.session, some="form")
        self.assertEqual((None, 1), (answer["error"], len(answer["result"])))
        answer = self.ask("pool.get_all", "OpaqueRef:none", some="form")
        refusal = ["SESSION_INVALID", "OpaqueRef:none"]
        self.assertEqual({"result": None, "error": refusal}, answer)

    def test_integers_are_numbers(self) -> None:
        (sr,) = self.ask("SR.get_all", self.session)["result"]
        for size in (4 * _MIB, str(4 * _MIB)):
            record = {**VDI, "SR": sr, "virtual_size": size}
            vdi = self.ask("VDI.create", self.session, record)["result"]
            found = self.ask("VDI.get_virtual_size", self.session, vdi)["result"]
            self.assertEqual((int, 4 * _MIB), (type(found), found))
            self.assertEqual("", self.ask("VDI.destroy", self.session, vdi)["result"])
        for wrong in (1.5, True, None, "many", 2**63):
            record = {**VDI, "SR": sr, "virtual_size": wrong}
            error = self.ask("VDI.create", self.session, record)["error"]
            self.assertEqual(
                ("FIELD_TYPE_ERROR", ["virtual_size"]), (error["message"], error["data"])
            )

    def test_what_is_no_call(self) -> None:
        for body in (b"", b"{", b"[]", b"{}", b'{"method": 1, "params": []}', b'{"method": "a"}'):
            is_call = body.startswith(b'{"method": "a"')
            self.assertEqual(200 if is_call else 500, self.post(data=body).status_code, repr(body))

    def test_faults_hit_it_too(self) -> None:
        self.addCleanup(self.simulator.ask, "clear_faults")
        self.fault("pool.get_all", "fail", error=["HOST_OFFLINE", "somewhere"])
        answer = self.ask("pool.get_all", self.session)
        self.assertEqual("HOST_OFFLINE", answer["error"]["message"])
        self.fault("pool.get_all", "drop_before")
        self.assertRaises(requests.ConnectionError, self.ask, "pool.get_all", self.session)
