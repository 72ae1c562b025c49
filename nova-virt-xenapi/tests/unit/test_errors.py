"""The one table."""

from __future__ import annotations

import re
import ssl
from typing import Any

import requests
import testtools
import urllib3
import XenAPI
from nova_virt_interface.errors import (
    AccessDenied,
    BackendError,
    Busy,
    HostUnreachable,
    InsufficientResources,
    NotFound,
    Resource,
    VirtError,
)

from nova_virt_xenapi.error_table import TABLE
from nova_virt_xenapi.errors import contract_error
from nova_virt_xenapi.testing.simulator.datamodel import datamodel

# The storage managers' own codes are numbers, which the data model does not list; nor does it list
# codes whose parameters are not documented.
_NOT_IN_THE_MODEL = {
    "DESIGNATE_NEW_MASTER_IN_PROGRESS",
    "HOST_CANNOT_SEE_SR",
    "VBD_MISSING",
    "VDI_IO_ERROR",
    "VM_MEMORY_TARGET_WAIT_TIMEOUT",
    "SR_BACKEND_FAILURE_44",
    "SR_BACKEND_FAILURE_46",
    "SR_BACKEND_FAILURE_68",
    "SR_BACKEND_FAILURE_73",
    "SR_BACKEND_FAILURE_140",
    "SR_BACKEND_FAILURE_141",
}


def _made(*details: str, changing: bool = True) -> Any:
    return contract_error(XenAPI.Failure(list(details)), about="VM 7", changing=changing)


# What the driver does not send, and what its operators do with other tools.
_OTHER_SUBJECTS = re.compile(
    "AUTH_|POOL_|JOINING_|WLB_|CLUSTER|CLUSTERED_|UPDATE|PATCH|CERTIFICATE|CA_CERT|CRL_|SERVER_CERT"
    "|TRUSTED_|HA_|VLAN|TUNNEL|BOND|PIF_|PVS_|USB_|REPO|BUNDLE|RESTORE_|BACKUP_|VMPP|VMSS|SUBJECT_"
    "|ROLE_|IMPORT_|XEN_VSS|LICENSE_|REDO_LOG|SSH|DISABLE_SSH|ENABLE_SSH|SET_|NETWORK_|NVIDIA_"
    "|CANNOT_ADD_|HOST_CD_|V6D_|SYSTEM_STATUS|VM_SNAPSHOT_WITH_QUIESCE|VM_CHECKPOINT|VM_REVERT"
    "|APPLY_|GET_|SYNC_|CAN_NOT_|TLS_|TELEMETRY|CREATEREPO|INVALID_|CANNOT_(FIND|FETCH|FORGET)"
)
# What the contract has no word for: faults of xapi, of its host, of the driver, or of settings that
# the driver does not make.
_NO_WORD = """
    ACTIVATION_WHILE_NOT_FREE ADDRESS_VIOLATES_LOCKING_CONSTRAINT BLOCKED_REPO_URL
    BOOTLOADER_FAILED BRIDGE_NAME_EXISTS CANNOT_CHANGE_PIF_PROPERTIES CANNOT_CREATE_STATE_FILE
    CANNOT_DESTROY_DISASTER_RECOVERY_TASK CANNOT_DESTROY_SYSTEM_NETWORK CANNOT_ENABLE_REDO_LOG
    CANNOT_PLUG_BOND_SLAVE CANNOT_PLUG_VIF CANNOT_RESET_CONTROL_DOMAIN
    CANNOT_RESTART_DEVICE_MODEL CHANGE_PASSWORD_REJECTED CONFIGURE_REPOSITORIES_IN_PROGRESS
    COULD_NOT_IMPORT_DATABASE COULD_NOT_UPDATE_IGMP_SNOOPING_EVERYWHERE
    CPU_FEATURE_MASKING_NOT_SUPPORTED DB_UNIQUENESS_CONSTRAINT_VIOLATION DOMAIN_BUILDER_ERROR
    DUPLICATE_PIF_DEVICE_NAME EVENT_SUBSCRIPTION_PARSE_FAILURE FAILED_TO_START_EMULATOR
    FIELD_TYPE_ERROR GPU_GROUP_CONTAINS_PGPU GPU_GROUP_CONTAINS_VGPU HOSTS_NOT_HOMOGENEOUS
    HOST_CANNOT_DESTROY_SELF HOST_CANNOT_READ_METRICS HOST_DRIVER_NO_HARDWARE
    HOST_HAS_NO_MANAGEMENT_IP HOST_IS_LIVE HOST_NAME_INVALID
    HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR INCOMPATIBLE_CLUSTER_STACK_ACTIVE
    INCOMPATIBLE_PIF_PROPERTIES INCOMPATIBLE_STATEFILE_SR INTERFACE_HAS_NO_IP INTERNAL_ERROR
    IS_TUNNEL_ACCESS_PIF MAC_DOES_NOT_EXIST MAP_DUPLICATE_KEY MESSAGE_PARAMETER_COUNT_MISMATCH
    MISSING_CONNECTION_DETAILS MULTIPLE_UPDATE_REPOSITORIES_ENABLED NOT_ALLOWED_ON_OEM_EDITION
    NOT_ALLOWED_WHEN_NTP_IS_ENABLED NOT_IN_EMERGENCY_MODE NOT_SYSTEM_DOMAIN
    NO_CLUSTER_HOSTS_REACHABLE NO_COMPATIBLE_CLUSTER_HOST NO_MORE_REDO_LOGS_ALLOWED
    NO_REPOSITORIES_CONFIGURED NO_REPOSITORY_ENABLED ONLY_ALLOWED_ON_OEM_EDITION
    OPENVSWITCH_NOT_ACTIVE OPERATION_PARTIALLY_FAILED PROVISION_ONLY_ALLOWED_ON_TEMPLATE
    SLAVE_REQUIRES_MANAGEMENT_INTERFACE SR_BACKEND_FAILURE SR_HAS_MULTIPLE_PBDS
    SR_INDESTRUCTIBLE SR_IS_CACHE_SR SYSPREP TOO_MANY_GROUPS TOO_MANY_VUSBS
    TRANSPORT_PIF_NOT_CONFIGURED UNKNOWN_BOOTLOADER VBD_CDS_MUST_BE_READONLY VBD_IS_EMPTY
    VBD_NOT_EMPTY VBD_NOT_REMOVABLE_MEDIA VBD_TRAY_LOCKED VDI_CONTAINS_METADATA_OF_THIS_POOL
    VDI_COPY_FAILED VDI_HAS_RRDS VDI_IS_NOT_ISO VDI_NOT_IN_MAP VDI_NOT_SPARSE
    VDI_NO_CBT_METADATA VIF_NOT_IN_MAP VM_ASSIGNED_TO_PROTECTION_POLICY
    VM_ASSIGNED_TO_SNAPSHOT_SCHEDULE VM_BIOS_STRINGS_ALREADY_SET VM_CALL_PLUGIN_RATE_LIMIT
    VM_CANNOT_DELETE_DEFAULT_TEMPLATE VM_IS_PART_OF_AN_APPLIANCE VM_IS_PROTECTED VM_IS_TEMPLATE
    VM_NOT_RESIDENT_HERE VM_NO_CRASHDUMP_SR VM_NO_EMPTY_CD_VBD VM_TO_IMPORT_IS_NOT_NEWER_VERSION
    VM_UNSAFE_BOOT XAPI_HOOK_FAILED XENAPI_MISSING_PLUGIN XENAPI_PLUGIN_FAILURE
    XMLRPC_UNMARSHAL_FAILURE
"""


class TestTable(testtools.TestCase):
    """xapi's codes."""

    def test_every_code_of_the_vendor_s_has_a_row_or_a_reason(self) -> None:
        others = {code for code in datamodel().errors if _OTHER_SUBJECTS.match(code)}
        self.assertEqual(set(), datamodel().errors - TABLE.keys() - others - set(_NO_WORD.split()))

    def test_every_code_is_one_of_the_vendor_s(self) -> None:
        self.assertEqual(_NOT_IN_THE_MODEL, TABLE.keys() - datamodel().errors)

    def test_every_row_makes_an_error_that_says_something(self) -> None:
        for code in TABLE:
            for parameters in ((), ("1", "2", "3")):
                error = _made(code, *parameters)
                self.assertIsInstance(error, VirtError)
                self.assertIn(code, error.detail)
                self.assertTrue(error.message)

    def test_refusals_changed_nothing(self) -> None:
        for code, row in TABLE.items():
            self.assertEqual(not row.changed_nothing, _made(code).may_have_been_done, code)
            self.assertFalse(_made(code, changing=False).may_have_been_done)

    def test_an_unknown_code_keeps_its_words_and_may_have_been_done(self) -> None:
        error = _made("VM_ATE_HOMEWORK", "maths")
        self.assertIsInstance(error, BackendError)
        self.assertEqual("VM_ATE_HOMEWORK maths", error.detail)
        self.assertTrue(error.may_have_been_done)

    def test_amounts_and_kinds_are_kept(self) -> None:
        memory = _made("HOST_NOT_ENOUGH_FREE_MEMORY", "200", "100")
        self.assertIsInstance(memory, InsufficientResources)
        self.assertEqual((200, 100), (memory.needed, memory.available))
        self.assertEqual(Resource.STORAGE, _made("SR_BACKEND_FAILURE_44", "", "full").resource)
        for kind, resource in (("VM", Resource.VM), ("VDI", Resource.DISK), ("VIF", Resource.NIC)):
            gone = _made("HANDLE_INVALID", kind, "OpaqueRef:x")
            self.assertIsInstance(gone, NotFound)
            self.assertEqual(resource, gone.resource)

    def test_what_is_in_the_way_is_transient(self) -> None:
        for code in ("OTHER_OPERATION_IN_PROGRESS", "VM_BAD_POWER_STATE"):
            self.assertIsInstance(_made(code, "VM", "OpaqueRef:x", "y"), Busy)


class TestConnection(testtools.TestCase):
    """Errors below xapi."""

    def make(self, error: Exception, *, changing: bool = True) -> Any:
        return contract_error(error, about="VM 7", changing=changing)

    def wrapped(self, inner: Exception) -> Exception:
        reason = urllib3.exceptions.MaxRetryError(None, "/", inner)  # type: ignore[arg-type]
        return requests.ConnectionError(reason)

    def test_what_was_never_sent_was_not_done(self) -> None:
        refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
        for error in (requests.ConnectTimeout("slow"), self.wrapped(refused)):
            made = self.make(error)
            self.assertIsInstance(made, HostUnreachable)
            self.assertFalse(made.may_have_been_done)

    def test_a_connection_that_was_cut_leaves_doubt(self) -> None:
        cut = urllib3.exceptions.ProtocolError("aborted")
        eof = urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred"))
        reason = urllib3.exceptions.MaxRetryError(None, "/", eof)  # type: ignore[arg-type]
        for error in (
            requests.ConnectionError(cut),
            requests.ReadTimeout("slow"),
            requests.exceptions.SSLError(reason),
        ):
            made = self.make(error)
            self.assertIsInstance(made, HostUnreachable, str(error))
            self.assertTrue(made.may_have_been_done)
            self.assertFalse(self.make(error, changing=False).may_have_been_done)

    def test_a_certificate_that_is_not_trusted_is_access_denied(self) -> None:
        refused = urllib3.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed"))
        reason = urllib3.exceptions.MaxRetryError(None, "/", refused)  # type: ignore[arg-type]
        made = self.make(requests.exceptions.SSLError(reason))
        self.assertIsInstance(made, AccessDenied)
        self.assertFalse(made.may_have_been_done)
