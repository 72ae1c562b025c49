"""Directories of file servers that a host mounts."""

from __future__ import annotations

from typing import Any

from nova_virt_interface.errors import (
    Conflict,
    InvalidRequest,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.hypervisor.shares import IShareMounts
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.guest_settings import GuestSettings, MemoryBacking, Share, VmFeature
from nova_virt_interface.values.power import StopRequest
from nova_virt_interface.values.shares import (
    MountedShare,
    MountShareRequest,
    UnmountShareRequest,
)

__all__ = ["ShareSuite"]

_KEY = "conformance-share"
_UNMOUNT = UnmountShareRequest(key=_KEY)


class ShareSuite(HypervisorMixin):
    """`IShareMounts`."""

    def _mounted_share(self, request: MountShareRequest) -> MountedShare:
        self.addCleanup(self.hypervisor.unmount_share, UnmountShareRequest(key=request.key))
        mounted: MountedShare = self.hypervisor.mount_share(request)
        return mounted

    def _listed_shares(self) -> set[MountedShare]:
        return set(self.hypervisor.list_mounted_shares())

    @rules("SHR-1", "SHR-2", "REP-1")
    def test_a_directory_is_mounted_and_unmounted(self) -> None:
        self.requires(IShareMounts)
        before, listed = self.harness.leftovers(), self._listed_shares()
        with self.harness.share() as (protocol, export):
            request = MountShareRequest(key=_KEY, protocol=protocol, export=export)
            mounted = self._mounted_share(request)
            self.assertEqual(mounted, self._mounted_share(request))
            self.assertEqual(_KEY, mounted.key)
            self.assertEqual(listed | {mounted}, self._listed_shares())
            self.assertTrue(self.harness.share_is_mounted(mounted.path, export))
            again = self.connect(self.services)
            self.assertIn(mounted, again.list_mounted_shares())
            again.close()
            for _ in range(2):
                self.hypervisor.unmount_share(_UNMOUNT)
                self.assertEqual(listed, self._listed_shares())
                self.assertFalse(self.harness.share_is_mounted(mounted.path, export))
            self.assertEqual(before, self.harness.leftovers())

    @rules("SHR-1")
    def test_another_directory_of_the_same_key_is_a_conflict(self) -> None:
        self.requires(IShareMounts)
        with self.harness.share() as (protocol, export), self.harness.share() as (_, other):
            request = MountShareRequest(key=_KEY, protocol=protocol, export=export)
            mounted = self._mounted_share(request)
            with self.refused(Conflict, Resource.SHARE):
                wrong = MountShareRequest(key=_KEY, protocol=protocol, export=other)
                self.hypervisor.mount_share(wrong)
            self.assertTrue(self.harness.share_is_mounted(mounted.path, export))
            self.hypervisor.unmount_share(_UNMOUNT)

    @rules("SHR-1", "FAIL-1")
    def test_a_file_server_that_is_away(self) -> None:
        self.requires(IShareMounts)
        before, listed = self.harness.leftovers(), self._listed_shares()
        with self.harness.share() as (protocol, export):
            request = MountShareRequest(key=_KEY, protocol=protocol, export=export)
        with self.refused(PeerUnreachable, Resource.SHARE):
            self.hypervisor.mount_share(request)
        self.assertEqual(listed, self._listed_shares())
        self.assertEqual(before, self.harness.leftovers())

    @rules("SHR-2", "SPEC-2")
    def test_a_directory_that_a_running_vm_uses_stays(self) -> None:
        self.requires(IShareMounts)
        offered = VmFeature.SHARES in self.hypervisor.describe().features
        with self.harness.share() as (protocol, export):
            request = MountShareRequest(key=_KEY, protocol=protocol, export=export)
            mounted = self._mounted_share(request)
            settings = GuestSettings(
                shares=(Share(tag="share", path=mounted.path),), memory=self._memory_for_shares()
            )
            if not offered:
                with self.refused(Unsupported):
                    self.hypervisor.create_vm(self.new_uuid(), self.spec(settings=settings))
            else:
                vm_uuid = self.running(settings=settings)
                with self.refused(Conflict, Resource.SHARE):
                    self.hypervisor.unmount_share(_UNMOUNT)
                self.assertTrue(self.harness.share_is_mounted(mounted.path, export))
                self.hypervisor.stop_vm(vm_uuid, StopRequest())
            self.hypervisor.unmount_share(_UNMOUNT)
            self.assertFalse(self.harness.share_is_mounted(mounted.path, export))

    def _memory_for_shares(self) -> MemoryBacking | None:
        offered = VmFeature.SHARED_MEMORY in self.hypervisor.describe().features
        return MemoryBacking(shared=True) if offered else None

    def test_hostile_keys_and_exports_are_refused(self) -> None:
        self.requires(IShareMounts)
        fields: dict[str, Any] = {"key": _KEY, "export": "server:/x"}
        for field, content in (
            *(("key", key) for key in ("", "..", "a/b", "-o", "a\n", "A")),
            *(("export", export) for export in ("", "server:/x\n", "a\0", "x" * 1025)),
        ):
            with self.harness.share() as (protocol, _), self.refused(InvalidRequest) as caught:
                MountShareRequest(protocol=protocol, **fields | {field: content})
            self.assertEqual(field, caught.error.field)
