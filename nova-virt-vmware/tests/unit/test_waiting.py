"""What a wait for a task ends in."""

from __future__ import annotations

from typing import Any, cast

import testtools
from pyVmomi import vim, vmodl

from nova_virt_vmware.task_news import TaskNews
from nova_virt_vmware.waiting import Collectors, result_of


class _Collectors:
    """Nothing is told, and whoever asks is refused."""

    def __init__(self, fault: Exception) -> None:
        self.tasks = TaskNews()
        self._fault = fault

    def watching(self, watched: Any, paths: list[str]) -> Any:
        """See `Collectors`."""
        raise self._fault


class TestResultOf(testtools.TestCase):
    def ended(self, fault: Exception, expected: type[Exception]) -> Exception:
        collectors = cast("Collectors", _Collectors(fault))
        found: Exception = self.assertRaises(expected, result_of, collectors, vim.Task("task-1"))
        return found

    def test_a_refusal_of_the_question_is_none_of_the_task(self) -> None:
        for fault in (vim.fault.TaskInProgress(), vmodl.fault.ManagedObjectNotFound()):
            self.assertIs(fault, self.ended(fault, ConnectionError).__cause__)

    def test_a_login_that_was_lost_is_said_to_be(self) -> None:
        self.ended(vim.fault.NotAuthenticated(), vim.fault.NotAuthenticated)
