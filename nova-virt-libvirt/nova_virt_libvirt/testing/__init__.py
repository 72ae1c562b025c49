"""Harness for tests against a real libvirtd, and what it boots (extra `testing`)."""
