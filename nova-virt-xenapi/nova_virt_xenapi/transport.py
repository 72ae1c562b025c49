"""XML-RPC over requests, for the official client."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import requests

__all__ = ["Transport"]


class Transport(xmlrpc.client.Transport):
    """Carries XML-RPC over requests.

    The standard library's own one silently sends a request again when the connection breaks, which
    would make a VM twice.
    """

    def __init__(self, http: requests.Session, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._http = http
        self._timeout = timeout

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """See `xmlrpc.client.Transport`."""
        response = self._http.post(
            f"https://{host}{handler}",
            data=request_body,
            headers={"Content-Type": "text/xml"},
            timeout=self._timeout,
            allow_redirects=False,
        )
        if response.status_code != requests.codes.ok:
            raise xmlrpc.client.ProtocolError(host, response.status_code, response.reason, {})
        parser, unmarshaller = self.getparser()
        try:
            parser.feed(response.content)
            parser.close()
            return unmarshaller.close()
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # The standard library trusts the content of tags: a number that is none, a tag too few.
            raise xmlrpc.client.ResponseError(f"the answer is no XML-RPC: {error!r}") from error
