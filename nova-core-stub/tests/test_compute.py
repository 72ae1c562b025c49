from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import fixtures
import testtools
from distributions import FACTORY, Distribution
from instances import IMAGE, spawn_request
from nova_virt_interface.errors import (
    BackendError,
    HostUnreachable,
    IncompatibleContract,
    InvalidRequest,
    VirtError,
)
from nova_virt_interface.handshake import DRIVER_GROUP
from nova_virt_interface.hypervisor.lifecycle import IHypervisor
from nova_virt_interface.reference.guest import GUEST_IMAGE
from nova_virt_interface.version import CONTRACT_VERSION
from nova_virt_interface.virt_driver.lifecycle import IVirtDriver
from oslo_config import cfg
from zope.interface import providedBy
from zope.interface.verify import verifyObject

from nova_core_stub import compute
from nova_core_stub import conf as conf_
from nova_core_stub.image_store import ImageStore
from nova_core_stub.services import Services


class ComputeTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.folder = self.useFixture(fixtures.TempDir())
        with open(self.folder.join(IMAGE.image_id), "wb") as file:
            file.write(GUEST_IMAGE)

    def conf(self, text: str = "") -> cfg.ConfigOpts:
        path = self.folder.join("test.conf")
        with open(path, "w") as file:
            file.write(text)
        conf = cfg.ConfigOpts()
        conf_.register(conf)
        conf(["--config-file", path])
        return conf

    def services(self) -> Services:
        services = Services(ImageStore(self.folder.path))
        self.addCleanup(services.close)
        return services

    def test_both_roads_lead_to_an_instance(self) -> None:
        for driver, level in (("reference", IHypervisor), ("reference-direct", IVirtDriver)):
            group = f"host-{uuid4()}"
            conf = self.conf(f"[{group}]\ndriver = {driver}\n")
            with compute.opened(conf, group, self.services()) as opened:
                self.assertTrue(level.providedBy(opened.connection))
                for provider in (opened.driver, opened.connection):
                    for interface in providedBy(provider):
                        verifyObject(interface, provider)
                uuid = uuid4()
                opened.driver.spawn(uuid, spawn_request())
                self.assertEqual(uuid, opened.driver.get_info(uuid).instance_uuid)
            self.assertRaises(HostUnreachable, opened.driver.list_instances)

    def test_two_backends_of_one_kind_coexist(self) -> None:
        names = [f"host-{uuid4()}" for _ in range(2)]
        conf = self.conf("".join(f"[{name}]\ndriver = reference\n" for name in names))
        with (
            compute.opened(conf, names[0], self.services()) as one,
            compute.opened(conf, names[1], self.services()) as two,
        ):
            one.driver.spawn(uuid4(), spawn_request())
            self.assertEqual(1, len(one.driver.list_instances()))
            self.assertEqual(0, len(two.driver.list_instances()))

    def test_two_spawns_of_one_instance_take_turns(self) -> None:
        group = f"host-{uuid4()}"
        conf = self.conf(f"[{group}]\ndriver = reference\n")
        with compute.opened(conf, group, self.services()) as opened:
            uuid, start = uuid4(), threading.Barrier(4)

            def spawn() -> None:
                start.wait()
                opened.driver.spawn(uuid, spawn_request())

            with ThreadPoolExecutor(max_workers=4) as pool:
                for done in [pool.submit(spawn) for _ in range(4)]:
                    done.result()
            self.assertEqual(1, len(opened.driver.list_instances()))

    def broken(self, connection: str, kind: type[VirtError], reason: str) -> None:
        """A driver whose ``connect`` returns ``connection`` fails to open."""
        name = f"b{uuid4().hex}"
        source = FACTORY.format(connection=connection)
        entry = {f"{name}-{CONTRACT_VERSION}": f"{name}:Factory"}
        self.useFixture(Distribution(f"p-{name}", {DRIVER_GROUP: entry}, {name: source}))
        opened = compute.opened(self.conf(), name, self.services())
        error = self.assertRaises(kind, opened.__enter__)
        self.assertIn(reason, str(error))
        closed = getattr(sys.modules[name], "closed", True)
        self.assertTrue(closed)

    def test_a_driver_that_returns_no_connection(self) -> None:
        self.broken("None", BackendError, "neither IHypervisor nor IVirtDriver")

    def test_a_driver_that_promises_more_than_it_has_is_closed_again(self) -> None:
        self.broken(
            """Half()

closed = False
from zope.interface import alsoProvides
from nova_virt_interface.hypervisor.lifecycle import IHypervisor

class Half:
    def __init__(self):
        alsoProvides(self, IHypervisor)

    def close(self):
        global closed
        closed = True
        raise OSError("twice broken")
""",
            BackendError,
            "inventory() attribute was not provided",
        )
        self.assertIn("failed to close its connection: twice broken", self.log.output)

    def test_a_driver_that_fails_to_connect(self) -> None:
        self.broken("{}['x']", BackendError, "connect raised what is no contract")

    def test_a_backend_without_driver(self) -> None:
        opened = compute.opened(self.conf(), "nobody", self.services())
        self.assertRaises(InvalidRequest, opened.__enter__)

    def test_a_refused_driver(self) -> None:
        entry = {"aged-0.1": "aged:Factory"}
        self.useFixture(Distribution("p-aged", {DRIVER_GROUP: entry}, {"aged": "1 / 0"}))
        opened = compute.opened(self.conf("[old]\ndriver=aged\n"), "old", self.services())
        self.assertRaises(IncompatibleContract, opened.__enter__)
