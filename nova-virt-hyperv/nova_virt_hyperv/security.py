"""Virtual TPMs. Hyper-V keeps the state of one under a key that the host's own guardian holds."""

from __future__ import annotations

from uuid import UUID

from nova_virt_interface.errors import BackendError

from nova_virt_hyperv.cim import HGS, Embedded, Instance, Reference, embedded, equals, select
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.machines import Machine, Services
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["Security"]

_SETTINGS = "Msvm_SecuritySettingData"
# All of them are required.
_FLAGS = (
    "TpmEnabled",
    "KsdEnabled",
    "ShieldingRequested",
    "DataProtectionRequested",
    "EncryptStateAndVmMigrationTraffic",
    "VirtualizationBasedSecurityOptOut",
)
# The name under which Windows itself makes the guardian of a host that has no other.
_GUARDIAN = "UntrustedGuardian"


class Security:
    """The security service of one host."""

    def __init__(self, wmi: Wmi, devices: Devices, services: Services) -> None:
        self._wmi = wmi
        self._devices = devices
        self._service = services.security

    def set_tpm(self, machine: Machine, vm_uuid: UUID, *, wanted: bool) -> None:
        """Give a VM that is off a TPM, or take it away; one that is as wanted stays as it is."""
        service, about = self._service, About(f"TPM of VM {vm_uuid}")
        if service is None:
            return
        [row] = self._devices.rows(machine, _SETTINGS, about)
        if (row.text("TpmEnabled") == "true") == wanted:
            return
        if wanted:
            protector: list[tuple[str, Parameter]] = [
                ("KeyProtector", int(number)) for number in self._key_protector(about)
            ]
            named = [("SecuritySettingData", _settings(row, {})), *protector]
            self._wmi.invoke(service, "SetKeyProtector", named, about=about)
        text = _settings(row, {"TpmEnabled": wanted})
        named = [("SecuritySettingData", text)]
        self._wmi.invoke(service, "ModifySecuritySettings", named, about=about)

    def _key_protector(self, about: About) -> tuple[str, ...]:
        """A new key that this host alone can unwrap, byte by byte."""
        owner = self._guardian(about)
        output = self._wmi.invoke(
            Reference("MSFT_HgsKeyProtector", (), HGS),
            "NewByGuardians",
            [("AllowUntrustedRoot", "true"), ("Owner", owner)],
            about=about,
        )
        found = output.instances("cmdletOutput")
        if not found or not found[0].texts("RawData"):
            raise BackendError("the host's guardian makes no key protector")
        return found[0].texts("RawData")

    def _guardian(self, about: About) -> Instance:
        query = select("MSFT_HgsGuardian", equals("Name", _GUARDIAN))
        if not self._wmi.query(query, HGS, about):
            self._wmi.invoke(
                Reference("MSFT_HgsGuardian", (), HGS),
                "NewByGenerateCertificates",
                [("Name", _GUARDIAN), ("GenerateCertificates", "true")],
                about=about,
            )
        for found in self._wmi.query(query, HGS, about):
            return found
        raise BackendError("the host makes no guardian of its own")


def _settings(row: Instance, changed: dict[str, bool]) -> str:
    properties: dict[str, Embedded] = {"InstanceID": row.text("InstanceID")}
    properties |= {name: row.text(name) == "true" for name in _FLAGS}
    return embedded(_SETTINGS, properties | changed)
