"""What drivers of two hosts tell each other about a migration, and the definition that the VM gets
at its destination. Pure functions.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from lxml import etree
from nova_virt_interface import offers
from nova_virt_interface.values.migration import DriverData

from nova_virt_libvirt.mark import Mark, mark_element
from nova_virt_libvirt.names import key_of_alias

__all__ = ["Arrival", "moved_xml", "pack", "unpack"]

_DRIVER = "libvirt"
_FORMAT = 1


def pack(facts: dict[str, Any]) -> DriverData:
    """The data that say this."""
    content = json.dumps(facts, sort_keys=True).encode()
    return DriverData(driver=_DRIVER, format=_FORMAT, content=content)


def unpack(data: DriverData) -> dict[str, Any]:
    """What the data say. Raises: Unsupported."""
    offers.check_driver_data(data, _DRIVER, (_FORMAT,))
    facts: dict[str, Any] = json.loads(data.content)
    return facts


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What the destination has made ready for one VM."""

    vm: str
    ticket: str
    mark: Mark
    """Of the VM, once it has come."""
    data_uri: str = ""
    """Where its hypervisor takes memory; empty: as its libvirt says."""
    address: str = ""
    console: str | None = None
    disks: dict[str, tuple[str, str]]
    """File and format of each disk and medium, by key."""
    nics: dict[str, str]
    """The element of each NIC, by key."""

    def pack(self) -> DriverData:
        """As the ticket carries it."""
        return pack(asdict(self))

    @classmethod
    def unpack(cls, data: DriverData) -> Arrival:
        """Read what `pack` made. Raises: Unsupported."""
        facts = unpack(data)
        disks = {key: (path, form) for key, (path, form) in facts["disks"].items()}
        return cls(**facts | {"mark": Mark(**facts["mark"]), "disks": disks})


def moved_xml(text: str, arrival: Arrival) -> str:
    """A domain's definition as it is to be at the destination: all that the guest can see stays."""
    domain: Any = etree.fromstring(text)
    metadata = domain.find("metadata")
    if metadata is None:
        metadata = etree.SubElement(domain, "metadata")
    for element in list(metadata):
        metadata.remove(element)
    metadata.append(mark_element(arrival.mark))
    for disk in domain.iterfind("devices/disk"):
        key = _key("disk", disk)
        if key in arrival.disks:
            _place_disk(disk, *arrival.disks[key])
    for nic in domain.iterfind("devices/interface"):
        key = _key("nic", nic)
        if key in arrival.nics:
            _plug(nic, etree.fromstring(arrival.nics[key]))
    for port in (*domain.iterfind("devices/serial"), *domain.iterfind("devices/console")):
        source = port.find("source")
        if source is not None and arrival.console is not None:
            source.set("path", arrival.console)
    return etree.tostring(domain, encoding="unicode")


def _key(kind: str, element: Any) -> str:
    alias = element.find("alias")
    return key_of_alias(kind, None if alias is None else alias.get("name")) or ""


def _place_disk(disk: Any, path: str, form: str) -> None:
    for chain in disk.findall("backingStore"):
        # The copy is whole, where the original was laid on an image.
        disk.remove(chain)
    source = disk.find("source")
    for attribute in list(source.attrib):
        del source.attrib[attribute]
    source.set("file", path)
    disk.find("driver").set("type", form)


def _plug(nic: Any, there: Any) -> None:
    nic.set("type", there.get("type"))
    for tag in ("source", "target"):
        for element in nic.findall(tag):
            nic.remove(element)
        found = there.find(tag)
        if found is not None:
            nic.append(found)
