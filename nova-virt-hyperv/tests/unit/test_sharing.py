"""Connections to the host: one user each, and those that the host has closed are not used again."""

from __future__ import annotations

from typing import Any

import testtools
from nova_virt_interface.errors import HostUnreachable
from nova_virt_interface.testing.harness import finished, started

from nova_virt_hyperv.files import DISKS, Files
from nova_virt_hyperv.pool import Pool
from nova_virt_hyperv.session import Session

from .backend import MIB, BackendTestCase, medium
from .test_connection import PlainHarness


class TestPool(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.made: list[int] = []
        self.ended: list[int] = []
        self.dead: set[int] = set()
        self.pool: Pool[int] = Pool(self.make, self.ended.append, lambda n: n not in self.dead)

    def make(self) -> int:
        self.made.append(len(self.made))
        return self.made[-1]

    def test_one_user_at_a_time(self) -> None:
        self.assertEqual([0, 1], [self.pool.take(), self.pool.take()])
        self.pool.give_back(1)
        self.assertEqual([1, 2], [self.pool.take(), self.pool.take()])

    def test_what_died_idle_is_not_lent(self) -> None:
        for client in [self.pool.take() for _ in range(3)]:
            self.pool.give_back(client)
        self.dead = {1, 2}
        self.assertEqual(0, self.pool.take())
        self.assertEqual([2, 1], self.ended)

    def test_what_broke_is_not_lent_again(self) -> None:
        self.pool.throw_away(self.pool.take())
        self.assertEqual(([0], 1), (self.ended, self.pool.take()))

    def test_closing_ends_all_in_the_end(self) -> None:
        used, idle = self.pool.take(), self.pool.take()
        self.pool.give_back(idle)
        self.pool.close()
        self.assertEqual([idle], self.ended)
        self.pool.give_back(used)
        self.assertEqual([idle, used], self.ended)
        self.assertRaises(HostUnreachable, self.pool.take)


class TestFiles(BackendTestCase):
    def files(self) -> Files:
        found = Files(self.harness.settings())
        self.addCleanup(found.close)
        return found

    def test_a_large_file_arrives_whole(self) -> None:
        content = bytes(9 * MIB)
        files = self.files()
        with files.new(DISKS, "large") as file:
            file.write(content)
        self.addCleanup(files.remove, DISKS, "large")
        self.assertEqual([len(content)], [found.size_bytes for found in files.files(DISKS)])

    def test_a_large_medium_arrives_whole(self) -> None:
        self.made(disks=(medium(bytes(9 * MIB)),))
        self.assertEqual([9 * MIB], [found.size_bytes for found in self.files().files(DISKS)])

    def test_an_upload_that_waits_for_the_host_is_in_nobodys_way(self) -> None:
        files = self.files()
        with files.new(DISKS, "slow") as file:
            self.addCleanup(files.remove, DISKS, "slow")
            # As if the host had not answered what this upload has sent so far.
            raw: Any = getattr(file, "raw", file)
            window = raw.fd.connection.sequence_window
            free = window["high"] - window["low"]
            window["high"] -= free
            try:
                self.assertEqual(["slow"], [found.name for found in files.files(DISKS)])
            finally:
                window["high"] += free


class TestIdleClients(BackendTestCase):
    """Windows closes idle connections after two minutes, and all when its service restarts."""

    def check(self, harness: Any, connection: Any) -> None:
        """A call does not notice that the host has closed the connection."""
        connection.list_vms()
        harness.control("outage", away=True)
        harness.control("outage", away=False)
        self.assertEqual((), connection.list_vms())

    def test_over_tls(self) -> None:
        self.check(self.harness, self.hypervisor)

    def test_with_encrypted_messages(self) -> None:
        harness: Any = started(PlainHarness)
        self.addCleanup(finished, PlainHarness)
        connection = harness.factory().connect(harness.settings(), self.services)
        self.addCleanup(connection.close)
        self.check(harness, connection)

    def test_a_client_that_was_never_used_is_kept(self) -> None:
        session = Session(self.harness.settings())
        self.addCleanup(session.close)
        with session.exchange() as client:
            pass
        with session.exchange() as again:
            self.assertIs(client, again)
