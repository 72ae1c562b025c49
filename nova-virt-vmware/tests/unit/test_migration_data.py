"""What compute nodes tell each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import testtools
from hypothesis import given
from hypothesis import strategies as st
from nova_virt_interface.errors import Unsupported
from pyVmomi import vim

from nova_virt_vmware.kept import backing_of
from nova_virt_vmware.migration_data import pack, relocation, unpack
from nova_virt_vmware.node import Node

_text = st.text(max_size=20)


def node(vcenter_id: str = "one") -> Node:
    return Node(
        compute_id="domain-c1",
        compute_type=vim.ClusterComputeResource,
        pool_id="pool-1",
        datacenter_id="dc-1",
        datacenter_path="DC",
        vm_folder_id="folder-1",
        datastore_id="datastore-1",
        datastore="store",
        browser_id="browser-1",
        takes_extents=True,
        policy_id="",
        vcenter_id=vcenter_id,
    )


class TestData(testtools.TestCase):
    """Packed and unpacked."""

    @given(_text, _text)
    def test_what_was_said_arrives(self, host: str, token: str) -> None:
        facts = unpack(pack(node(), host=host, token=token), node())
        self.assertEqual((host, token, "domain-c1"), (facts["host"], facts["token"], facts["node"]))

    def test_other_vcenters_and_rubbish_are_refused(self) -> None:
        self.assertRaises(Unsupported, unpack, pack(node("two")), node())
        for content in (b"", b"[]", b"{}", b"\xff"):
            self.assertRaises(Unsupported, unpack, replace(pack(node()), content=content), node())


def _disk(key: int) -> Any:
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
        fileName="[here] a.vmdk", diskMode="persistent", datastore=vim.Datastore("datastore-9")
    )
    return vim.vm.device.VirtualDisk(key=key, backing=backing, capacityInKB=1)


class TestRelocation(testtools.TestCase):
    """The request for a migration."""

    facts: dict[str, Any] = {"pool": "pool-2", "host": "host-2", "datastore_id": "datastore-2"}  # noqa: RUF012

    def test_a_datastore_is_named_only_for_disks_that_go_as_well(self) -> None:
        api = mock.Mock(stub=None)
        spec = relocation(api, self.facts, [_disk(1), _disk(2)], ())
        self.assertEqual((None, []), (spec.datastore, list(spec.disk)))
        spec = relocation(api, self.facts, [_disk(1), _disk(2)], (1,))
        self.assertEqual("datastore-2", spec.datastore._moId)
        stays = [(disk.diskId, disk.datastore._moId) for disk in spec.disk]
        self.assertEqual([(2, "datastore-9")], stays)

    def test_nics_that_are_plugged_in_elsewhere_are_named(self) -> None:
        api = mock.Mock(stub=None)
        card = vim.vm.device.VirtualVmxnet3(
            key=4000, macAddress="52:54:00:00:00:01", backing=backing_of({"network": "old"})
        )
        for network, expected in (("old", 0), ("new", 1)):
            nics = {"52:54:00:00:00:01": {"network": network}}
            spec = relocation(api, {**self.facts, "nics": nics}, [card], ())
            self.assertEqual(expected, len(spec.deviceChange))
