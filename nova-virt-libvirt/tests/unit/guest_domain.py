"""Domain XML for tests without a driver, and what a guest said on its console."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import libvirt
import tenacity
from lxml import etree

PATIENCE_SECONDS = 120


def _ignore(_context: object, _error: object) -> None:
    """Keep libvirt from printing errors that tests provoke: it raises them as well."""


libvirt.registerErrorHandler(_ignore, None)


def _element(_tag: str, *children: etree._Element | str, **attributes: str) -> etree._Element:
    element = etree.Element(_tag, attributes)
    for child in children:
        if isinstance(child, str):
            element.text = child
        else:
            element.append(child)
    return element


def domain_xml(
    domain_uuid: uuid.UUID,
    devices: Sequence[etree._Element] = (),
    *,
    memory_mib: int = 128,
) -> str:
    """A domain named like its uuid, emulated in software, with these devices."""
    tree = _element(
        "domain",
        _element("name", str(domain_uuid)),
        _element("uuid", str(domain_uuid)),
        _element("memory", str(memory_mib), unit="MiB"),
        _element("vcpu", "1"),
        _element("os", _element("type", "hvm", arch="x86_64", machine="pc")),
        _element("features", _element("acpi")),
        _element("devices", *devices, _element("memballoon", model="none")),
        type="qemu",
    )
    return etree.tostring(tree, encoding="unicode")


def disk(path: Path, name: str, *, bus: str = "virtio", kind: str = "qcow2") -> etree._Element:
    """A disk; on the IDE bus, a CD-ROM."""
    parts = [
        _element("driver", name="qemu", type=kind),
        _element("source", file=str(path)),
        _element("target", dev=name, bus=bus),
    ]
    if bus == "ide":
        return _element("disk", *parts, _element("readonly"), type="file", device="cdrom")
    return _element("disk", *parts, type="file", device="disk")


def nic(mac: str) -> etree._Element:
    """A NIC on QEMU's own user-mode network, which needs nothing of the host."""
    parts = [_element("mac", address=mac), _element("model", type="virtio")]
    return _element("interface", *parts, type="user")


def console(path: Path) -> etree._Element:
    """A serial port that is written to a file."""
    parts = [_element("source", path=str(path)), _element("target", port="0")]
    return _element("serial", *parts, type="file")


class Console:
    """What a guest has said so far on a serial console that goes to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def lines(self) -> list[str]:
        """The guest's facts, without the prefix, in order."""
        text = self._path.read_text(errors="replace") if self._path.exists() else ""
        return [line[4:] for line in text.splitlines() if line.startswith("NVG ")]

    def wait_for(self, fact: str, times: int = 1) -> list[str]:
        """Wait until a fact was told so often; return all facts. Fails with the console's text."""
        waiting = tenacity.retry(
            retry=tenacity.retry_if_result(lambda lines: lines.count(fact) < times),
            wait=tenacity.wait_fixed(0.1),
            stop=tenacity.stop_after_delay(PATIENCE_SECONDS),
            retry_error_callback=self._give_up,
        )
        lines: list[str] = waiting(lambda: self.lines)()
        return lines

    def _give_up(self, _state: tenacity.RetryCallState) -> list[str]:
        text = self._path.read_text(errors="replace") if self._path.exists() else "(no file)"
        raise AssertionError(f"the guest did not say what it should; its console:\n{text}")
