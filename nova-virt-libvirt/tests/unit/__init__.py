"""Tests that need no conformance suite."""
