"""Tasks that are waited for, and what the server tells of them."""

from __future__ import annotations

import threading
from typing import Any

import testtools
from pyVmomi import vim, vmodl

from nova_virt_vmware import task_news
from nova_virt_vmware.task_news import TaskNews

_query = vmodl.query.PropertyCollector


def update(task_id: str, **facts: Any) -> Any:
    changes = [_query.Change(name=f"info.{name}", op="assign", val=facts[name]) for name in facts]
    return _query.ObjectUpdate(kind="modify", obj=vim.Task(task_id), changeSet=changes)


class View:
    """A list view: what is added is told of by and by."""

    def __init__(self, news: TaskNews, *told: Any, unresolved: tuple[Any, ...] = ()) -> None:
        self._news, self._told, self._unresolved = news, told, unresolved
        self.asked: list[tuple[list[str], list[str]]] = []
        self._thread = threading.Thread(target=self._tell)

    def ModifyListView(self, add: list[Any], remove: list[Any]) -> Any:  # noqa: N802
        self.asked.append(([t._moId for t in add], [t._moId for t in remove]))
        if not self._thread.ident:
            self._thread.start()
        return self._unresolved

    def _tell(self) -> None:
        for told in self._told:
            self._news.apply([told])

    def join(self) -> None:
        self._thread.join()


def has_ended(known: dict[str, Any]) -> bool:
    return known.get("info.state") == "success"


class TestTaskNews(testtools.TestCase):
    """With a view that tells."""

    def setUp(self) -> None:
        super().setUp()
        self.news = TaskNews()
        self.checks = 0

    def _check(self) -> None:
        self.checks += 1

    def _wait(self, task_id: str, **more: Any) -> dict[str, Any] | None:
        return self.news.wait(vim.Task(task_id), has_ended, self._check, **more)

    def _view(self, *told: Any, **more: Any) -> View:
        view: Any = View(self.news, *told, **more)
        self.news.begin(view)
        self.addCleanup(view.join)
        return view  # type: ignore[no-any-return]

    def test_without_a_view_nobody_waits(self) -> None:
        self.assertIsNone(self._wait("task-1"))

    def test_a_task_that_the_server_does_not_know_is_not_waited_for(self) -> None:
        self._view(unresolved=(vim.Task("task-1"),))
        self.assertIsNone(self._wait("task-1"))

    def test_a_view_that_takes_no_task_says_nothing_of_the_task(self) -> None:
        class Refusing(View):
            def ModifyListView(self, add: list[Any], remove: list[Any]) -> Any:  # noqa: N802
                raise vim.fault.TaskInProgress

        self.news.begin(Refusing(self.news))
        self.assertIsNone(self._wait("task-1"))

    def test_a_task_is_waited_for_and_its_result_is_told(self) -> None:
        view = self._view(
            update("task-2", state="success"),
            update("task-1", state="running"),
            update("task-1", state="success", result="result"),
        )
        expected = {"info.state": "success", "info.result": "result"}
        self.assertEqual(expected, self._wait("task-1"))
        # Those that are over leave the view with the next one.
        self.assertEqual({}, self._wait("task-3", seconds=0.0))
        self.assertEqual([(["task-1"], []), (["task-3"], ["task-1"])], view.asked)

    def test_a_task_that_is_not_told_of_is_given_up(self) -> None:
        self.patch(task_news, "_SILENCE_SECONDS", 0.0)
        left = _query.ObjectUpdate(kind="leave", obj=vim.Task("task-1"))
        self._view(update("task-1", state="running"), left)
        self.assertIsNone(self._wait("task-1"))

    def test_a_wait_ends_by_its_check(self) -> None:
        self._view(update("task-1", state="running"))

        def check() -> None:
            raise ValueError

        self.assertRaises(ValueError, self.news.wait, vim.Task("task-1"), has_ended, check)

    def test_a_wait_ends_when_nobody_listens_any_more(self) -> None:
        class Ending(View):
            def _tell(self) -> None:
                self._news.end()

        view: Any = Ending(self.news)
        self.news.begin(view)
        self.addCleanup(view.join)
        self.assertIsNone(self._wait("task-1"))
