"""From xapi's errors, and from those of the connection to it, to the contract's."""

from __future__ import annotations

import xmlrpc.client
from typing import Final
from xml.parsers.expat import ExpatError

import requests
import urllib3
import XenAPI
from nova_virt_interface.errors import AccessDenied, BackendError, VirtError
from nova_virt_interface.trust import certificate_refused

from nova_virt_xenapi.error_table import TABLE, Row, away

__all__ = ["CAUGHT", "contract_error"]

CAUGHT: Final = (
    XenAPI.Failure,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    xmlrpc.client.Error,
    ExpatError,
    OSError,
)
"""What a call can end in, beside contract errors."""


def contract_error(error: BaseException, *, about: str, changing: bool) -> VirtError:
    """Translate an error; chain it with ``raise … from``.

    Args:
        error: any of ``CAUGHT``.
        about: what the call was about, for people.
        changing: whether the call may have changed something on the pool.
    """
    if isinstance(error, XenAPI.Failure):
        code, *parameters = [str(part) for part in error.details] or [""]
        row = TABLE.get(code) or _unknown(code)
        # The parameter of SESSION_INVALID is the session, which lets in whoever has it.
        told = [] if code == "SESSION_INVALID" else parameters
        made, detail = row.make(about, parameters), " ".join([code, *told])
        changing = changing and not row.changed_nothing
    elif certificate_refused(error):
        made, detail, changing = _untrusted(), str(error), False
    elif isinstance(error, xmlrpc.client.Error | ExpatError):
        made, detail = BackendError(f"{about}: the answer is not to be understood"), str(error)
    else:
        made, detail = away(about, ()), f"{type(error).__name__}: {error}"
        changing = changing and not _never_sent(error)
    made.detail = detail
    made.may_have_been_done = changing
    return made


def _unknown(code: str) -> Row:
    return Row(
        lambda about, parameters: BackendError(f"{about}: xapi failed with {code}"),
        changed_nothing=False,
    )


def _untrusted() -> VirtError:
    return AccessDenied(
        "the host's certificate is not trusted",
        remedy="name the certificate, or the authority that signed it, in the option ca_file, and "
        "in the option url the host as the certificate names it",
    )


def _never_sent(error: BaseException) -> bool:
    """Whether there was no connection to send anything over."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
