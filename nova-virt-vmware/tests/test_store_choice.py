"""Which datastore has the disks, and storage policies, on vcsim."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from nova_virt_interface.errors import InvalidRequest, NotFound, Unsupported
from nova_virt_interface.testing.harness_storage import VolumeWish
from nova_virt_interface.values.disks import AttachDiskRequest, DiskSpec
from nova_virt_interface.values.resize import ConfirmResizeRequest, ResizeVmRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from nova_virt_interface.values.volumes import Volume, VolumeProtocol
from on_vcsim import BLANK, MEDIUM, MIB, VcsimTestCase, spec

from nova_virt_vmware.testing.harness import EsxHarness

# vcsim has it, and it fits this datastore alone.
POLICY = "on LocalDS_0"


class StoreCase(VcsimTestCase):
    """What both have in common."""

    def add_store(self, name: str, hosts: int = 2) -> None:
        """Another datastore, of so many hosts; removed after the test."""
        server = self.harness.server
        folder = mkdtemp(dir=server.folder)
        for host in server.hosts()[:hosts]:
            system = server.fact(host, "configManager").datastoreSystem
            store = system.CreateLocalDatastore(name, folder)
            self.addCleanup(self._remove_store, system, name)
        self.assertTrue(store)

    def _remove_store(self, system: Any, name: str) -> None:
        system.RemoveDatastore(self._store(name))

    def _store(self, name: str) -> Any:
        server = self.harness.server
        return next(s for s in server.datastores() if server.fact(s, "name") == name)

    def connected(self, **settings: Any) -> Any:
        """A driver with these settings instead of the usual ones."""
        changed = replace(self.harness.settings(), **{"datastore": ""} | settings)
        driver = self.harness.factory().connect(changed, self.services)
        self.addCleanup(driver.close)
        return driver

    def store_of(self, driver: Any) -> str:
        return str(driver._inventory._node.datastore)


class TestChoice(StoreCase):
    """By name and by regular expression."""

    def test_of_several_one_must_be_named(self) -> None:
        self.add_store("other")
        self.assertRaises(InvalidRequest, self.connected)
        self.assertEqual("other", self.store_of(self.connected(datastore="other")))
        found = self.connected(datastore_regex="oth")
        self.assertEqual("other", self.store_of(found))
        for wrong in ({"datastore": "missing"}, {"datastore_regex": "missing.*"}):
            error = self.assertRaises(NotFound, self.connected, **wrong)
            self.assertIn("other", error.remedy)

    def test_the_one_with_our_files_is_taken_again(self) -> None:
        self.add_store("other")
        self.made()
        for _ in range(2):
            found = self.connected(datastore_regex="LocalDS_0|other")
            self.assertEqual("LocalDS_0", self.store_of(found))

    def test_one_that_all_hosts_have_goes_before(self) -> None:
        self.add_store("other-of-one-host", hosts=1)
        self.add_store("other")
        found = self.connected(datastore_regex="other")
        self.assertEqual("other", self.store_of(found))


class TestPolicies(StoreCase):
    """By storage policy."""

    def setUp(self) -> None:
        super().setUp()
        self.notes = self.harness.server.folder / "policies"
        self.notes.unlink(missing_ok=True)

    def _noted(self) -> set[str]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        noted = [line.split("\t") for line in lines]
        self.assertEqual(1, len({policy for _, policy in noted}))
        return {Path(subject).name for subject, _ in noted}

    def test_only_what_fits_is_chosen(self) -> None:
        self.add_store("other")
        for more in ({}, {"datastore_regex": ".*"}):
            driver = self.connected(storage_policy=POLICY, **more)
            self.assertEqual("LocalDS_0", self.store_of(driver))
        error = self.assertRaises(
            NotFound, self.connected, storage_policy=POLICY, datastore="other"
        )
        self.assertIn(POLICY, str(error))

    def test_a_policy_that_is_not_there_is_named(self) -> None:
        error = self.assertRaises(NotFound, self.connected, storage_policy="none of that name")
        self.assertIn(POLICY, error.remedy)

    def test_the_vm_and_each_of_its_own_disks_gets_it(self) -> None:
        driver = self.connected(storage_policy=POLICY)
        vm_uuid = self.new_uuid()
        wish = VolumeWish(protocol=VolumeProtocol.FILE, size_bytes=4 * MIB)
        with self.harness.volume(wish) as made:
            source = Volume(volume_id=vm_uuid, connection=made.connection)
            volume = DiskSpec(key="volume", source=source, size_bytes=made.size_bytes)
            driver.create_vm(vm_uuid, spec(BLANK, MEDIUM, volume))
            self.assertEqual({f"test_{vm_uuid}", "data.vmdk"}, self._noted())
            extra = replace(BLANK, key="extra")
            driver.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))
            self.assertEqual({"extra.vmdk"}, self._noted())
            larger = spec(replace(BLANK, size_bytes=16 * MIB), MEDIUM, volume, extra)
            driver.resize_vm(vm_uuid, ResizeVmRequest(spec=larger))
            self.assertEqual({"data.1.vmdk", "extra.1.vmdk"}, self._noted())
            driver.confirm_resize(vm_uuid, ConfirmResizeRequest())
            driver.delete_vm(vm_uuid, DeleteVmRequest())


class TestNoPolicies(StoreCase):
    """A host without a vCenter."""

    harness_class = EsxHarness

    def test_it_has_no_policies(self) -> None:
        error = self.assertRaises(Unsupported, self.connected, storage_policy=POLICY)
        self.assertEqual("storage_policy", error.field)
