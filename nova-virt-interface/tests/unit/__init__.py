"""Tests of the contract itself, without any backend but the one in memory."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# A test leaves no file, not even the tool's own tables: they go when the process ends.
_home = TemporaryDirectory(prefix="nova-virt-hypothesis-")
set_hypothesis_home_dir(_home.name)

# No deadline, because a busy machine is no defect.
settings.register_profile("contract", deadline=None, database=None)
settings.load_profile("contract")
