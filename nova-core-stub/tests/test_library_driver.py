from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import fixtures
import testtools
from instances import FLAVOR, IMAGE, MIB, PORT, Intercepted, ReferenceHost, spawn_request
from nova_virt_interface.call import Call
from nova_virt_interface.errors import (
    Cancelled,
    Conflict,
    HostUnreachable,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.hypervisor.console import IConsole, IConsoleLog
from nova_virt_interface.hypervisor.diagnostics import IDeviceMetadata, IVmDiagnostics
from nova_virt_interface.hypervisor.disks import IDiskHotplug
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.hypervisor.host import IHostMaintenance, IHostPower, IHostStatus
from nova_virt_interface.hypervisor.images import IImageCache
from nova_virt_interface.hypervisor.migration import (
    IForceMigration,
    IMigrationControl,
    IMigrationSource,
    IMigrationTarget,
)
from nova_virt_interface.hypervisor.nics import INicHotplug
from nova_virt_interface.hypervisor.power import ICrashDump, IPause, ISuspend
from nova_virt_interface.hypervisor.recovery import IRecovery
from nova_virt_interface.hypervisor.resize import IResize
from nova_virt_interface.testing.guest import GuestReport
from nova_virt_interface.values.images import CachedImage, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    DestroyRequest,
    DetachInterfaceRequest,
    PowerOffRequest,
    PowerOnRequest,
)
from nova_virt_interface.values.nics import NicBacking, NicBackingKind, NicModel
from nova_virt_interface.values.power import PowerState, RebootKind, RebootRequest
from nova_virt_interface.virt_driver.console import IConsoleOutput, IInstanceConsole
from nova_virt_interface.virt_driver.diagnostics import (
    IInstanceDeviceMetadata,
    IInstanceDiagnostics,
)
from nova_virt_interface.virt_driver.guest import IAdminPassword, IInstanceQuiesce, IInstanceTime
from nova_virt_interface.virt_driver.images import IImageCaching
from nova_virt_interface.virt_driver.interfaces import IInterfaceAttachment
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver
from nova_virt_interface.virt_driver.migration import (
    IInstanceForceMigration,
    IInstanceMigrationControl,
    IInstanceMigrationSource,
    IInstanceMigrationTarget,
)
from nova_virt_interface.virt_driver.power import (
    IInstanceCrashDump,
    IInstancePause,
    IInstanceSuspend,
)
from nova_virt_interface.virt_driver.providers import IProviderTree
from nova_virt_interface.virt_driver.recovery import IInstanceRecovery
from nova_virt_interface.virt_driver.rescue import IRescue
from nova_virt_interface.virt_driver.resize import IInstanceResize
from zope.interface import providedBy
from zope.interface.verify import verifyObject

from nova_core_stub.library_driver.driver import LibraryDriver


class LibraryDriverTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        reference = self.useFixture(ReferenceHost())
        self.host = reference.host
        self.hypervisor = reference.hypervisor
        self.driver = LibraryDriver(self.hypervisor)
        self.uuid = uuid4()

    def failing(self, method: str, error: BaseException, *, after: bool = False) -> LibraryDriver:
        """A driver whose hypervisor fails in one method, before or after it took effect."""

        def around(name: str, call: Callable[[], Any]) -> Any:
            if name == method and not after:
                raise error
            result = call()
            if name == method:
                raise error
            return result

        return LibraryDriver(Intercepted(self.hypervisor, around))

    def test_what_it_provides_follows_from_the_hypervisor(self) -> None:
        table = {
            IConsoleLog: IConsoleOutput,
            IImageCache: IImageCaching,
            INicHotplug: IInterfaceAttachment,
            IConsole: IInstanceConsole,
            ICrashDump: IInstanceCrashDump,
            IDeviceMetadata: IInstanceDeviceMetadata,
            IGuestPassword: IAdminPassword,
            IGuestQuiesce: IInstanceQuiesce,
            IGuestTime: IInstanceTime,
            IHostMaintenance: IHostMaintenance,
            IHostPower: IHostPower,
            IHostStatus: IHostStatus,
            IPause: IInstancePause,
            ISuspend: IInstanceSuspend,
            IVmDiagnostics: IInstanceDiagnostics,
            IForceMigration: IInstanceForceMigration,
            IMigrationControl: IInstanceMigrationControl,
            IMigrationSource: IInstanceMigrationSource,
            IMigrationTarget: IInstanceMigrationTarget,
            IRecovery: IInstanceRecovery,
            IResize: IInstanceResize,
        }
        everything = set(providedBy(self.driver))
        self.assertLessEqual({IVirtDriver, IProviderTree, IRescue, *table.values()}, everything)
        more = {IRescue: (IDiskHotplug, IImageCache)}
        for lower in (*table, IDiskHotplug):
            poorer = Intercepted(self.hypervisor, lambda name, call: call(), without=[lower])
            provided = set(providedBy(LibraryDriver(poorer)))
            lost = {one for one, needed in more.items() if lower in needed} | {table.get(lower)}
            self.assertEqual(everything - lost, provided)
        for interface in providedBy(self.driver):
            verifyObject(interface, self.driver)

    def test_a_spawned_instance_runs_with_all_that_was_asked_for(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        vm = self.host.vm(self.uuid)
        sizes = {key: disk.size_bytes // MIB for key, disk in vm.disks.items()}
        self.assertEqual({"root": 10, "ephemeral": 3, "swap": 2, "config-drive": 0}, sizes)
        self.assertEqual((2, 256 * MIB), (vm.vcpus, vm.memory_bytes))
        boots = {key: disk.boot_index for key, disk in vm.disks.items()}
        # 0 is a rescue disk's.
        self.assertEqual({"root": 1, "ephemeral": None, "swap": None, "config-drive": None}, boots)
        self.assertEqual([str(PORT.port_id)], list(vm.nics))
        console = GuestReport(self.driver.get_console_output(self.uuid, 65536))
        self.assertTrue(console.is_ready)
        self.assertEqual([str(self.uuid)], console.all("uuid"))
        self.assertEqual(["web-1"], console.all("hostname"))
        self.assertEqual([PORT.mac], console.all("mac"))
        info = self.driver.get_info(self.uuid)
        self.assertEqual("web <1> & co", info.name)
        self.assertIs(PowerState.RUNNING, info.power_state)
        self.assertEqual((info,), self.driver.list_instances())

    def test_disks_that_the_flavor_has_not_are_not_there(self) -> None:
        flavor = dataclasses.replace(FLAVOR, ephemeral_bytes=0, swap_bytes=0)
        request = spawn_request(flavor=flavor, config_drive=False, ports=())
        self.driver.spawn(self.uuid, request)
        self.assertEqual(["root"], list(self.host.vm(self.uuid).disks))

    def test_a_repeat_succeeds_and_changes_nothing(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        before = self.host.vm(self.uuid)
        self.driver.spawn(self.uuid, spawn_request())
        self.assertEqual(before, self.host.vm(self.uuid))
        self.assertEqual(1, len(self.host.images()))

    def test_a_repeat_starts_what_is_stopped_and_needs_no_image(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        self.driver.power_off(self.uuid, PowerOffRequest(graceful_timeout_seconds=0))
        gone = NotFound("gone", resource=Resource.IMAGE, name="guest")
        self.failing("cache_image", gone).spawn(self.uuid, spawn_request())
        self.assertEqual("running", self.host.vm(self.uuid).state)

    def test_a_different_request_is_a_conflict(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        before = self.host.vm(self.uuid)
        self.assertRaises(Conflict, self.driver.spawn, self.uuid, spawn_request(name="other"))
        self.assertEqual(before, self.host.vm(self.uuid))

    def test_a_conflict_that_shows_late_leaves_the_vm_alone(self) -> None:
        """Somebody makes a VM of this uuid between the look and the creation."""
        other = LibraryDriver(self.hypervisor)

        def around(name: str, call: Callable[[], Any]) -> Any:
            if name == "create_vm":
                other.spawn(self.uuid, spawn_request(name="other"))
            return call()

        driver = LibraryDriver(Intercepted(self.hypervisor, around))
        self.assertRaises(Conflict, driver.spawn, self.uuid, spawn_request())
        self.assertEqual("other", self.host.vm(self.uuid).label)

    def test_a_failed_start_removes_what_this_call_made(self) -> None:
        error = InsufficientResources("full", resource=Resource.MEMORY)
        raised = self.assertRaises(
            InsufficientResources, self.failing("start_vm", error).spawn, self.uuid, spawn_request()
        )
        self.assertIs(error, raised)
        self.assertFalse(raised.may_have_been_done)
        self.assertEqual([], self.host.vms())

    def test_a_conflict_about_something_else_is_undone(self) -> None:
        error = Conflict("this MAC is in use", resource=Resource.NIC, name=PORT.mac)
        driver = self.failing("create_vm", error, after=True)
        self.assertRaises(Conflict, driver.spawn, self.uuid, spawn_request())
        self.assertEqual([], self.host.vms())

    def test_a_failed_start_keeps_what_was_there_before(self) -> None:
        self.driver.spawn(self.uuid, spawn_request())
        self.driver.power_off(self.uuid, PowerOffRequest(graceful_timeout_seconds=0))
        driver = self.failing("start_vm", HostUnreachable("away"))
        self.assertRaises(HostUnreachable, driver.spawn, self.uuid, spawn_request())
        self.assertEqual("stopped", self.host.vm(self.uuid).state)

    def test_a_cancelled_spawn_is_undone(self) -> None:
        call = Call("r")

        def around(name: str, proceed: Callable[[], Any]) -> Any:
            if name == "start_vm":
                call.cancel()
                call.check()
            return proceed()

        driver = LibraryDriver(Intercepted(self.hypervisor, around))
        with call:
            self.assertRaises(Cancelled, driver.spawn, self.uuid, spawn_request())
        self.assertEqual([], self.host.vms())

    def test_an_interrupted_spawn_is_undone(self) -> None:
        driver = self.failing("start_vm", KeyboardInterrupt(), after=True)
        self.assertRaises(KeyboardInterrupt, driver.spawn, self.uuid, spawn_request())
        self.assertEqual([], self.host.vms())

    def test_a_failed_rollback_does_not_hide_the_first_error(self) -> None:
        first = InsufficientResources("full", resource=Resource.MEMORY)

        def around(name: str, proceed: Callable[[], Any]) -> Any:
            if name == "start_vm":
                raise first
            if name == "delete_vm":
                raise HostUnreachable("away")
            return proceed()

        driver = LibraryDriver(Intercepted(self.hypervisor, around))
        log = self.useFixture(fixtures.FakeLogger())
        error = self.assertRaises(InsufficientResources, driver.spawn, self.uuid, spawn_request())
        self.assertIs(first, error)
        self.assertTrue(error.may_have_been_done)
        self.assertIn("could not be removed: away", error.__notes__[0])
        self.assertIn(f"instance {self.uuid} could not be removed: away", log.output)
        self.driver.spawn(self.uuid, spawn_request())
        self.assertEqual("running", self.host.vm(self.uuid).state)

    def test_what_cannot_be_is_refused_before_anything_is_touched(self) -> None:
        in_user = dataclasses.replace(PORT, backing=NicBacking(kind=NicBackingKind.USER))
        in_e1000 = dataclasses.replace(PORT, model=NicModel.E1000)
        needs_disk = dataclasses.replace(IMAGE, min_disk_bytes=10 * MIB + 1)
        needs_memory = dataclasses.replace(IMAGE, min_memory_bytes=256 * MIB + 1)
        qcow2 = dataclasses.replace(IMAGE, format=DiskFormat.QCOW2)
        small = dataclasses.replace(FLAVOR, root_bytes=IMAGE.size_bytes - 1)
        refused: tuple[tuple[dict[str, Any], type[VirtError], str], ...] = (
            ({"image": needs_disk}, InvalidRequest, "flavor.root_bytes"),
            ({"image": needs_memory}, InvalidRequest, "flavor.memory_bytes"),
            ({"flavor": small}, InvalidRequest, "flavor.root_bytes"),
            ({"image": qcow2}, Unsupported, "image.format"),
            ({"ports": (in_user,)}, Unsupported, f"nics[{PORT.port_id}].backing.kind"),
            ({"ports": (in_e1000,)}, Unsupported, f"nics[{PORT.port_id}].model"),
        )
        for changes, kind, field in refused:
            self.refused(self.driver, spawn_request(**changes), kind, field)

    def test_a_host_that_lacks_what_every_instance_needs(self) -> None:
        no_cache = Intercepted(self.hypervisor, lambda name, call: call(), without=[IImageCache])
        self.refused(LibraryDriver(no_cache), spawn_request(), Unsupported, "image")
        poor = dataclasses.replace(self.hypervisor.describe(), media_formats=())
        no_media = Intercepted(
            self.hypervisor, lambda name, call: poor if name == "describe" else call()
        )
        driver = LibraryDriver(no_media)
        self.refused(driver, spawn_request(), Unsupported, "config_drive")
        driver.spawn(self.uuid, spawn_request(config_drive=False))

    def refused(
        self, driver: LibraryDriver, request: Any, kind: type[VirtError], field: str
    ) -> None:
        asked = self.host.round_trips
        error: Any = self.assertRaises(kind, driver.spawn, self.uuid, request)
        self.assertEqual(field, error.field)
        self.assertNotEqual("", error.remedy)
        self.assertEqual(asked, self.host.round_trips)

    def test_an_image_that_turns_out_too_large_makes_no_instance(self) -> None:
        def around(name: str, proceed: Callable[[], Any]) -> Any:
            if name != "cache_image":
                return proceed()
            return CachedImage(
                key=IMAGE.cache_key,
                format=DiskFormat.RAW,
                virtual_size_bytes=10 * MIB + 1,
                stored_bytes=1,
            )

        driver = LibraryDriver(Intercepted(self.hypervisor, around))
        error = self.assertRaises(InvalidRequest, driver.spawn, self.uuid, spawn_request())
        self.assertEqual("flavor.root_bytes", error.field)
        self.assertEqual([], self.host.vms())

    def test_the_life_of_an_instance(self) -> None:
        self.assertEqual(IMAGE.cache_key, self.driver.cache_image(IMAGE).key)
        self.assertEqual([IMAGE.cache_key], [item.key for item in self.driver.list_cached_images()])
        self.driver.delete_cached_image(DeleteImageRequest(key=IMAGE.cache_key))
        self.assertEqual((), self.driver.list_cached_images())
        self.driver.spawn(self.uuid, spawn_request(ports=()))
        self.driver.attach_interface(self.uuid, AttachInterfaceRequest(port=PORT))
        self.assertEqual(PORT.mac, self.host.vm(self.uuid).nics[str(PORT.port_id)].mac)
        self.driver.detach_interface(self.uuid, DetachInterfaceRequest(port_id=PORT.port_id))
        self.assertEqual({}, self.host.vm(self.uuid).nics)
        self.driver.reboot(self.uuid, RebootRequest(kind=RebootKind.HARD))
        self.assertEqual(2, self.host.vm(self.uuid).starts)
        self.driver.power_off(self.uuid, PowerOffRequest())
        self.assertEqual("stopped", self.host.vm(self.uuid).state)
        self.driver.power_on(self.uuid, PowerOnRequest())
        self.assertEqual([self.uuid], [item.vm_uuid for item in self.driver.get_statistics()])
        self.assertEqual(self.host.vcpus, self.driver.get_available_resource().vcpus)
        self.driver.destroy(self.uuid, DestroyRequest())
        self.driver.destroy(self.uuid, DestroyRequest())
        self.assertRaises(NotFound, self.driver.get_info, self.uuid)
        self.driver.close()
        self.assertRaises(HostUnreachable, self.driver.list_instances)
