"""What guests are asked by their agents."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from fixtures import FakeLogger

from nova_virt_interface.errors import InvalidState, NotFound, PeerUnreachable, Resource
from nova_virt_interface.hypervisor.guest import IGuestPassword, IGuestQuiesce, IGuestTime
from nova_virt_interface.secret import Secret
from nova_virt_interface.testing.case import rules
from nova_virt_interface.testing.suite._mixins import HypervisorMixin
from nova_virt_interface.values.guest import (
    GuestPasswordRequest,
    QuiesceRequest,
    SyncTimeRequest,
    UnquiesceRequest,
)
from nova_virt_interface.values.guest_settings import GuestSettings, VmFeature
from nova_virt_interface.values.power import PowerState

__all__ = ["GuestSuite"]

_PASSWORD = "correct-horse-battery"  # noqa: S105 - a test looks for it where it must not be
_HOSTILE = b"a\"b'c\\ $(reboot);`x`\t\xc3\xa4"
_QUIESCE = QuiesceRequest(timeout_seconds=5.0)


def _password(content: str | bytes = _PASSWORD, user: str = "root") -> GuestPasswordRequest:
    return GuestPasswordRequest(user=user, password=Secret(content))


class GuestSuite(HypervisorMixin):
    """set_guest_password, quiesce_guest, unquiesce_guest, sync_guest_time."""

    def _settings(self) -> GuestSettings:
        """With a channel for the agent, where the host wants to be asked for one."""
        wanted = VmFeature.GUEST_AGENT in self.hypervisor.describe().features
        return GuestSettings(guest_agent=wanted)

    def _with_agent(self) -> UUID:
        self.harness.require_agent()
        return self.booted(settings=self._settings())

    def _calls(self) -> list[tuple[str, Any]]:
        """Everything that asks a guest, as far as it is provided."""
        calls: dict[Any, list[tuple[str, Any]]] = {
            IGuestPassword: [("set_guest_password", _password())],
            IGuestQuiesce: [("quiesce_guest", _QUIESCE), ("unquiesce_guest", UnquiesceRequest())],
            IGuestTime: [("sync_guest_time", SyncTimeRequest())],
        }
        found: list[tuple[str, Any]] = []
        for interface, some in calls.items():
            if interface.providedBy(self.tracker.connection):
                found += some
        if not found:
            self.requires(*calls)
        return found

    @rules("GST-1")
    def test_a_guest_without_an_agent_cannot_be_reached(self) -> None:
        calls = self._calls()
        for settings in (GuestSettings(), self._settings()):
            vm_uuid = self.running(settings=settings)
            for method, request in calls:
                with self.refused(PeerUnreachable, Resource.GUEST_AGENT) as caught:
                    getattr(self.hypervisor, method)(vm_uuid, request)
                self.assertTrue(caught.error.remedy, method)
                self.assertFalse(caught.error.may_have_been_done, method)
            self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("GST-1")
    def test_a_guest_that_does_not_run_is_not_asked(self) -> None:
        calls = self._calls()
        vm_uuid = self.made(settings=self._settings())
        for method, request in calls:
            with self.refused(InvalidState) as caught:
                getattr(self.hypervisor, method)(vm_uuid, request)
            self.assertEqual(PowerState.STOPPED.value, caught.error.state)

    @rules("ID-2")
    def test_guests_that_are_not_ours_are_not_found(self) -> None:
        calls, foreign = self._calls(), self.new_uuid()
        with self.harness.foreign_vm(foreign):
            for method, request in calls:
                for vm_uuid in (foreign, self.new_uuid()):
                    with self.refused(NotFound, Resource.VM):
                        getattr(self.hypervisor, method)(vm_uuid, request)

    @rules("GST-1")
    def test_an_agent_that_hangs_is_unreachable(self) -> None:
        calls = self._calls()
        vm_uuid = self._with_agent()
        with self.harness.hanging_agent(vm_uuid):
            for method, request in calls:
                with self.refused(PeerUnreachable, Resource.GUEST_AGENT):
                    getattr(self.hypervisor, method)(vm_uuid, request)

    @rules("GST-2")
    def test_a_guest_that_may_be_at_rest_after_an_error_is_said_to_be(self) -> None:
        self.requires(IGuestQuiesce)
        vm_uuid = self._with_agent()
        with self.harness.hanging_agent(vm_uuid):
            with self.refused(PeerUnreachable, Resource.GUEST_AGENT) as caught:
                self.hypervisor.quiesce_guest(vm_uuid, _QUIESCE)
            if not caught.error.may_have_been_done:
                self.assertFalse(self.harness.is_at_rest(vm_uuid))
        self.hypervisor.unquiesce_guest(vm_uuid, UnquiesceRequest())
        self.assertFalse(self.harness.is_at_rest(vm_uuid))

    @rules("SEC-1", "SEC-2", "REP-1")
    def test_a_guest_takes_a_password_and_nobody_else_learns_it(self) -> None:
        self.requires(IGuestPassword)
        vm_uuid = self._with_agent()
        logger = self.useFixture(FakeLogger(level=logging.DEBUG))
        for _ in range(2):
            self.hypervisor.set_guest_password(vm_uuid, _password())
            self.assertEqual(_PASSWORD.encode(), self.harness.guest_password(vm_uuid, "root"))
        with self.refused(NotFound, Resource.GUEST_USER) as caught:
            self.hypervisor.set_guest_password(vm_uuid, _password(user="nobody-of-this-name"))
        told = f"{caught.error} {caught.error.detail} {caught.error.__cause__!r} {logger.output}"
        self.assertNotIn(_PASSWORD, told)

    def test_a_password_arrives_as_it_is(self) -> None:
        self.requires(IGuestPassword)
        vm_uuid = self._with_agent()
        self.hypervisor.set_guest_password(vm_uuid, _password(_HOSTILE))
        self.assertEqual(_HOSTILE, self.harness.guest_password(vm_uuid, "root"))
        with self.refused(NotFound, Resource.GUEST_USER):
            self.hypervisor.set_guest_password(vm_uuid, _password(user="root; poweroff"))
        self.assert_state(vm_uuid, PowerState.RUNNING)

    @rules("GST-2", "REP-1")
    def test_a_guest_comes_to_rest_and_writes_again(self) -> None:
        self.requires(IGuestQuiesce)
        vm_uuid = self._with_agent()
        self.hypervisor.unquiesce_guest(vm_uuid, UnquiesceRequest())
        for _ in range(2):
            self.hypervisor.quiesce_guest(vm_uuid, _QUIESCE)
            self.assertTrue(self.harness.is_at_rest(vm_uuid))
        for _ in range(2):
            self.hypervisor.unquiesce_guest(vm_uuid, UnquiesceRequest())
            self.assertFalse(self.harness.is_at_rest(vm_uuid))

    def test_a_guests_clock_is_set_to_the_hosts(self) -> None:
        self.requires(IGuestTime)
        vm_uuid = self._with_agent()
        self.harness.set_guest_clock_offset(vm_uuid, -86400.0)
        for _ in range(2):
            self.hypervisor.sync_guest_time(vm_uuid, SyncTimeRequest())
            self.assertLess(abs(self.harness.guest_clock_offset_seconds(vm_uuid)), 60.0)
