"""Moving VMs from one host in memory to another.

The source's host does it, in a thread of its own, so that it goes on when whoever began it is gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import replace
from uuid import UUID

from nova_virt_interface.reference.host import Host, HostError, Vm, host_named
from nova_virt_interface.reference.host_moves import Incoming, Job, Sent

__all__ = [
    "abort",
    "begin",
    "cancel",
    "finish",
    "finish_sent",
    "force",
    "prepare",
    "sent_from",
    "share_storage",
]

_TICK_SECONDS = 0.005
_two_hosts = threading.Lock()
"""Held by whoever takes the locks of two hosts, so that two of them cannot wait for each other."""


def share_storage(name: str, *hosts: Host) -> None:
    """Put hosts without VMs on the same storage."""
    for host in hosts:
        host.moves.storage_id = name
        host._images = hosts[0]._images


def prepare(host: Host, incoming: Incoming, shared_with: str | None) -> Incoming:
    """Make ready for a VM; what is prepared for an equal one stays. Disks that are not copied are
    those of the host ``shared_with``.
    """
    uuid = incoming.vm.uuid
    with host._question():
        existing = host.moves.incoming.get(uuid)
        if existing is not None and existing.digest == incoming.digest:
            return existing
        if existing is not None or uuid in host._vms or uuid in host.moves.sent:
            raise HostError("EXISTS", f"VM {uuid}")
        host._reserve(sum(incoming.vm.disks[key].size_bytes for key in incoming.copied))
        incoming = deepcopy(incoming)
        if shared_with is not None:
            theirs = host_named(shared_with)._existing(uuid).disks
            shared = incoming.vm.disks.keys() - set(incoming.copied)
            incoming.vm.disks |= {key: theirs[key] for key in shared}
        host.moves.incoming[uuid] = incoming
        return incoming


def finish(host: Host, uuid: UUID) -> None:
    """List the copy of a VM that has come."""
    with host._question():
        incoming = host.moves.incoming.get(uuid)
        if incoming is not None and incoming.has_come:
            del host.moves.incoming[uuid]
            _arrive(host, incoming.vm, is_live=False)


def cancel(host: Host, uuid: UUID) -> None:
    """Remove what was made ready, or a copy."""
    with host._question():
        host.moves.incoming.pop(uuid, None)
        if host.moves.arrived.get(uuid) is False:
            state = host._existing(uuid).state
            if state != "stopped":
                raise HostError("BAD_STATE", f"VM {uuid} is {state}")
            vm = host._vms.pop(uuid)
            host.moves.forget(uuid)
            host._tell("deleted", vm)


def sent_from(host: Host, uuid: UUID) -> Sent | None:
    """What has gone, and is not finished; not a copy of a VM that was started since."""
    with host._question():
        sent = host.moves.sent.get(uuid)
        now = host._vms.get(uuid)
        stale = sent is not None and now is not None and now.starts != sent.vm.starts
        return None if stale else sent


def begin(host: Host, uuid: UUID, job: Job, password: str) -> Job:
    """Begin to send a VM; one that is on its way with the same ticket is left alone."""
    with host._question():
        running = host.moves.jobs.get(uuid)
        if running is not None:
            if running.ticket != job.ticket:
                raise HostError("BAD_STATE", f"VM {uuid} is on its way")
            return running
        vm = host._existing(uuid)
        host.moves.jobs[uuid] = job
        worker = threading.Thread(target=_send, args=(host, vm, job, password), daemon=True)
        worker.start()
        return job


def abort(host: Host, uuid: UUID) -> None:
    """Give a migration up, and wait until it is."""
    with host._question():
        job = host.moves.jobs.get(uuid)
        if job is not None and not job.in_post_copy:
            job.aborted = True
    if job is not None:
        job.ended.wait()


def force(host: Host, uuid: UUID, means: str) -> None:
    """Bring a migration to its end by ``pause`` or ``post-copy``."""
    with host._question():
        job = host.moves.jobs.get(uuid)
        if job is None or (means == "post-copy" and not job.may_post_copy):
            raise HostError("BAD_STATE", f"VM {uuid} cannot be forced by {means}")
        job.forced_by = means


def finish_sent(host: Host, uuid: UUID) -> None:
    """Remove what is left of a VM that has gone."""
    with host._question():
        sent = host.moves.sent.pop(uuid, None)
        if sent is not None and not sent.is_live:
            vm = host._vms.pop(uuid)
            host.moves.forget(uuid)
            host._tell("deleted", vm)


def _send(host: Host, vm: Vm, job: Job, password: str) -> None:
    try:
        last = time.monotonic()
        crossed = False
        while not crossed:
            time.sleep(_TICK_SECONDS)
            now = time.monotonic()
            with _both(host, job) as target:
                if job.aborted:
                    raise HostError("ABORTED", f"migration of VM {vm.uuid}")
                incoming = _expected(target, vm.uuid, job, password)
                if host._vms.get(vm.uuid) is not vm or job.is_live != (vm.state == "running"):
                    raise HostError("BAD_STATE", f"VM {vm.uuid} is not what it was")
                crossed = job.advance(now - last)
                if job.forced_by == "post-copy" and not job.in_post_copy:
                    job.in_post_copy = True
                    host._tell("post-copy-started", vm)
                if crossed:
                    _switch_over(host, target, vm, incoming, job)
            last = now
    except HostError as error:
        job.failed = (error.code, str(error).partition(": ")[2])
    finally:
        with host._lock:
            del host.moves.jobs[vm.uuid]
        job.ended.set()


@contextmanager
def _both(host: Host, job: Job) -> Iterator[Host]:
    target = host_named(job.target)
    with _two_hosts, host._lock, target._lock:
        if target.away:
            raise HostError("PEER_AWAY", job.target)
        if host.away:
            raise HostError("AWAY", f"host {host.name} does not answer")
        yield target


def _expected(target: Host, uuid: UUID, job: Job, password: str) -> Incoming:
    incoming = target.moves.incoming.get(uuid)
    if incoming is None or (incoming.ticket, incoming.password) != (job.ticket, password):
        raise HostError("NO_TICKET", f"host {target.name} does not expect VM {uuid}")
    return incoming


def _switch_over(host: Host, target: Host, vm: Vm, incoming: Incoming, job: Job) -> None:
    come = incoming.vm
    for key in incoming.copied:
        theirs = vm.disks[key]
        come.disks[key] = replace(
            come.disks[key], content=theirs.content, size_bytes=theirs.size_bytes
        )
    if job.is_live:
        come.state, come.starts = vm.state, vm.starts
        del host._vms[vm.uuid]
        host.moves.forget(vm.uuid)
        vm.state = "stopped"
        del target.moves.incoming[vm.uuid]
        _arrive(target, come, is_live=True)
        host._tell("migrated", vm)
    else:
        incoming.has_come = True
    host.moves.sent[vm.uuid] = Sent(copy(vm), job.ticket, job.is_live)


def _arrive(host: Host, vm: Vm, *, is_live: bool) -> None:
    host._vms[vm.uuid] = vm
    host.moves.sent.pop(vm.uuid, None)
    host.moves.arrived[vm.uuid] = is_live
    if is_live:
        host._tell("started", vm)
