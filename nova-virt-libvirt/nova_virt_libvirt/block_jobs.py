"""Jobs of QEMU on the disks of a running domain: started by one call, and waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt
from nova_virt_interface.call import current_call
from nova_virt_interface.errors import BackendError

from nova_virt_libvirt.errors import is_code

__all__ = ["begun", "finished", "mirrored", "pivot"]

_STEP_SECONDS = 0.1


def begun(domain: Any, target: str, begin: Callable[[], object]) -> None:
    """Begin a job, in place of one that an attempt which was broken off has left."""
    try:
        begin()
    except libvirt.libvirtError:
        if not domain.blockJobInfo(target, 0):
            raise
        _abort(domain, target)
        finished(domain, target)
        begin()


def mirrored(domain: Any, target: str, begin: Callable[[], object]) -> None:
    """Begin a job that copies a disk, and wait until the copy follows all that is written.

    After an error, and when the call is cancelled, the job is gone.
    """
    begun(domain, target, begin)
    try:
        while True:
            job = domain.blockJobInfo(target, 0)
            if not job:
                raise BackendError(f"the copy of disk {target} broke off")
            current_call().progress(job["cur"], job["end"] or None)
            if job["end"] and job["cur"] == job["end"]:
                return
            current_call().wait(_STEP_SECONDS)
    except BaseException:
        _abort(domain, target)
        raise


def pivot(domain: Any, target: str) -> None:
    """Go on with the copy."""
    while True:
        try:
            domain.blockJobAbort(target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        except libvirt.libvirtError as error:
            # A job whose end is reached is ready a moment later.
            if not is_code(error, libvirt.VIR_ERR_BLOCK_COPY_ACTIVE):
                _abort(domain, target)
                raise
            current_call().wait(_STEP_SECONDS)
        else:
            break
    finished(domain, target)


def finished(domain: Any, target: str) -> None:
    """Wait until a disk has no job."""
    while job := domain.blockJobInfo(target, 0):
        current_call().progress(job["cur"], job["end"] or None)
        current_call().wait(_STEP_SECONDS)


def _abort(domain: Any, target: str) -> None:
    try:
        domain.blockJobAbort(target, 0)
    except libvirt.libvirtError as error:
        # No job any more.
        if not is_code(error, libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_OPERATION_INVALID):
            raise
