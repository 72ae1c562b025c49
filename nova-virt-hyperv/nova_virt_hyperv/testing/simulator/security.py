"""Virtual TPMs of the simulated host: its guardian, key protectors, and settings of security.

https://learn.microsoft.com/windows/win32/hyperv_v2/msvm-securityservice
https://learn.microsoft.com/previous-versions/windows/desktop/hgsclientwmi/hoster-guardian-service-wmi-provider-portal
"""

from __future__ import annotations

import secrets
from typing import Any

from nova_virt_hyperv.testing.simulator import embedded
from nova_virt_hyperv.testing.simulator.host import VIRTUALIZATION, Host
from nova_virt_hyperv.testing.simulator.machines import OFF, Machine, Machines
from nova_virt_hyperv.testing.simulator.model import Outcome, Refused, Row

__all__ = ["Security"]

_SETTINGS = "Msvm_SecuritySettingData"
_GUARDIAN, _PROTECTOR = "MSFT_HgsGuardian", "MSFT_HgsKeyProtector"
_BYTES = 96


class Security:
    """SetKeyProtector and ModifySecuritySettings; what makes guardians and key protectors."""

    def __init__(self, host: Host, machines: Machines) -> None:
        self._machines = machines
        self._guardians: dict[str, Row] = {}
        self._made: set[bytes] = set()
        service = "Msvm_SecurityService"
        host.keep(host.make(service, SystemName=host.configuration.name))
        host.handlers[(service, "SetKeyProtector")] = self._protect
        host.handlers[(service, "ModifySecuritySettings")] = self._modify
        host.handlers[(_GUARDIAN, "NewByGenerateCertificates")] = self._new_guardian
        host.handlers[(_PROTECTOR, "NewByGuardians")] = self._new_protector
        machines.before_start.append(self._unwrap)

    def _new_guardian(self, host: Host, _: Row, given: dict[str, Any]) -> Outcome:
        name = given.get("Name") or ""
        if not name or not given.get("GenerateCertificates") or name in self._guardians:
            raise Refused(4, f"no new guardian {name}")
        made = host.make(
            _GUARDIAN,
            Name=name,
            SigningCertificate=list(secrets.token_bytes(_BYTES)),
            EncryptionCertificate=list(secrets.token_bytes(_BYTES)),
            HasPrivateSigningKey=True,
        )
        self._guardians[name] = host.keep(made)
        return Outcome(0, {"cmdletOutput": made})

    def _new_protector(self, host: Host, _: Row, given: dict[str, Any]) -> Outcome:
        owner: Row | None = given.get("Owner")
        known = self._guardians.get(str(owner["Name"])) if owner else None
        if owner is None or known is None or not given.get("AllowUntrustedRoot"):
            raise Refused(4, "no owner of this host, or one that nobody vouches for")
        if owner["SigningCertificate"] != known["SigningCertificate"]:
            raise Refused(4, "the owner's certificate is another one")
        raw = secrets.token_bytes(_BYTES)
        self._made.add(raw)
        return Outcome(0, {"cmdletOutput": host.make(_PROTECTOR, RawData=list(raw))})

    def _target(self, host: Host, given: dict[str, Any]) -> tuple[Machine, Row, Row]:
        wanted = embedded.read(
            given.get("SecuritySettingData") or "", host.schema, VIRTUALIZATION, _SETTINGS
        )
        machine = self._machines.of(wanted.ref)
        if machine.generation == 1:
            raise Refused(1, "a VM of the first generation has no TPM")
        if machine.state != OFF:
            raise Refused(32775, "the VM is not off")
        [row] = [row for row in machine.resources if row.cls.name == _SETTINGS]
        return machine, row, wanted

    def _protect(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine, _, _ = self._target(host, given)
        raw = bytes(given.get("KeyProtector") or ())
        if not raw:
            raise Refused(32773, "no key protector")

        def effect() -> None:
            machine.key_protector = raw

        return host.run("Setting the key protector", effect)

    def _modify(self, host: Host, service: Row, given: dict[str, Any]) -> Outcome:
        machine, row, wanted = self._target(host, given)
        if wanted["TpmEnabled"] and not machine.key_protector:
            raise Refused(32775, "a TPM needs a key protector")

        def effect() -> None:
            row.values |= {k: v for k, v in wanted.values.items() if v is not None}

        return host.run("Modifying security settings", effect)

    def _unwrap(self, machine: Machine) -> str:
        enabled = any(row.cls.name == _SETTINGS and row["TpmEnabled"] for row in machine.resources)
        if enabled and machine.key_protector not in self._made:
            return "The key protector for the virtual machine could not be unwrapped."
        return ""
