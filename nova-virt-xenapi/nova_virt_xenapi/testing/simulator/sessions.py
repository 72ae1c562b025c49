"""What the messages of classes session, task and host do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nova_virt_xenapi.testing.simulator.domains import free_memory
from nova_virt_xenapi.testing.simulator.errors import XapiError
from nova_virt_xenapi.testing.simulator.world import Context, moment

__all__ = ["MESSAGES", "READER", "new_task", "require_permission", "require_session"]

_LEAVES: Final = (("session", "logout"), ("session", "local_logout"))


READER: Final = "reader"
"""A user of the role ``read-only``, with root's password."""


def require_session(ctx: Context, session: Any) -> None:
    """Refuse a session that is not logged in."""
    if not (isinstance(session, str) and ctx.db.exists("session", session)):
        raise XapiError("SESSION_INVALID", str(session))


def require_permission(ctx: Context, method: str) -> None:
    """Refuse what the session's role does not permit: ``ocaml/xapi/rbac.ml``."""
    record, permission = ctx.db.get("session", ctx.session), method.lower()
    if not (record["is_local_superuser"] or permission in record["rbac_permissions"]):
        raise XapiError("RBAC_PERMISSION_DENIED", permission, "No permission in user session.")


def _read_only(ctx: Context) -> list[str]:
    """What the documented role may do: look at everything, follow events, and leave."""
    return [
        f"{model.name}.{name}".lower()
        for model in ctx.db.model.classes.values()
        for name in model.messages
        if name.startswith("get_") or model.name == "event" or (model.name, name) in _LEAVES
    ]


def _login(ctx: Context, uname: str, pwd: str, version: str = "", originator: str = "") -> str:
    master = next(iter(ctx.db.where("pool")))[1]["master"]
    if ctx.host != master:
        raise XapiError("HOST_IS_SLAVE", ctx.db.get("host", master)["address"])
    if uname not in ("root", READER) or pwd != ctx.world.password:
        raise XapiError("SESSION_AUTHENTICATION_FAILED", uname, "Authentication failure")
    return ctx.db.create(
        "session",
        this_host=ctx.host,
        auth_user_name=uname,
        is_local_superuser=uname == "root",
        rbac_permissions=[] if uname == "root" else _read_only(ctx),
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
