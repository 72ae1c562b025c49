"""What the simulator's own tests share: the official client, as anybody uses it."""

from __future__ import annotations

import ssl
import xmlrpc.client
from typing import Any

import XenAPI

from nova_virt_xenapi.testing.simulator.datamodel import datamodel

from .pools import MIB, SimulatorTestCase

VDI = {
    "name_label": "disk",
    "name_description": "",
    "virtual_size": str(4 * MIB),
    "type": "user",
    "sharable": False,
    "read_only": False,
    "other_config": {},
}
_CALL = (
    "<?xml version='1.0'?><methodCall><methodName>{}</methodName><params>{}</params></methodCall>"
)


class WireTestCase(SimulatorTestCase):
    """A test with the official client and the standard library's own transport."""

    def setUp(self) -> None:
        super().setUp()
        context = ssl.create_default_context(cafile=self.simulator.ca_file)
        transport = xmlrpc.client.SafeTransport(context=context)
        self.session = XenAPI.Session(self.simulator.url, transport=transport)
        self.session.xenapi.login_with_password("root", "simulated", "1.0", "test")
        self.addCleanup(self.session.xenapi.session.logout)
        (self.sr,) = self.call("SR.get_all")

    def call(self, method: str, *parameters: Any) -> Any:
        return self.session.xenapi_request(method, parameters)

    def refused(self, code: str, method: str, *parameters: Any) -> list[str]:
        failure = self.assertRaises(XenAPI.Failure, self.call, method, *parameters)
        self.assertEqual(code, failure.details[0], failure.details)
        details: list[str] = failure.details
        return details

    def vdi(self, **changes: Any) -> str:
        vdi: str = self.call("VDI.create", {**VDI, "SR": self.sr, **changes})
        return vdi

    def vm(self, **changes: Any) -> str:
        record = dict(self.simulator_vm(), **changes)
        vm: str = self.call("VM.create", record)
        return vm

    def simulator_vm(self) -> dict[str, Any]:
        defaults: dict[str, Any] = {"base": "", "ref": "OpaqueRef:NULL", "set": [], "map": {}}
        model = datamodel().classes["VM"]
        record: dict[str, Any] = {
            field.name: {"int": "1", "bool": False}.get(
                field.type.name, defaults.get(field.type.kind)
            )
            for field in model.fields.values()
            if field.required
        }
        return record | {
            "memory_dynamic_max": str(64 * MIB),
            "actions_after_shutdown": "destroy",
            "actions_after_reboot": "restart",
            "actions_after_crash": "destroy",
            "HVM_boot_policy": "BIOS order",
        }
