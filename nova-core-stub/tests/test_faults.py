"""Every call to the hypervisor fails once before and once after it took effect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import fixtures
import testtools
from instances import IMAGE, PORT, Intercepted, ReferenceHost, spawn_request
from nova_virt_interface.errors import HostUnreachable, VirtError
from nova_virt_interface.values.instances import (
    AttachInterfaceRequest,
    DestroyRequest,
    DetachInterfaceRequest,
    PowerOffRequest,
    PowerOnRequest,
)
from nova_virt_interface.values.power import RebootKind, RebootRequest

from nova_core_stub.library_driver.driver import LibraryDriver

Operation = Callable[[LibraryDriver, UUID], Any]

OPERATIONS: dict[str, Operation] = {
    "destroy": lambda driver, uuid: driver.destroy(uuid, DestroyRequest()),
    "power_on": lambda driver, uuid: driver.power_on(uuid, PowerOnRequest()),
    "power_off": lambda driver, uuid: driver.power_off(uuid, PowerOffRequest()),
    "reboot": lambda driver, uuid: driver.reboot(uuid, RebootRequest(kind=RebootKind.SOFT)),
    "attach": lambda driver, uuid: driver.attach_interface(uuid, AttachInterfaceRequest(port=PORT)),
    "detach": lambda driver, uuid: driver.detach_interface(
        uuid, DetachInterfaceRequest(port_id=PORT.port_id)
    ),
    "cache_image": lambda driver, uuid: driver.cache_image(IMAGE),
}


class Faults:
    """Counts the calls to a hypervisor and breaks those that it is told to break."""

    def __init__(self, plan: dict[int, bool]) -> None:
        self._plan = plan
        self.calls: list[str] = []

    def __call__(self, name: str, proceed: Callable[[], Any]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        if self._plan.get(number) is False:
            raise HostUnreachable("lost before")
        if number not in self._plan:
            return proceed()
        # Whatever the answer was, it does not arrive.
        with contextlib.suppress(VirtError):
            proceed()
        raise HostUnreachable("lost after", may_have_been_done=True)


def plans(calls: int) -> Iterator[dict[int, bool]]:
    """One fault, or two, before (False) or after (True) the calls of these numbers took effect."""
    for first in range(calls):
        for effect in (False, True):
            yield {first: effect}
            yield from ({first: effect, first + 1: second} for second in (False, True))


class FaultsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())

    def one(self, plan: dict[int, bool]) -> tuple[ReferenceHost, LibraryDriver, Faults]:
        reference = self.useFixture(ReferenceHost())
        faults = Faults(plan)
        return reference, LibraryDriver(Intercepted(reference.hypervisor, faults)), faults

    def test_spawn(self) -> None:
        _, driver, faults = self.one({})
        driver.spawn(uuid4(), spawn_request())
        expected = ["describe", "get_vm", "cache_image", "create_vm", "start_vm"]
        self.assertEqual(expected, faults.calls)
        seen: set[str] = set()
        for plan in plans(len(expected)):
            seen |= self.broken_spawn(plan)
        self.assertEqual({"nothing left", "undone by destroy", "done by repeat"}, seen)

    def broken_spawn(self, plan: dict[int, bool]) -> set[str]:
        """Break one spawn; returns what became of it."""
        reference, driver, _ = self.one(plan)
        uuid = uuid4()
        error: VirtError = self.assertRaises(HostUnreachable, driver.spawn, uuid, spawn_request())
        left = reference.host.vms()
        if not error.may_have_been_done:
            self.assertEqual([], left, f"{plan}: something is left that the error does not admit")
        sound = LibraryDriver(reference.hypervisor)
        sound.spawn(uuid, spawn_request())
        self.assertEqual(["running"], [vm.state for vm in reference.host.vms()], str(plan))
        sound.destroy(uuid, DestroyRequest())
        self.assertEqual([], reference.host.vms(), str(plan))
        if not left:
            return {"nothing left"}
        return {"done by repeat"} | self.destroyed_after_broken_spawn(plan)

    def destroyed_after_broken_spawn(self, plan: dict[int, bool]) -> set[str]:
        reference, driver, _ = self.one(plan)
        uuid = uuid4()
        self.assertRaises(HostUnreachable, driver.spawn, uuid, spawn_request())
        LibraryDriver(reference.hypervisor).destroy(uuid, DestroyRequest())
        self.assertEqual([], reference.host.vms(), str(plan))
        return {"undone by destroy"}

    def test_every_other_operation_can_be_repeated(self) -> None:
        for name, operation in OPERATIONS.items():
            for effect in (False, True):
                wanted = self.after(operation, {})
                broken = self.after(operation, {0: effect})
                self.assertEqual(wanted, broken, f"{name}, fault after the effect: {effect}")

    def after(self, operation: Operation, plan: dict[int, bool]) -> list[tuple[str, list[str]]]:
        """The host's VMs after an operation that was repeated if it failed."""
        reference, driver, _ = self.one(plan)
        uuid = uuid4()
        LibraryDriver(reference.hypervisor).spawn(uuid, spawn_request(ports=()))
        if plan:
            self.assertRaises(HostUnreachable, operation, driver, uuid)
        operation(driver, uuid)
        return [(vm.state, list(vm.nics)) for vm in reference.host.vms()]
