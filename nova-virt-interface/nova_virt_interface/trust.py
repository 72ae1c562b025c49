"""Tells a refused certificate from a connection that was cut: both are SSL errors."""

from __future__ import annotations

import ssl

__all__ = ["certificate_refused"]


def certificate_refused(error: BaseException) -> bool:
    """Whether an error, or what it wraps, says that this side does not trust the other's
    certificate, so that nothing was sent.

    HTTP libraries wrap `ssl.SSLCertVerificationError` in errors of their own, as ``reason`` or as
    their first argument, and do the same with a connection that broke while it was written to.
    """
    inner: object = error
    while isinstance(inner, BaseException):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return True
        inner = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
    return False
