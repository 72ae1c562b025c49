"""What text has to lose before it is put into a page or an XML document."""

from __future__ import annotations

import re

__all__ = ["clean"]

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2, Characters)."""


def clean(text: str) -> str:
    """The text, with a replacement character for each that no document can hold."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
