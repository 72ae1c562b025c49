"""What the contract's suite cannot see: files and hardware on the server, logins, networks."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import fixtures
import requests
from nova_virt_interface.errors import (
    AccessDenied,
    Conflict,
    HostUnreachable,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
)
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import (
    AttachDiskRequest,
    DetachDiskRequest,
    DiskBus,
    DiskSpec,
    Imported,
)
from nova_virt_interface.values.export import Consistency, ExportDiskRequest
from nova_virt_interface.values.images import CacheImageRequest, DeleteImageRequest, DiskFormat
from nova_virt_interface.values.nics import AttachNicRequest, DetachNicRequest
from nova_virt_interface.values.power import (
    CrashDumpRequest,
    PowerState,
    StartRequest,
    StopRequest,
    SuspendRequest,
)
from nova_virt_interface.values.resize import ResizeVmRequest, RevertResizeRequest
from nova_virt_interface.values.vm import DeleteVmRequest
from on_vcsim import BLANK, MEDIUM, MIB, VcsimTestCase, nic, spec
from pyVmomi import vim

from nova_virt_vmware import translate
from nova_virt_vmware.tls import http_session, tls_context
from nova_virt_vmware.vms import Vms


class TestLogin(VcsimTestCase):
    """Logging in, and again."""

    def _refused(self, error: type[Exception], **wrong: object) -> str:
        settings = replace(self.harness.settings(), **wrong)
        before = self.harness.server.sessions()
        connect = self.harness.factory().connect
        text = str(self.assertRaises(error, connect, settings, self.services))
        self.assertEqual(before, self.harness.server.sessions())
        return text

    def test_a_wrong_password_is_refused_and_not_told(self) -> None:
        text = self._refused(AccessDenied, password=Secret("wrong-one"))
        self.assertIn("password", text)
        self.assertNotIn("wrong-one", text)

    def test_a_certificate_of_an_unknown_authority_is_refused(self) -> None:
        self.assertIn("ca_file", self._refused(AccessDenied, ca_file=""))

    def test_a_certificate_for_another_name_is_refused(self) -> None:
        self.assertIn("certificate", self._refused(AccessDenied, host="localhost"))

    def test_an_unreadable_ca_file_is_named(self) -> None:
        self.assertIn("/nowhere", self._refused(InvalidRequest, ca_file="/nowhere"))

    def test_a_cluster_or_datastore_that_is_not_there_is_named_with_those_that_are(self) -> None:
        self.assertIn("DC0_C0", self._refused(NotFound, cluster="other"))
        self.assertIn("LocalDS_0", self._refused(NotFound, datastore="other"))
        self.assertIn("DC0_H0", self._refused(InvalidRequest, cluster=""))

    def test_without_verification_any_certificate_will_do(self) -> None:
        settings = replace(self.harness.settings(), ca_file="", verify_certificate=False)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        driver.create_vm(self.new_uuid(), spec(BLANK, MEDIUM))

    def test_a_certificate_is_trusted_by_its_thumbprint_alone(self) -> None:
        pem = (self.harness.server.folder / "server.pem").read_text()
        thumbprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        told = self._refused(AccessDenied, thumbprint="0" * 64)
        self.assertIn(thumbprint, told)
        pairs = ":".join(thumbprint[i : i + 2] for i in range(0, 64, 2)).upper()
        settings = replace(self.harness.settings(), ca_file="", thumbprint=pairs)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        # By SOAP, and a file by HTTPS.
        driver.create_vm(self.new_uuid(), spec(BLANK, MEDIUM))

    def test_each_connection_by_a_thumbprint_is_checked(self) -> None:
        pem = (self.harness.server.folder / "server.pem").read_text()
        thumbprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        settings = replace(self.harness.settings(), thumbprint=thumbprint)
        context: Any = tls_context(settings)
        server = ("127.0.0.1", self.harness.server.port)
        for right in (True, False):
            context.thumbprint = thumbprint if right else "0" * 64
            http = http_session(settings, context)
            self.addCleanup(http.close)
            with socket.create_connection(server) as plain:
                if right:
                    context.wrap_socket(plain, server_hostname="any").close()
                    http.get(f"https://127.0.0.1:{server[1]}/about")
                else:
                    refused = ssl.SSLCertVerificationError
                    self.assertRaises(refused, context.wrap_socket, plain)
                    url = f"https://127.0.0.1:{server[1]}/about"
                    self.assertRaises(requests.exceptions.SSLError, http.get, url)

    def test_a_proxy_of_the_environment_is_not_used(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
            self.useFixture(fixtures.EnvironmentVariable(name, nowhere))
        # By SOAP, and a file by HTTPS.
        self.connect().create_vm(self.new_uuid(), spec(BLANK, MEDIUM))

    def test_a_login_that_the_server_forgot_is_made_anew(self) -> None:
        vm_uuid = self.new_uuid()
        uses: tuple[Callable[[], object], ...] = (
            lambda: self.driver.create_vm(vm_uuid, spec()),
            lambda: self.driver.start_vm(vm_uuid, StartRequest()),
            lambda: self.driver.get_vm(vm_uuid),
        )
        for use in uses:
            self.harness.server.content.sessionManager.TerminateSession(
                self.harness.server.sessions()
            )
            use()
        self.assertEqual(PowerState.RUNNING, self.driver.get_vm(vm_uuid).power_state)

    def test_a_server_that_is_silent_is_away_and_comes_back(self) -> None:
        settings = replace(self.harness.settings(), request_timeout_seconds=1.0)
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        vm_uuid = self.made()
        give_up = time.monotonic() + 60.0
        with self.harness.silence():
            self.assertRaises(HostUnreachable, driver.get_vm, vm_uuid)
            # What it told last is good for some seconds.
            while time.monotonic() < give_up:
                try:
                    driver.list_vms()
                except HostUnreachable:
                    break
                time.sleep(0.2)
            self.assertLess(time.monotonic(), give_up)
        self.assertEqual(PowerState.STOPPED, driver.get_vm(vm_uuid).power_state)

    def test_a_standalone_host_is_a_compute_node_too(self) -> None:
        settings = replace(self.harness.settings(), cluster="DC0_H0")
        driver = self.harness.factory().connect(settings, self.services)
        self.addCleanup(driver.close)
        vm_uuid = uuid4()
        self.addCleanup(driver.delete_vm, vm_uuid, DeleteVmRequest())
        driver.create_vm(vm_uuid, spec())
        self.assertEqual([vm_uuid], [vm.vm_uuid for vm in driver.list_vms()])
        self.assertEqual((), self.driver.list_vms())
        self.assertNotEqual(driver.describe().hostname, self.driver.describe().hostname)


class TestFiles(VcsimTestCase):
    """Contents on the datastore."""

    def test_a_disk_from_an_image_has_its_content(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.made(self.root())
        flat = self.folder(vm_uuid) / "root-flat.vmdk"
        self.assertEqual(self.harness.image_content, flat.read_bytes())

    def test_a_raw_image_has_its_content(self) -> None:
        request = self.image()
        raw = self.harness.server.folder / "image.raw"
        self.services.images.add(request.key, raw)
        size = raw.stat().st_size
        self.driver.cache_image(
            CacheImageRequest(key=request.key, format=DiskFormat.RAW, size_bytes=size)
        )
        vm_uuid = self.made(self.root())
        flat = self.folder(vm_uuid) / "root-flat.vmdk"
        self.assertEqual(raw.read_bytes(), flat.read_bytes())

    def test_a_sparse_image_has_its_content(self) -> None:
        server, request = self.harness.server, self.image()
        self.addCleanup((server.folder / "sparse.vmdk").unlink)
        kind = ["convert", "-O", "vmdk", "-o", "subformat=monolithicSparse"]
        server.tool("qemu-img", *kind, "image.vmdk", "sparse.vmdk")
        sparse = server.folder / "sparse.vmdk"
        self.services.images.add(request.key, sparse)
        sparse_request = replace(request, size_bytes=sparse.stat().st_size)
        for is_packed in (False, True):
            settings = replace(self.harness.settings(), packed_images=is_packed)
            driver = self.harness.factory().connect(settings, self.services)
            self.addCleanup(driver.close)
            driver.cache_image(sparse_request)
            vm_uuid = self.made(self.root())
            flat = self.folder(vm_uuid) / "root-flat.vmdk"
            self.assertEqual(self.harness.image_content, flat.read_bytes())
            self.driver.delete_vm(vm_uuid, DeleteVmRequest())
            self.driver.delete_cached_image(DeleteImageRequest(key=request.key))

    def test_an_imported_disk_has_its_content_and_is_in_no_cache(self) -> None:
        request = self.image()
        source = Imported(key=request.key, format=request.format, size_bytes=request.size_bytes)
        before = self.harness.leftovers()
        size = self.harness.image().virtual_size_bytes
        small = DiskSpec(key="data", source=source, size_bytes=size - 512)
        self.assertRaises(InvalidRequest, self.driver.create_vm, self.new_uuid(), spec(small))
        self.assertEqual(before, self.harness.leftovers())
        vm_uuid = self.made(replace(small, size_bytes=size + MIB))
        flat = self.folder(vm_uuid) / "data-flat.vmdk"
        self.assertEqual(self.harness.image_content, flat.read_bytes())
        self.assertEqual((), self.driver.list_cached_images())
        before = self.harness.leftovers()
        extra = replace(small, key="extra", size_bytes=size)
        for _ in range(2):
            self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=extra))
        self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="extra"))
        self.assertEqual(before, self.harness.leftovers())

    def test_a_disk_larger_than_its_image_is_extended(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.made(self.root(grown_by=3 * MIB))
        descriptor = (self.folder(vm_uuid) / "root.vmdk").read_text()
        sectors = (self.harness.image().virtual_size_bytes + 3 * MIB) // 512
        self.assertIn(f"RW {sectors} ", descriptor)

    def test_an_export_is_the_disk_and_leaves_no_snapshot(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.made(self.root(grown_by=MIB))
        request = ExportDiskRequest(disk_key="root", sink_key="out", format=DiskFormat.RAW)
        for start in (False, True):
            if start:
                self.driver.start_vm(vm_uuid, StartRequest())
            before = self.harness.leftovers()
            exported = self.driver.export_disk(vm_uuid, request)
            content = self.services.image_sink.committed["out"][-1]
            self.assertEqual(len(content), exported.size_bytes)
            self.assertEqual(self.harness.image_content, content[:-MIB])
            self.assertEqual(before, self.harness.leftovers())
            server = self.harness.server
            snapshot = server.fact(server.vm(vm_uuid), "snapshot")
            self.assertFalse(snapshot and snapshot.rootSnapshotList)

    def test_a_guest_without_tools_is_not_brought_to_rest(self) -> None:
        vm_uuid = self.made()
        self.driver.start_vm(vm_uuid, StartRequest())
        request = ExportDiskRequest(
            disk_key=BLANK.key,
            sink_key="out",
            format=DiskFormat.RAW,
            consistency=Consistency.QUIESCED,
        )
        before = self.harness.leftovers()
        error = self.assertRaises(PeerUnreachable, self.driver.export_disk, vm_uuid, request)
        self.assertIs(Resource.GUEST_AGENT, error.resource)
        self.assertEqual(before, self.harness.leftovers())

    def test_a_medium_is_a_cdrom_with_its_content(self) -> None:
        vm_uuid = self.made(BLANK, MEDIUM)
        iso = self.folder(vm_uuid) / "config-drive.iso"
        self.assertEqual(b"medium" * 500, iso.read_bytes())
        (cdrom,) = [d for d in self.hardware(vm_uuid) if isinstance(d, vim.vm.device.VirtualCdrom)]
        self.assertTrue(cdrom.backing.fileName.endswith(f"{vm_uuid}/config-drive.iso"))

    def test_media_and_disks_from_images_come_and_go(self) -> None:
        self.driver.cache_image(self.image())
        vm_uuid = self.made()
        before = self.harness.leftovers()
        for disk in (MEDIUM, replace(self.root(), boot_index=None)):
            for _ in range(2):
                self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=disk))
            self.assertNotEqual(before, self.harness.leftovers())
            self.driver.detach_disk(vm_uuid, DetachDiskRequest(key=disk.key))
            self.assertEqual(before, self.harness.leftovers())

    def test_what_a_crashed_attempt_left_is_not_in_the_way(self) -> None:
        vm_uuid = self.new_uuid()
        self.folder(vm_uuid).mkdir(parents=True)
        (self.folder(vm_uuid) / "data.vmdk").write_text("rubbish")
        self.driver.create_vm(vm_uuid, spec())
        other = self.new_uuid()
        self.folder(other).mkdir()
        self.driver.delete_vm(other, DeleteVmRequest())
        self.assertFalse(self.folder(other).exists())

    def test_an_abandoned_upload_is_removed_and_one_under_way_is_not(self) -> None:
        images = self.harness.server.datastore_folder / "nova-virt-nova" / "images"
        old, new = images / ".unfinished-image.1", images / ".unfinished-image.2"
        for folder in (old, new):
            folder.mkdir(parents=True)
            (folder / "1-flat.vmdk").touch()
        long_ago = time.time() - 86400
        os.utime(old / "1-flat.vmdk", (long_ago, long_ago))
        self.driver.cache_image(self.image())
        self.assertEqual([False, True], [old.exists(), new.exists()])
        (new / "1-flat.vmdk").unlink()
        new.rmdir()

    def test_the_console_log_is_the_end_of_the_serial_ports_file(self) -> None:
        vm_uuid = self.made()
        (port,) = [
            d for d in self.hardware(vm_uuid) if isinstance(d, vim.vm.device.VirtualSerialPort)
        ]
        (log,) = [home / "console.log" for home in self.folder(vm_uuid).iterdir() if home.is_dir()]
        self.assertEqual(self.harness.server.local_file(port.backing.fileName), log)
        log.write_bytes(b"")
        self.assertEqual(b"", self.driver.console_log(vm_uuid, 10))
        log.write_bytes(b"0123456789")
        self.assertEqual(b"6789", self.driver.console_log(vm_uuid, 4))
        self.assertEqual(b"0123456789", self.driver.console_log(vm_uuid, 100))
        self.assertEqual(b"", self.driver.console_log(vm_uuid, 0))


class TestVms(VcsimTestCase):
    """Networks, names and guests."""

    def test_standard_distributed_and_opaque_networks(self) -> None:
        networks = ("VM Network", "DC0_DVPG0", "DC0_NSX0")
        nics = [nic(name, number) for number, name in enumerate(networks, 1)]
        vm_uuid = self.made(nics=tuple(nics))
        cards = [
            d for d in self.hardware(vm_uuid) if isinstance(d, vim.vm.device.VirtualEthernetCard)
        ]
        kinds = vim.vm.device.VirtualEthernetCard
        self.assertIsInstance(cards[0].backing, kinds.NetworkBackingInfo)
        self.assertIsInstance(cards[1].backing, kinds.DistributedVirtualPortBackingInfo)
        # The server turns an opaque network into the port group that it stands for.
        server = self.harness.server
        group = vim.dvs.DistributedVirtualPortgroup(cards[2].backing.port.portgroupKey)
        self.assertEqual("DC0_NSXPG0", server.fact(group, "name"))
        self.driver.detach_nic(vm_uuid, DetachNicRequest(key="nic-3"))
        self.driver.attach_nic(vm_uuid, AttachNicRequest(nic=nics[2]))

    def test_an_unknown_network_is_not_found_and_nothing_is_made(self) -> None:
        before = self.harness.leftovers()
        wrong = spec(nics=(nic("nowhere"),))
        error = self.assertRaises(NotFound, self.driver.create_vm, self.new_uuid(), wrong)
        self.assertEqual((Resource.NETWORK, "nowhere"), (error.resource, error.name))
        self.assertEqual(before, self.harness.leftovers())

    def test_what_comes_later_may_be_booted_first(self) -> None:
        vm_uuid = self.made(replace(BLANK, boot_index=1))
        first = replace(BLANK, key="first", boot_index=0)

        def order() -> list[str]:
            server = self.harness.server
            names = {
                d.key: d.backing.fileName
                for d in self.hardware(vm_uuid)
                if isinstance(d, vim.vm.device.VirtualDisk)
            }
            boot = server.fact(server.vm(vm_uuid), "config.bootOptions").bootOrder
            return [names[entry.deviceKey].rpartition("/")[2] for entry in boot]

        for _ in range(2):
            self.driver.attach_disk(vm_uuid, AttachDiskRequest(disk=first))
            self.assertEqual(["first.vmdk", "data.vmdk"], order())
        self.driver.detach_disk(vm_uuid, DetachDiskRequest(key="first"))
        self.assertEqual(["data.vmdk"], order())

    def test_a_disk_that_was_set_aside_is_not_overwritten(self) -> None:
        vm_uuid = self.made(BLANK, replace(BLANK, key="old"))
        self.driver.resize_vm(vm_uuid, ResizeVmRequest(spec=spec(BLANK)))
        flat = self.folder(vm_uuid) / "old-flat.vmdk"
        flat.write_bytes(b"kept")
        again = AttachDiskRequest(disk=replace(BLANK, key="old"))
        self.assertRaises(Conflict, self.driver.attach_disk, vm_uuid, again)
        self.assertEqual(b"kept", flat.read_bytes())
        self.driver.revert_resize(vm_uuid, RevertResizeRequest())
        self.assertEqual({"data", "old"}, set(self.driver.get_vm(vm_uuid).disk_keys or ()))

    def test_a_disk_is_on_the_bus_that_is_asked_for(self) -> None:
        kind = vim.vm.device
        for bus, controller in (
            (DiskBus.IDE, kind.VirtualIDEController),
            (DiskBus.SATA, kind.VirtualAHCIController),
            (DiskBus.NVME, kind.VirtualNVMEController),
            (DiskBus.SCSI, kind.VirtualLsiLogicController),
            (None, kind.ParaVirtualSCSIController),
        ):
            vm_uuid = self.made(replace(BLANK, bus=bus))
            hardware = self.hardware(vm_uuid)
            disk = next(d for d in hardware if isinstance(d, kind.VirtualDisk))
            on = next(d for d in hardware if d.key == disk.controllerKey)
            self.assertIs(controller, type(on))

    def test_disks_on_ide_come_and_go_while_the_vm_is_off(self) -> None:
        disk = AttachDiskRequest(disk=replace(BLANK, key="extra", bus=DiskBus.IDE))
        vm_uuid = self.made(replace(BLANK, bus=DiskBus.IDE))
        self.driver.start_vm(vm_uuid, StartRequest())
        self.assertRaises(InvalidState, self.driver.attach_disk, vm_uuid, disk)
        self.driver.stop_vm(vm_uuid, StopRequest())
        self.driver.attach_disk(vm_uuid, disk)
        third = AttachDiskRequest(disk=replace(BLANK, key="third", bus=DiskBus.IDE))
        self.assertRaises(Unsupported, self.driver.attach_disk, vm_uuid, third)
        gone = DetachDiskRequest(key="extra")
        self.driver.start_vm(vm_uuid, StartRequest())
        self.assertRaises(InvalidState, self.driver.detach_disk, vm_uuid, gone)
        self.driver.stop_vm(vm_uuid, StopRequest())
        self.driver.detach_disk(vm_uuid, gone)

    def test_disks_on_two_scsi_buses_have_controllers_of_two_numbers(self) -> None:
        other = replace(BLANK, key="other", bus=DiskBus.SCSI)
        vm_uuid = self.made(BLANK, other, replace(BLANK, key="nvme", bus=DiskBus.NVME))
        numbers = [
            device.busNumber
            for device in self.hardware(vm_uuid)
            if isinstance(device, vim.vm.device.VirtualSCSIController)
        ]
        self.assertEqual([0, 1], sorted(numbers))

    def test_a_detached_nic_is_gone(self) -> None:
        vm_uuid = self.made()
        before = len(self.hardware(vm_uuid))
        self.driver.attach_nic(vm_uuid, AttachNicRequest(nic=nic()))
        self.assertEqual(before + 1, len(self.hardware(vm_uuid)))
        self.driver.detach_nic(vm_uuid, DetachNicRequest(key="nic-1"))
        self.assertEqual(before, len(self.hardware(vm_uuid)))

    def test_an_operators_name_is_the_label(self) -> None:
        vm_uuid = self.made(name="label/1")
        self.assertEqual("label/1", self.driver.get_vm(vm_uuid).name)
        self.harness.rename_vm(vm_uuid, "by hand")
        self.assertEqual("by hand", self.driver.get_vm(vm_uuid).name)

    def test_what_was_told_too_late_does_no_harm(self) -> None:
        vm_uuid, driver = self.made(), self.driver
        deaf: Any = self.connect()

        def late(state: PowerState) -> None:
            """The other connection is told nothing that comes after this state."""
            give_up = time.monotonic() + 30.0
            while True:
                found = Vms.told(deaf._vms, vm_uuid)
                if found is not None and translate.power_state(found.facts) is state:
                    break
                self.assertLess(time.monotonic(), give_up)
                time.sleep(0.02)
            self.patch(deaf._vms, "told", lambda _: found)

        suspend = SuspendRequest()
        late(PowerState.STOPPED)
        driver.start_vm(vm_uuid, StartRequest())
        deaf.start_vm(vm_uuid, StartRequest())
        late(PowerState.RUNNING)
        driver.stop_vm(vm_uuid, StopRequest())
        self.assertRaises(InvalidState, deaf.suspend_vm, vm_uuid, suspend)
        self.assertRaises(InvalidState, deaf.trigger_crash_dump, vm_uuid, CrashDumpRequest())
        deaf.stop_vm(vm_uuid, StopRequest())
        deaf.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=5.0))
        self.assertEqual(PowerState.STOPPED, driver.get_vm(vm_uuid).power_state)
        deaf.start_vm(vm_uuid, StartRequest())
        self.assertEqual(PowerState.RUNNING, driver.get_vm(vm_uuid).power_state)
        driver.delete_vm(vm_uuid, DeleteVmRequest())
        for operation in (
            partial(deaf.stop_vm, vm_uuid, StopRequest()),
            partial(deaf.stop_vm, vm_uuid, StopRequest(graceful_timeout_seconds=5.0)),
            partial(deaf.suspend_vm, vm_uuid, suspend),
            partial(deaf.start_vm, vm_uuid, StartRequest()),
        ):
            self.assertRaises(NotFound, operation)

    def test_a_guest_with_tools_shuts_itself_down(self) -> None:
        vm_uuid = self.made()
        self.driver.start_vm(vm_uuid, StartRequest())
        server = self.harness.server
        tools = vim.option.OptionValue(
            key="SET.guest.toolsRunningStatus", value="guestToolsRunning"
        )
        server.wait(server.vm(vm_uuid).ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[tools])))
        self.driver.stop_vm(vm_uuid, StopRequest(graceful_timeout_seconds=30.0))
        (log,) = [path.read_text() for path in self.folder(vm_uuid).glob("*/vmware.log")]
        self.assertNotIn("requesting poweredOff", log)
        self.assertEqual(PowerState.STOPPED, self.driver.get_vm(vm_uuid).power_state)
