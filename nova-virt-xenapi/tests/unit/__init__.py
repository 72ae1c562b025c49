"""Tests of the driver and of its simulator."""
