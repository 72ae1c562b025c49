"""Tests of the driver's parts and of the simulator."""

from __future__ import annotations

from hypothesis import settings

# No deadline, because a busy machine is no defect.
settings.register_profile("hyperv", deadline=None)
settings.load_profile("hyperv")
