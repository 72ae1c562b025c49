"""What the messages of classes session, task and host do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nova_virt_xenapi.testing.simulator.domains import free_memory
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context, moment

__all__ = ["MESSAGES", "new_task", "require_session"]


def require_session(ctx: Context, session: Any) -> None:
    """Refuse a session that is not logged in."""
    if not (isinstance(session, str) and ctx.db.exists("session", session)):
        raise XapiError("SESSION_INVALID", str(session))


def _login(ctx: Context, uname: str, pwd: str, version: str = "", originator: str = "") -> str:
    master = next(iter(ctx.db.where("pool")))[1]["master"]
    if ctx.host != master:
        raise XapiError("HOST_IS_SLAVE", ctx.db.get("host", master)["address"])
    if (uname, pwd) != ("root", ctx.world.password):
        raise XapiError("SESSION_AUTHENTICATION_FAILED", uname, "Authentication failure")
    return ctx.db.create(
        "session",
        this_host=ctx.host,
        auth_user_name=uname,
        is_local_superuser=True,
        originator=originator,
        last_active=moment(),
        validation_time=moment(),
    )


def _logout(ctx: Context) -> None:
    ctx.db.destroy("session", ctx.session)


def new_task(ctx: Context, label: str, description: str) -> str:
    """A task that begins now."""
    return ctx.db.create(
        "task",
        name_label=label,
        name_description=description,
        created=moment(),
        status="pending",
        resident_on=ctx.host,
        allowed_operations=["cancel"],
        type="<none/>",
    )


def _destroy_task(ctx: Context, task: str) -> None:
    ctx.db.destroy("task", task)


def _cancel_task(ctx: Context, task: str) -> None:
    record = ctx.db.get("task", task)
    if "cancel" not in record["allowed_operations"]:
        raise XapiError("OPERATION_NOT_ALLOWED", f"task {task} cannot be cancelled")
    if record["status"] == "pending":
        ctx.db.write("task", task, "status", "cancelling")


def _task_setter(field: str) -> Any:
    return lambda ctx, task, value: ctx.db.write("task", task, field, value)


MESSAGES: dict[str, Callable[..., Any]] = {
    "session.login_with_password": _login,
    "session.logout": _logout,
    "task.create": new_task,
    "task.destroy": _destroy_task,
    "task.cancel": _cancel_task,
    "task.set_status": _task_setter("status"),
    "task.set_progress": _task_setter("progress"),
    "host.compute_free_memory": free_memory,
    "host.get_servertime": lambda ctx, host: moment(),
}
