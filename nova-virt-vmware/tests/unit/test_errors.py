"""The one table: what requests end in → contract errors."""

from __future__ import annotations

import http.client
import ssl

import requests
import testtools
from nova_virt_interface import errors
from nova_virt_interface.errors import Resource
from pyVmomi import vim, vmodl

from nova_virt_vmware.errors import FileRefused, to_contract


class TestTable(testtools.TestCase):
    """to_contract."""

    def test_faults_have_their_errors(self) -> None:
        for fault, expected in (
            (vim.fault.InvalidLogin(), errors.AccessDenied),
            (vim.fault.NoPermission(privilegeId="x"), errors.AccessDenied),
            (vim.fault.TaskInProgress(), errors.Busy),
            (vim.fault.InvalidPowerState(), errors.InvalidState),
            (vim.fault.QuestionPending(), errors.Busy),
            (vim.fault.ResourceInUse(), errors.Busy),
            (vim.fault.InaccessibleDatastore(), errors.PeerUnreachable),
            (vim.fault.CannotAccessFile(file="x"), errors.PeerUnreachable),
            (vim.fault.InvalidDatastorePath(datastorePath="x"), errors.InvalidRequest),
            (vim.fault.InvalidDatastore(), errors.NotFound),
            (vim.fault.InvalidName(name="x"), errors.InvalidRequest),
            (vim.fault.RDMNotSupported(), errors.Unsupported),
            (vim.fault.SnapshotIncompatibleDeviceInVm(), errors.Unsupported),
            (vim.fault.FileLocked(file="x"), errors.Busy),
            (vim.fault.ConcurrentAccess(), errors.Busy),
            (vim.fault.InvalidState(), errors.Busy),
            (vim.fault.Timedout(), errors.Busy),
            (vim.fault.NotAuthenticated(), errors.AccessDenied),
            (vmodl.fault.NotEnoughLicenses(), errors.Unsupported),
            (vim.fault.ToolsUnavailable(), errors.PeerUnreachable),
            (vim.fault.FilesystemQuiesceFault(), errors.PeerUnreachable),
            (vim.fault.DuplicateName(name="x"), errors.Conflict),
            (vim.fault.FileNotFound(file="x"), errors.NotFound),
            (vmodl.fault.ManagedObjectNotFound(), errors.NotFound),
            (vmodl.fault.NotSupported(), errors.Unsupported),
            (vmodl.fault.HostNotReachable(), errors.HostUnreachable),
            (FileRefused("x", 403), errors.AccessDenied),
        ):
            made = to_contract(fault, "trying", changes=True)
            self.assertIs(expected, type(made), str(fault))
            self.assertIn("trying", str(made))

    def test_resources_are_named(self) -> None:
        for fault, resource in (
            (vim.fault.NoDiskSpace(datastore="d", file="f"), Resource.STORAGE),
            (FileRefused("x", 507), Resource.STORAGE),
            (vim.fault.InsufficientMemoryResourcesFault(), Resource.MEMORY),
            (vim.fault.InsufficientCpuResourcesFault(), Resource.CPU),
            (vim.fault.InvalidHostState(), Resource.HOST),
            (vim.fault.NoCompatibleHost(), Resource.HOST),
            (vim.fault.NoActiveHostInCluster(), Resource.HOST),
            (vim.fault.NotEnoughCpus(), Resource.CPU),
            (vim.fault.InsufficientFailoverResourcesFault(), Resource.HOST),
            (vim.fault.InsufficientHostCpuCapacityFault(), Resource.CPU),
            (vim.fault.InsufficientNetworkCapacity(), Resource.NETWORK),
        ):
            made = to_contract(fault, "trying", changes=True)
            self.assertIsInstance(made, errors.InsufficientResources)
            self.assertIs(resource, getattr(made, "resource", None))
            self.assertFalse(made.may_have_been_done)

    def test_a_wrong_power_state_is_told(self) -> None:
        fault = vim.fault.InvalidPowerState(existingState="suspended")
        made = to_contract(fault, "trying", changes=True)
        self.assertEqual("suspended", getattr(made, "state", None))

    def test_a_change_without_an_answer_may_have_been_done(self) -> None:
        for cut in (
            ConnectionResetError("cut"),
            TimeoutError("late"),
            http.client.RemoteDisconnected("gone"),
            requests.exceptions.ReadTimeout("late"),
        ):
            self.assertTrue(to_contract(cut, "trying", changes=True).may_have_been_done)
            self.assertFalse(to_contract(cut, "trying", changes=False).may_have_been_done)
        refused = to_contract(ConnectionRefusedError("closed"), "trying", changes=True)
        self.assertIsInstance(refused, errors.HostUnreachable)
        self.assertFalse(refused.may_have_been_done)

    def test_an_unknown_fault_keeps_the_servers_words(self) -> None:
        fault = vim.fault.VmConfigFault(msg="the server's own words")
        made = to_contract(fault, "trying", changes=True)
        self.assertIs(errors.BackendError, type(made))
        self.assertIn("VmConfigFault: the server's own words", made.detail)
        self.assertTrue(made.may_have_been_done)

    def test_a_connection_cut_while_writing_is_no_question_of_trust(self) -> None:
        cut = requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF"))
        made = to_contract(cut, "trying", changes=True)
        self.assertIs(errors.HostUnreachable, type(made))
        self.assertTrue(made.may_have_been_done)

    def test_a_certificate_that_is_not_trusted_names_the_option(self) -> None:
        refused = ssl.SSLCertVerificationError("x")
        for untrusted in (refused, requests.exceptions.SSLError(refused)):
            made = to_contract(untrusted, "trying", changes=False)
            self.assertIs(errors.AccessDenied, type(made))
            self.assertIn("ca_file", made.remedy)
