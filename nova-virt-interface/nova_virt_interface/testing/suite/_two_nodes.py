"""Steps of tests of the upper level that take two nodes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nova_virt_interface.testing.doubles import SuiteServices
from nova_virt_interface.testing.suite._instances import InstanceMixin
from nova_virt_interface.testing.suite._mixins import image_of
from nova_virt_interface.testing.suite._two_hosts import Node
from nova_virt_interface.testing.tracker import Tracker
from nova_virt_interface.values.instances import SpawnRequest
from nova_virt_interface.values.power import PowerState

__all__ = ["TwoNodesMixin"]


class TwoNodesMixin(InstanceMixin):
    """Two nodes, each adapted as core does it."""

    def first_node(self) -> Node:
        """The node of all other tests."""
        return Node(self.harness.settings(), self.services, self.virt_driver)

    def second_node(self) -> Node:
        """Another node, with storage of its own."""
        return self._node(self.harness.second_settings())

    def sharing_nodes(self) -> tuple[Node, Node]:
        """Two nodes on one storage."""
        one, other = self.harness.shared_hosts()
        return self._node(one), self._node(other)

    def _node(self, settings: Any) -> Node:
        services = SuiteServices()
        connection = self.harness.factory().connect(settings, services)
        self.addCleanup(connection.close)
        tracker = Tracker(type(self).adapt(connection, services), self.asked)
        self.addCleanup(tracker.free)
        return Node(settings, services, tracker)

    def spawned_on(self, node: Node) -> tuple[UUID, SpawnRequest]:
        """Spawn an instance there."""
        instance_uuid, request = self.new_uuid(), self.request()
        self.offer_image(node, request)
        node.driver.spawn(instance_uuid, request)
        return instance_uuid, request

    def offer_image(self, node: Node, request: SpawnRequest) -> None:
        """Have the instance's image in that node's image source."""
        node.services.images.add(image_of(request).cache_key, self.harness.image().path)

    def assert_runs(self, instance_uuid: UUID, node: Node, *not_at: Node) -> None:
        """The instance runs there, and the others do not know it."""
        self.assertIs(PowerState.RUNNING, node.driver.get_info(instance_uuid).power_state)
        # What others did, such as the other host, may be seen some seconds late (LIST-1).
        self.wait_until(
            lambda: not any(_lists(other, instance_uuid) for other in not_at),
            "the instance to be listed once",
        )


def _lists(node: Node, instance_uuid: UUID) -> bool:
    return instance_uuid in [info.instance_uuid for info in node.driver.list_instances()]
