"""Every error that the contract promises is raised in a test of the suite, or stands here with the
reason why none can raise it.
"""

from __future__ import annotations

import test_conformance
import testtools
from fixtures import FakeLogger
from zope.interface import Interface

from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.interfaces import HYPERVISOR_INTERFACES, VIRT_DRIVER_INTERFACES
from nova_virt_interface.testing.case import suite_tests
from nova_virt_interface.testing.documented_errors import documented, not_seen
from nova_virt_interface.testing.results import Record, Status
from nova_virt_interface.testing.runner import Recorder

_GUEST = "the guests of a host in memory let go at once; drivers' own tests have guests that do not"
_FREE = "a host in memory takes nothing of this kind for it"
_ALL = "a host in memory has all that can be asked for here"
_BELOW = "the same refusal of the level below, where the suite provokes it"
_RACE = "only what changes between a check and the act can bring it about"
NOT_SEEN = {
    ("IDiskHotplug.detach_disk", "Busy", ""): _GUEST,
    ("INicHotplug.detach_nic", "Busy", ""): _GUEST,
    ("IVolumeAttachment.detach_volume", "Busy", ""): _GUEST,
    ("IDiskResize.resize_disk", "InvalidState", ""): _ALL,
    ("IVolumeExtension.extend_volume", "InvalidState", ""): _ALL,
    ("IForceMigration.force_complete_migration", "Unsupported", ""): _ALL,
    ("IShareMounts.mount_share", "Unsupported", ""): _ALL,
    ("ISuspend.suspend_vm", "Unsupported", ""): _ALL,
    ("IInstanceSuspend.suspend", "Unsupported", ""): _ALL,
    ("IRescue.rescue", "Unsupported", ""): _ALL,
    ("IInstanceResize.resize", "Unsupported", ""): _BELOW,
    ("IInstanceRecovery.evacuate", "Unsupported", ""): _BELOW,
    ("IInstanceRecovery.evacuate", "NotFound", "network"): _BELOW,
    ("IInstanceRecovery.evacuate", "InsufficientResources", ""): _BELOW,
    ("IInstanceResize.resize", "InsufficientResources", ""): _BELOW,
    ("IInstanceSnapshot.snapshot", "InsufficientResources", ""): _BELOW,
    ("IInstanceSnapshot.snapshot", "PeerUnreachable", "guest-agent"): _BELOW,
    ("IVolumeAttachment.attach_volume", "InsufficientResources", ""): _BELOW,
    ("IRescue.rescue", "InsufficientResources", ""): _FREE,
    ("IRescue.unrescue", "InsufficientResources", ""): _FREE,
    ("IVirtDriver.reboot", "InsufficientResources", ""): _FREE,
    ("IInstanceSuspend.suspend", "InsufficientResources", ""): _FREE,
    ("ISuspend.suspend_vm", "InsufficientResources", "storage"): _FREE,
    ("INicHotplug.attach_nic", "InsufficientResources", ""): _FREE,
    ("IHostMaintenance.enter_maintenance", "InsufficientResources", ""): _FREE,
    ("IRecovery.adopt_vm", "InsufficientResources", ""): _FREE,
    ("IRecovery.adopt_vm", "InvalidRequest", ""): "secrets of volumes, as for `create_vm`",
    ("IHypervisor.create_vm", "PeerUnreachable", "volume"): "a host in memory looks at the start",
    ("IMigrationSource.migrate_vm", "InsufficientResources", ""): _RACE,
    ("IMigrationTarget.prepare_incoming", "InsufficientResources", ""): _RACE,
    ("IMigrationTarget.prepare_incoming", "NotFound", "image"): _RACE,
}


class TestDocumentedErrors(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(FakeLogger())

    def test_every_promised_error_is_provoked(self) -> None:
        recorder = Recorder(lambda record: record)
        for case in (test_conformance.TestReference, test_conformance.TestReferenceDirect):
            for name in suite_tests(case):
                case(name).run(recorder)
        promised = documented(dict.fromkeys((*HYPERVISOR_INTERFACES, *VIRT_DRIVER_INTERFACES)))
        self.assertGreater(len(promised), len(NOT_SEEN))
        self.assertEqual({Status.PASS}, {record.status for record in recorder.records})
        self.assertEqual(set(NOT_SEEN), not_seen(promised, recorder.records))

    def test_how_a_docstring_is_read(self) -> None:
        class IThing(Interface):
            def act() -> None:
                """Act.

                Raises: NotFound (vm, guest user); Conflict (vm: it is here; or elsewhere);
                InvalidState (a VM that runs); Unsupported.

                See elsewhere.
                """

            def refer() -> None:
                """Raises: as `IThing.act`."""

            def succeed() -> None:
                """Never fails."""

        expected = {
            ("IThing.act", "NotFound", "vm"),
            ("IThing.act", "NotFound", "guest-user"),
            ("IThing.act", "Conflict", "vm"),
            ("IThing.act", "InvalidState", ""),
            ("IThing.act", "Unsupported", ""),
        }
        self.assertEqual(expected, documented([IThing]))

    def test_what_no_test_saw_is_told(self) -> None:
        attach, detach = "IDiskHotplug.attach_disk", "IDiskHotplug.detach_disk"
        records = [
            Record(
                test="A.test_1",
                status=Status.PASS,
                errors=((attach, "NotFound", "vm"), (detach, "Busy", "disk")),
            )
        ]
        missing = not_seen(documented([IDiskHotplug]), records)
        self.assertIn((attach, "NotFound", "image"), missing)
        self.assertNotIn((attach, "NotFound", "vm"), missing)
        self.assertNotIn((detach, "Busy", ""), missing)
