"""A stand-in for xapi on its true wire: XML-RPC and HTTP handlers over TLS, with state.

It is written from the vendor's data model and source (xapi 26.17) and shares nothing with the
driver. ``python -m nova_virt_xenapi.testing.simulator --help`` says how to run it.
"""

from __future__ import annotations

__all__: list[str] = []
