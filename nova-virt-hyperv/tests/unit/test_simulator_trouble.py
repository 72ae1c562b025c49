"""The simulator when something happens beside it, or in it: nobody takes that for the network's."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from fixtures import EnvironmentVariable, MockPatchObject, MonkeyPatch
from spnego.exceptions import BadMICError

from nova_virt_hyperv.faults import read_fault
from nova_virt_hyperv.testing.simulator.authentication import Account, Handshake
from nova_virt_hyperv.testing.simulator.server import WinRm

from .test_simulator import SimulatorTestCase, request

_GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
_DISK = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/Win32_LogicalDisk"
_BYTES = 1000


class TestDrive(SimulatorTestCase):
    """Clients of the share delete files while the simulator looks at the drive."""

    def free(self) -> int:
        """What is free on the drive, as a client is told it."""
        disk = self.ask(request(_GET, _DISK, DeviceID="C:"))
        return int(disk.findtext("{*}FreeSpace"))

    def vanishing(self, *, before: bool) -> Path:
        """A file that is deleted by the first look at it: right before it, or right after."""
        file = self.drive / "disks" / "one.vhdx"
        file.write_bytes(b"x" * _BYTES)
        look = Path.stat

        def stat(path: Path, **more: Any) -> Any:
            if before and path == file:
                file.unlink(missing_ok=True)
            found = look(path, **more)
            if path == file:
                file.unlink(missing_ok=True)
            return found

        self.useFixture(MonkeyPatch("pathlib.Path.stat", stat))
        return file

    def test_a_file_that_vanishes_before_it_is_looked_at(self) -> None:
        empty = self.free()
        file = self.vanishing(before=True)
        self.assertEqual(empty, self.free())
        self.assertFalse(file.exists())

    def test_a_file_that_vanishes_after_it_was_looked_at(self) -> None:
        empty = self.free()
        file = self.vanishing(before=False)
        self.assertEqual(empty - _BYTES, self.free())
        self.assertFalse(file.exists())
        self.assertEqual(empty, self.free())


class TestFailures(SimulatorTestCase):
    def account(self) -> Account:
        self.useFixture(EnvironmentVariable("NTLM_USER_FILE"))
        return Account("u", "p", self.drive / "account")

    def test_a_message_that_was_sealed_with_other_keys(self) -> None:
        class OtherKeys:
            def unwrap_winrm(self, header: bytes, content: bytes) -> bytes:
                raise BadMICError

        handshake = Handshake(self.account())
        handshake._context = OtherKeys()  # type: ignore[assignment]
        sealed = b"application/octet-stream\r\n\0\0\0\0sealed--Encrypted Boundary--"
        self.assertRaises(ValueError, handshake.unwrap, sealed)

    def test_a_simulator_that_fails_says_so(self) -> None:
        def fails(_: object) -> bytes:
            raise FileNotFoundError("one.vhdx")

        winrm = WinRm(self.service, self.account(), None, 0)
        self.useFixture(MockPatchObject(self.service, "answer", fails))
        with contextlib.redirect_stderr(io.StringIO()) as complaints:
            status, response = winrm.respond(request(_GET, _DISK, DeviceID="C:"))
        fault = read_fault(response.decode())
        assert fault is not None
        self.assertEqual((500, "InternalError"), (status, fault.subcode))
        self.assertIn("FileNotFoundError('one.vhdx')", str(fault))
        self.assertIn("Traceback", complaints.getvalue())
