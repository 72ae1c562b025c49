"""A private vcsim with a certificate of its own, and an operator's hand on it."""

from __future__ import annotations

import os
import queue
import secrets
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from nova_virt_interface.testing.harness import BackendUnavailable
from pyVmomi import SoapStubAdapter, vim, vmodl

from nova_virt_vmware.testing.vcsim import executable

__all__ = ["Server", "program"]

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_HOSTS = 2


class Server:
    """One vcsim process; `start` and `stop` it."""

    username = "operator"

    def __init__(self, *, esx: bool = False) -> None:
        self._esx = esx
        self.password = secrets.token_urlsafe()
        self._folder = tempfile.TemporaryDirectory(prefix="nova-virt-vmware-")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def folder(self) -> Path:
        """A folder for files of the run; `stop` removes it."""
        return Path(self._folder.name)

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the server's."""
        return self.folder / "ca.pem"

    def start(self) -> None:
        """Start it on a free loopback port; raises BackendUnavailable."""
        self._make_certificates()
        command = [str(executable()), "-hosts", str(_HOSTS), "-username", self.username]
        command += ["-certificate", str(self.folder / "server.pem")]
        command += ["-key", str(self.folder / "server.key")]
        if self._esx:
            command.append("-esx")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # It keeps its datastores in the folder for temporary files.
                env=os.environ | {"VCSIM_PASSWORD": self.password, "TMPDIR": self._folder.name},
            )
        self.port = int(self._first_line().rpartition(":")[2])
        self._log_in()

    @property
    def _log(self) -> Path:
        return self.folder / "vcsim.log"

    def _first_line(self) -> str:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        output = self._process.stdout if self._process else None
        if output is None:
            raise BackendUnavailable("vcsim was not started")
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=_START_SECONDS).strip()
        except queue.Empty:
            line = ""
        if not line.startswith("serving "):
            raise BackendUnavailable(f"vcsim did not start: {self._last_words()}")
        return line

    def require_alive(self) -> None:
        """Raise BackendUnavailable with vcsim's last words if it has crashed."""
        if self._process is None or self._process.poll() is not None:
            raise BackendUnavailable(f"vcsim has ended: {self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[:2000].strip() if self._log.exists() else ""

    def stop(self) -> None:
        """End it and remove its files. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            # It ends with its standard input, so that it does not outlive a killed test either.
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    def _make_certificates(self) -> None:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for name, extension in (("ca", "CA:TRUE"), ("server", "CA:FALSE")):
            command = ["req", "-x509", "-days", "2", *key, "-subj", f"/CN=vcsim {name}"]
            command += ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
            command += ["-addext", f"basicConstraints=critical,{extension}"]
            if name == "server":
                command += ["-CA", "ca.pem", "-CAkey", "ca.key"]
                command += ["-addext", "subjectAltName=IP:127.0.0.1"]
            self.tool("openssl", *command)

    def tool(self, name: str, *arguments: str) -> None:
        """Run a program in the folder; raises BackendUnavailable."""
        done = subprocess.run(
            [program(name), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BackendUnavailable(f"{name} {arguments[0]} failed: {done.stderr.strip()}")

    def _log_in(self) -> None:
        stub = SoapStubAdapter(
            host="127.0.0.1",
            port=self.port,
            version="vim.version.v7_0",
            sslContext=ssl.create_default_context(cafile=str(self.ca_file)),
        )
        instance = vim.ServiceInstance("ServiceInstance", stub)
        self.content = instance.RetrieveContent()
        self.session = self.content.sessionManager.Login(self.username, self.password, None)
        self.datacenter = self.content.rootFolder.childEntity[0]
        children = self.datacenter.hostFolder.childEntity
        kind = vim.ComputeResource if self._esx else vim.ClusterComputeResource
        clusters = [child for child in children if isinstance(child, kind)]
        clusters.sort(key=lambda cluster: cluster.name)
        self.cluster, self.second_cluster = clusters[0], clusters[-1]
        datastores = sorted(self.cluster.datastore, key=lambda datastore: datastore.name)
        self.datastore, self.second_datastore = datastores[0], datastores[-1]
        self.datastore_folder = Path(self.datastore.info.url)
        self._folders = {store.name: Path(store.info.url) for store in datastores}
        if not self._esx:
            self._make_key_provider()

    def _make_key_provider(self) -> None:
        """What encrypts the state of TPMs."""
        provider = vim.encryption.KeyProviderId(id="keys")
        self.content.cryptoManager.RegisterKmsCluster(provider, "nativeProvider")
        self.content.cryptoManager.MarkDefault(provider)

    def vm(self, vm_uuid: UUID, cluster: str = "") -> Any:
        """The VM of this uuid, or None; of several, that of the cluster of this name."""
        index = self.content.searchIndex
        found = [
            vm
            for by_vcenter in (False, True)
            for vm in index.FindAllByUuid(self.datacenter, str(vm_uuid), True, by_vcenter)
        ]
        at = [vm for vm in found if len(found) > 1 and self.cluster_of(vm) == cluster]
        return next(iter((*at, *found)), None)

    def cluster_of(self, vm: Any) -> str:
        """The name of the cluster that a VM is in."""
        owner = self.fact(self.fact(vm, "resourcePool"), "owner")
        return str(self.fact(owner, "name"))

    def vm_names(self) -> list[str]:
        """The names of all VMs, with the clusters that they are in."""
        vms = self.datacenter.vmFolder.childEntity
        return [f"{vm.name} in {self.cluster_of(vm)}" for vm in vms]

    @contextmanager
    def fast_moves(self) -> Iterator[None]:
        """Inside, a running VM moves at once."""
        pace = self.folder / "pace"
        pace.write_text("1")
        try:
            yield
        finally:
            pace.unlink(missing_ok=True)

    def slow_moves(self) -> None:
        """From now on, inside of `fast_moves`, a running VM takes its time."""
        (self.folder / "pace").unlink()

    @contextmanager
    def hosts_lost(self) -> Iterator[None]:
        """Inside, the vCenter does not reach the hosts of the first cluster."""
        for host in self.cluster.host:
            self.wait(host.DisconnectHost_Task())
        try:
            yield
        finally:
            for host in self.cluster.host:
                self.wait(host.ReconnectHost_Task())

    def local_file(self, name: str) -> Path:
        """The file of this machine that stands for one on a datastore."""
        store, _, path = name.removeprefix("[").partition("] ")
        return self._folders[store] / path

    def sessions(self) -> list[str]:
        """The keys of all logins but our own."""
        keys = [session.key for session in self.content.sessionManager.sessionList]
        return [key for key in keys if key != self.session.key]

    def datastores(self) -> list[Any]:
        """All datastores of the compute node."""
        return list(self.fact(self.cluster, "datastore") or ())

    def extent(self, disk: str) -> Path:
        """The file with the content of a disk, which vSphere names so."""
        name, _, path = disk.removeprefix("[").partition("] ")
        store = next(store for store in self.datastores() if self.fact(store, "name") == name)
        folder = Path(self.fact(store, "info").url)
        return folder / f"{path.removesuffix('.vmdk')}-flat.vmdk"

    def hosts(self) -> list[Any]:
        """The compute node's hosts."""
        return list(self.fact(self.cluster, "host"))

    def files(self) -> list[str]:
        """All files and folders on the datastores, those of the second with its name."""
        return sorted(
            ("" if folder == self.datastore_folder else f"{name}:") + str(path.relative_to(folder))
            for name, folder in self._folders.items()
            for path in folder.rglob("*")
        )

    def make_vm(
        self, name: str, vm_uuid: UUID, disk_bytes: int = 0, marks: Sequence[Any] = ()
    ) -> Any:
        """Make a VM that bears no mark of the driver's, or these."""
        devices = vim.vm.device
        store = self.datastore.name
        add = devices.VirtualDeviceSpec.Operation.add
        spec = vim.vm.ConfigSpec(
            name=name,
            instanceUuid=str(vm_uuid),
            guestId="otherGuest64",
            extraConfig=list(marks),
            numCPUs=1,
            memoryMB=32,
            files=vim.vm.FileInfo(vmPathName=f"[{store}] {name}/{name}.vmx"),
        )
        if disk_bytes:
            bus = devices.VirtualLsiLogicController(key=-1, busNumber=0, sharedBus="noSharing")
            backing = devices.VirtualDisk.FlatVer2BackingInfo(
                fileName=f"[{store}] {name}/{name}.vmdk", diskMode="persistent"
            )
            disk = devices.VirtualDisk(
                key=-2,
                controllerKey=-1,
                unitNumber=0,
                capacityInBytes=disk_bytes,
                capacityInKB=disk_bytes // 1024,
                backing=backing,
            )
            spec.deviceChange = [
                devices.VirtualDeviceSpec(operation=add, device=bus),
                devices.VirtualDeviceSpec(operation=add, device=disk, fileOperation="create"),
            ]
        folder = self.datacenter.vmFolder
        return self.wait(folder.CreateVM_Task(spec, self.cluster.resourcePool, None))

    def destroy(self, vm: Any) -> None:
        """Delete a VM that is off."""
        self.wait(vm.Destroy_Task())

    def wait(self, task: Any) -> Any:
        """The result of a task; raises its fault."""
        states = vim.TaskInfo.State
        while (state := self._state(task)) not in (states.success, states.error):
            self.require_alive()
            time.sleep(0.01)
        if state == states.error:
            raise self.fact(task, "info.error")
        return self.fact(task, "info.result")

    def _state(self, task: Any) -> Any:
        return self.fact(task, "info.state")

    def fact(self, managed: Any, path: str) -> Any:
        """A property of a managed object, or None. pyvmomi 9.1's own attributes lack some."""
        query = vmodl.query.PropertyCollector
        spec = query.FilterSpec(
            objectSet=[query.ObjectSpec(obj=managed)],
            propSet=[query.PropertySpec(type=type(managed), pathSet=[path])],
        )
        found = self.content.propertyCollector.RetrieveContents([spec])[0].propSet
        return found[0].val if found else None


def program(name: str) -> str:
    """Where a program is; raises BackendUnavailable naming it and its package."""
    packages = {"openssl": "openssl", "qemu-img": "qemu-utils"}
    path = shutil.which(name)
    if path is None:
        raise BackendUnavailable(f"{name} is missing: install package {packages[name]}")
    return path
