"""Tests of the driver's parts and of the simulator."""
