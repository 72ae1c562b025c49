"""Proof that the suite can fail: drivers that are broken on purpose, each with the test that must
catch it.

Each is the reference driver with one bug that a real driver may have. To prove the same of a test
of your own, break your driver in a subclass and see the test fail.
"""

from __future__ import annotations

from nova_virt_interface.testing.mutants import (
    devices,
    disk_content,
    events,
    guests,
    host,
    host_controls,
    images,
    lifecycle,
    migration,
    moves,
    pausing,
    power,
    refusals,
    resize,
    settings,
    signatures,
    starting_secrets,
    volumes,
)
from nova_virt_interface.testing.mutants import instances as instances_
from nova_virt_interface.testing.mutants._running import Driver, mutants_of, run_suite_test

__all__ = ["MUTANTS", "Driver", "as_text", "run_suite_test"]

_SUBJECTS = (
    lifecycle,
    power,
    pausing,
    guests,
    host,
    host_controls,
    images,
    devices,
    disk_content,
    volumes,
    events,
    refusals,
    resize,
    migration,
    moves,
    settings,
    signatures,
    starting_secrets,
    instances_,
)

MUTANTS: tuple[Driver, ...] = tuple(
    mutant for subject in _SUBJECTS for mutant in mutants_of(subject)
)


def as_text() -> str:
    """A line for each mutant: its name, its bug, and the test that catches it."""
    return "\n".join(
        f"{mutant.__name__}: {mutant.__doc__} → {vars(mutant)['caught_by']}" for mutant in MUTANTS
    )
