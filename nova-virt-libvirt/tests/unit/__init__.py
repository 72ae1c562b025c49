"""Tests that need no conformance suite."""

import hypothesis

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
