"""From a method name and parameters to an answer, with xapi's checks in xapi's order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nova_virt_xenapi.testing.simulator import (
    cloning,
    devices,
    events,
    hosts,
    moving,
    repositories,
    sessions,
    storage,
    vms,
    vtpms,
)
from nova_virt_xenapi.testing.simulator.datamodel import Message, datamodel
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.generic import constructor_values, implementation
from nova_virt_xenapi.testing.simulator.types import checked
from nova_virt_xenapi.testing.simulator.wire import fragment
from nova_virt_xenapi.testing.simulator.world import Context, World, moment

__all__ = ["Dispatcher"]

_OWN: dict[str, Callable[..., Any]] = {
    **sessions.MESSAGES,
    **vms.MESSAGES,
    **storage.MESSAGES,
    **devices.MESSAGES,
    **events.MESSAGES,
    **hosts.MESSAGES,
    **moving.MESSAGES,
    **repositories.MESSAGES,
    **vtpms.MESSAGES,
    **cloning.MESSAGES,
}
# Classes whose objects need nothing but their row.
_PLAIN = frozenset({"network", "console"})


@dataclass(frozen=True)
class _Call:
    method: str
    message: Message
    implementation: Callable[..., Any]
    arguments: list[Any]


class Dispatcher:
    """Answers calls on one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._model = datamodel()

    def call(self, host: str, method: str, parameters: list[Any]) -> Any:
        """The answer's value; raises XapiError.

        Args:
            host: reference of the host that was asked.
            method: as it was sent, perhaps with ``Async.`` before it.
            parameters: as they were sent, the session included.
        """
        if method == "system.listMethods":
            return self._methods()
        name = method.removeprefix("Async.")
        message = self._model.message(name)
        is_async = name != method
        if is_async and (message.implicit and name.partition(".")[2] not in ("create", "destroy")):
            raise XapiError("MESSAGE_METHOD_UNKNOWN", method)
        self._require_count(name, message, parameters)
        with self._world.db.lock:
            ctx = Context(self._world, host)
            if message.has_session:
                sessions.require_session(ctx, parameters[0])
                ctx.session = parameters[0]
                sessions.require_permission(ctx, name)
            call = self._checked(name, message, parameters[message.has_session :])
            self._require_reference(ctx, call)
            return self._begin(ctx, call) if is_async else self._run(ctx, call)

    def _methods(self) -> list[str]:
        return [
            f"{model.name}.{name}"
            for model in self._model.classes.values()
            for name in model.messages
        ]

    def _require_count(self, name: str, message: Message, parameters: list[Any]) -> None:
        needed = sum(parameter.required for parameter in message.parameters)
        if not needed <= len(parameters) <= len(message.parameters):
            raise XapiError(
                "MESSAGE_PARAMETER_COUNT_MISMATCH",
                name,
                str(needed - message.has_session),
                str(len(parameters) - message.has_session),
            )

    def _checked(self, name: str, message: Message, sent: list[Any]) -> _Call:
        if message.removed:
            raise XapiError("MESSAGE_REMOVED")
        described = message.parameters[message.has_session :]
        arguments = [
            checked(value, parameter.type, parameter.name, self._model)
            for value, parameter in zip(sent, described, strict=False)
        ]
        return _Call(name, message, self._implementation(name, message), arguments)

    def _implementation(self, name: str, message: Message) -> Callable[..., Any]:
        class_name, _, verb = name.partition(".")
        if name in _OWN:
            return _OWN[name]
        if class_name in _PLAIN and verb == "create":
            return lambda ctx, sent: ctx.db.create(
                class_name, **constructor_values(ctx, class_name, sent)
            )
        if class_name in _PLAIN and verb == "destroy":
            return lambda ctx, ref: ctx.db.destroy(class_name, ref)
        generic = implementation(self._model.classes[class_name], verb)
        # A setter that the vendor writes by hand does more than to write a field.
        if generic is None or not (message.implicit or verb.startswith(_HARMLESS)):
            raise XapiError("NOT_IMPLEMENTED", name)
        return generic

    def _require_reference(self, ctx: Context, call: _Call) -> None:
        described = call.message.parameters[call.message.has_session :]
        for argument, parameter in zip(call.arguments, described, strict=False):
            kind = parameter.type
            if kind.kind == "ref" and kind.name in ctx.db.tables and parameter.required:
                ctx.db.row(kind.name, argument)

    def _run(self, ctx: Context, call: _Call) -> Any:
        try:
            result = call.implementation(ctx, *call.arguments)
        except XapiError:
            raise
        except Exception as error:  # as xapi does; without it a task would never end
            raise XapiError("INTERNAL_ERROR", repr(error)) from error
        return "" if result is None else result

    def _begin(self, ctx: Context, call: _Call) -> str:
        ctx.task = sessions.new_task(ctx, f"Async.{call.method}", "")
        threading.Thread(target=self._finish, args=(ctx, call), daemon=True).start()
        return ctx.task

    def _finish(self, ctx: Context, call: _Call) -> None:
        with ctx.db.lock:
            try:
                result = self._run(ctx, call)
            except XapiError as error:
                cancelled = error.description[0] == "TASK_CANCELLED"
                outcome: dict[str, Any] = {
                    "status": "cancelled" if cancelled else "failure",
                    "error_info": error.description,
                }
            else:
                text = fragment(result) if result != "" else ""
                outcome = {"status": "success", "result": text, "progress": 1.0}
            if ctx.db.exists("task", ctx.task):
                outcome |= {"finished": moment(), "allowed_operations": ["destroy"]}
                for name, value in outcome.items():
                    ctx.db.write("task", ctx.task, name, value)


_HARMLESS = (
    "get_all",
    "get_record",
    "set_other_config",
    "add_to_other_config",
    "remove_from_other_config",
)
