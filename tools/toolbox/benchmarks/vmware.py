"""What the VMware driver costs beside pyvmomi itself: the states of a thousand VMs in vcsim, asked
for, and as the server has told them; and the memory of a process that does both.
"""

import multiprocessing
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_vmware import translate
from nova_virt_vmware.conf import Settings
from nova_virt_vmware.hypervisor import VmwareFactory
from nova_virt_vmware.testing.harness import VcsimHarness
from pyVmomi import SoapStubAdapter, vim, vmodl

from toolbox.bench import parse
from toolbox.benchmarks.timing import Row, Timed, measure, write

__all__ = ["main"]

_VMS = 1000
_AT_ONCE = 4
_PATIENCE_SECONDS = 120.0
_NO_QUESTION_SECONDS = 0.001
_MIB = 1024**2
_query = vmodl.query.PropertyCollector


def main(arguments: list[str]) -> int:
    """Measure all rows and tell them; the memory goes to standard error."""
    options = parse(arguments)
    harness = VcsimHarness()
    harness.start()
    try:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda number: _make(harness, number), range(_VMS)))
        write(_rows(harness, options.rounds), options.format)
        _tell_memory(harness)
    finally:
        harness.stop()
    return 0


def _make(harness: VcsimHarness, number: int) -> None:
    """A VM that bears the driver's marks, and has nothing."""
    server, vm_uuid, name = harness.server, str(uuid4()), f"vm-{number}"
    marks = {translate.OWNER: harness.settings().owner, translate.NAME: name}
    spec = vim.vm.ConfigSpec(
        name=f"{name}_{vm_uuid}",
        uuid=vm_uuid,
        instanceUuid=vm_uuid,
        guestId="otherGuest64",
        numCPUs=1,
        memoryMB=32,
        files=vim.vm.FileInfo(vmPathName=f"[{server.datastore.name}] {name}/{name}.vmx"),
        extraConfig=[vim.option.OptionValue(key=key, value=text) for key, text in marks.items()],
    )
    pool = server.cluster.resourcePool
    server.wait(server.datacenter.vmFolder.CreateVM_Task(spec, pool, None))


def _rows(harness: VcsimHarness, rounds: int) -> list[Timed]:
    settings, services = _settings(harness), SuiteServices()
    asking: Any = harness.factory().connect(replace(settings, list_from_cache=False), services)
    told: Any = harness.factory().connect(settings, services)
    bare = _Bare(settings, harness.server.cluster.resourcePool._moId)
    try:
        _wait_told(told)
        peer = f"RetrievePropertiesEx, states of {_VMS} VMs"
        asked = f"states of {_VMS} VMs, asked for"
        return measure(
            [
                Row(peer, int, _calling(bare.states)),
                Row(asked, int, _calling(asking.list_vms), peer=peer),
                Row(f"states of {_VMS} VMs, as told", int, _calling(told.list_vms), peer=asked),
            ],
            rounds,
        )
    finally:
        bare.close()
        told.close()
        asking.close()


def _calling(ask: Callable[[], Any]) -> Callable[[object], object]:
    def call(_: object) -> None:
        found = len(ask())
        if found != _VMS:
            raise RuntimeError(f"{found} VMs instead of {_VMS}")

    return call


def _settings(harness: VcsimHarness) -> Settings:
    """Straight to the server: what the harness has in between is in this process."""
    return replace(harness.settings(), port=harness.server.port)


def _wait_told(driver: Any) -> None:
    """Wait until the list is not asked for any more."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up:
        began = time.perf_counter()
        driver.list_vms()
        if time.perf_counter() - began < _NO_QUESTION_SECONDS:
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not tell of its VMs")


class _Bare:
    """The same question by pyvmomi alone."""

    def __init__(self, settings: Settings, pool_id: str) -> None:
        self._stub = SoapStubAdapter(
            host=settings.host,
            port=settings.port,
            version="vim.version.version11",
            sslContext=ssl.create_default_context(cafile=settings.ca_file),
        )
        self._content = vim.ServiceInstance("ServiceInstance", self._stub).RetrieveContent()
        password = settings.password.reveal().decode()
        self._content.sessionManager.Login(settings.username, password, None)
        through = _query.TraversalSpec(type=vim.ResourcePool, path="vm", skip=False)
        pool = vim.ResourcePool(pool_id, self._stub)
        start = _query.ObjectSpec(obj=pool, skip=True, selectSet=[through])
        wanted = _query.PropertySpec(type=vim.VirtualMachine, pathSet=translate.STATE_PATHS)
        self._spec = _query.FilterSpec(objectSet=[start], propSet=[wanted])

    def states(self) -> list[Any]:
        """The properties as they come."""
        collector = self._content.propertyCollector
        found: list[Any] = collector.RetrievePropertiesEx(
            [self._spec], _query.RetrieveOptions()
        ).objects
        return found

    def close(self) -> None:
        """Log out."""
        self._content.sessionManager.Logout()
        self._stub.DropConnections()


def _tell_memory(harness: VcsimHarness) -> None:
    """In a process of its own, which has done nothing else."""
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    settings = _settings(harness)
    # A secret is not passed on by itself.
    named = {field.name: getattr(settings, field.name) for field in fields(settings)}
    named["password"] = settings.password.reveal()
    process = context.Process(target=_peak, args=(named, told))
    process.start()
    before, after = told.get()
    process.join()
    sys.stderr.write(f"peak memory of a process with {_VMS} VMs, asked for and told: ")
    sys.stderr.write(f"{after // _MIB} MiB, of which {before // _MIB} before it connects\n")


def _peak(named: dict[str, Any], told: Any) -> None:
    before = _resident()
    settings = Settings(**named | {"password": Secret(named["password"])})
    driver = VmwareFactory().connect(settings, SuiteServices())
    try:
        _wait_told(driver)
    finally:
        driver.close()
    told.put((before, _resident()))


def _resident() -> int:
    """The most that this process had in memory; `getrusage` tells of its parent's as well."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text().split("\n") if "VmHWM" in line
    )
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
