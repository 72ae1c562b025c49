"""A refusal in xapi's words."""

from __future__ import annotations

__all__ = ["XapiError"]


class XapiError(Exception):
    """What becomes ``ErrorDescription``: a code of the data model and its parameters."""

    def __init__(self, code: str, *parameters: str) -> None:
        super().__init__(code, *parameters)
        self.description = [code, *parameters]
