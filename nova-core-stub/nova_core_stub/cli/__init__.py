"""The command line: ``nova-core-stub``."""

from __future__ import annotations

from nova_core_stub.cli.app import main

__all__ = ["main"]
