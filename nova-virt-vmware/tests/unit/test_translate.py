"""Names, states and marks."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID, uuid4

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from nova_virt_interface.values.power import PowerState
from pyVmomi import vim

from nova_virt_vmware import translate

UUID_1 = UUID(int=1)
LABELS = st.text(min_size=1, max_size=255).filter(str.isprintable)


def mark(key: str, value: str) -> dict[str, object]:
    return {translate.mark_path(key): SimpleNamespace(key=key, value=value)}


class TestNames(testtools.TestCase):
    """A label has 255 characters of any kind, a name in vSphere 80."""

    @settings(deadline=None)
    @given(LABELS, st.sampled_from(("", "domain-c51")))
    def test_a_name_fits_and_gives_the_label_back(self, label: str, place: str) -> None:
        name = translate.vm_name(label, UUID_1, place)
        self.assertLessEqual(len(name), 80)
        self.assertFalse(set("%/\\") & set(name), name)
        facts = {"name": name, **mark(translate.NAME, label)}
        self.assertEqual(label, translate.label(facts, UUID_1))

    @settings(deadline=None)
    @given(LABELS)
    def test_equal_labels_have_different_names(self, label: str) -> None:
        self.assertNotEqual(translate.vm_name(label, uuid4()), translate.vm_name(label, uuid4()))

    def test_the_name_that_an_operator_gave_is_the_label(self) -> None:
        facts = {"name": "by hand %2f", **mark(translate.NAME, "label")}
        self.assertEqual("by hand /", translate.label(facts, UUID_1))


class TestStates(testtools.TestCase):
    """Each of vSphere's states has one of ours."""

    def test_every_power_state_is_known(self) -> None:
        for state in vim.VirtualMachine.PowerState.values:
            facts = {"runtime.powerState": state, "runtime.connectionState": "connected"}
            self.assertNotEqual(PowerState.UNKNOWN, translate.power_state(facts))

    def test_what_vcenter_remembers_of_a_host_that_is_away_is_unknown(self) -> None:
        for connection in ("disconnected", "orphaned", "inaccessible", "invalid"):
            facts = {"runtime.powerState": "poweredOn", "runtime.connectionState": connection}
            self.assertEqual(PowerState.UNKNOWN, translate.power_state(facts))


class TestOwnership(testtools.TestCase):
    """Only VMs with our own mark are ours."""

    def test_only_the_owners_mark_counts(self) -> None:
        facts = {"config.uuid": str(UUID_1)}
        self.assertIsNone(translate.owned_uuid(facts, "nova"))
        marked = facts | mark(translate.OWNER, translate.owner_mark("nova", UUID_1))
        self.assertEqual(UUID_1, translate.owned_uuid(marked, "nova"))
        self.assertIsNone(translate.owned_uuid(marked, "other"))
        cloned = marked | {"config.uuid": str(UUID(int=2))}
        self.assertIsNone(translate.owned_uuid(cloned, "nova"))


class TestImages(testtools.TestCase):
    """Which folders are images."""

    def test_only_complete_ones(self) -> None:
        folders = {
            "good": {"1024.vmdk": 300, "1024-flat.vmdk": 1024},
            ".unfinished-key.1": {"1024.vmdk": 300},
            "empty": {},
            "strange": {"1.vmdk": 1, "2.vmdk": 1},
        }
        (found,) = translate.cached_images(folders)
        self.assertEqual(
            ("good", 1024, 1324), (found.key, found.virtual_size_bytes, found.stored_bytes)
        )
