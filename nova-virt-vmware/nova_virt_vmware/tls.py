"""Whether the server is who it should be: by an authority, by its own certificate, or not asked."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from typing import Any

import requests
from nova_virt_interface.errors import InvalidRequest, VirtError
from requests.adapters import HTTPAdapter

from nova_virt_vmware.conf import Settings

__all__ = ["http_session", "tls_context"]


class _Pinned(ssl.SSLContext):
    """Trusts one certificate, whoever signed it. pyvmomi's own check of a thumbprint lets later
    connections of the same context through without one.
    """

    thumbprint = ""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Refuse any other certificate once the server has shown that it has its key."""
        wrapped = super().wrap_socket(*args, **kwargs)
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, self.thumbprint):
            wrapped.close()
            raise ssl.SSLCertVerificationError(f"the certificate has the thumbprint {shown}")
        return wrapped


class _PinnedAdapter(HTTPAdapter):
    def __init__(self, context: _Pinned) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        pinned: Any = {"ssl_context": self._context, "assert_fingerprint": self._context.thumbprint}
        super().init_poolmanager(*args, **{**kwargs, **pinned})


def tls_context(settings: Settings) -> ssl.SSLContext:
    """How all connections to the server are made. Raises InvalidRequest."""
    if settings.thumbprint:
        pinned = _Pinned(ssl.PROTOCOL_TLS_CLIENT)
        pinned.thumbprint = settings.thumbprint.replace(":", "").lower()
        return _unverified(pinned)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise _no_ca_file(settings, error) from error
    return context if settings.verify_certificate else _unverified(context)


def _unverified(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _no_ca_file(settings: Settings, error: OSError) -> VirtError:
    return InvalidRequest(
        f"option ca_file: {settings.ca_file} cannot be read",
        detail=str(error),
        remedy="name a PEM file",
        field="ca_file",
    )


def http_session(settings: Settings, context: ssl.SSLContext) -> requests.Session:
    """What files are sent and read by: straight to the server, which is trusted as `context` is."""
    session = requests.Session()
    session.trust_env = False
    session.verify = _trusted(settings)
    if isinstance(context, _Pinned):
        session.mount("https://", _PinnedAdapter(context))
    return session


def _trusted(settings: Settings) -> str | bool:
    """The same authorities as for the SOAP requests; requests would take its own."""
    if settings.thumbprint or not settings.verify_certificate:
        return False
    paths = ssl.get_default_verify_paths()
    return settings.ca_file or paths.cafile or paths.capath or True
