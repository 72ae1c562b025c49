"""Tests without a backend."""
