"""Texts that users choose, in XML. Pure functions; lxml escapes them."""

from __future__ import annotations

from typing import Any

from lxml import etree
from nova_virt_interface.errors import InvalidRequest

__all__ = ["set_attribute", "text_element"]


def text_element(tag: str, content: str) -> Any:
    """An element with a text. Raises: InvalidRequest."""
    element = etree.Element(tag)
    try:
        element.text = content
    except ValueError as error:
        raise InvalidRequest(f"{content!r} cannot be written as XML", field=tag) from error
    return element


def set_attribute(element: Any, attribute: str, content: str) -> None:
    """Give an element an attribute. Raises: InvalidRequest."""
    try:
        element.set(attribute, content)
    except ValueError as error:
        raise InvalidRequest(f"{content!r} cannot be written as XML", field=attribute) from error
