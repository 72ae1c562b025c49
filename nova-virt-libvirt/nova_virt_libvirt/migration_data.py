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

from nova_virt_libvirt.mark import Mark, Snapshot, mark_element
from nova_virt_libvirt.names import key_of_alias

__all__ = ["VARIABLES", "Arrival", "moved_xml", "pack", "unpack"]

_DRIVER = "libvirt"
_FORMAT = 1

VARIABLES = "uefi.variables"
"""Among sizes of disks: that of the file of a UEFI's variables. No key of a disk has a dot."""


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
    """File of the serial console's log."""
    console_address: str = ""
    """Where consoles listen."""
    variables: str = ""
    """File of the UEFI's variables."""
    disks: dict[str, str]
    """The element of each disk, medium and volume, by key."""
    nics: dict[str, str]
    """The element of each NIC, by key."""

    def pack(self) -> DriverData:
        """As the ticket carries it."""
        return pack(asdict(self))

    @classmethod
    def unpack(cls, data: DriverData) -> Arrival:
        """Read what `pack` made. Raises: Unsupported."""
        facts = unpack(data)
        return cls(**facts | {"mark": Mark(**facts["mark"] | {"snapshots": ()})})


def moved_xml(text: str, arrival: Arrival, snapshots: tuple[Snapshot, ...] = ()) -> str:
    """A domain's definition as it is to be at the destination: all that the guest can see stays.

    Args:
        text: the definition here.
        arrival: what the destination has made ready.
        snapshots: of the VM's volumes.
    """
    domain: Any = etree.fromstring(text)
    metadata = domain.find("metadata")
    if metadata is None:
        metadata = etree.SubElement(domain, "metadata")
    for element in list(metadata):
        metadata.remove(element)
    metadata.append(mark_element(arrival.mark.with_snapshots(snapshots)))
    for disk in domain.iterfind("devices/disk"):
        key = _key("disk", disk)
        if key in arrival.disks:
            _place_disk(disk, etree.fromstring(arrival.disks[key]))
    variables = domain.find("os/nvram")
    if variables is not None:
        variables.text = arrival.variables
    for nic in domain.iterfind("devices/interface"):
        key = _key("nic", nic)
        if key in arrival.nics:
            _plug(nic, etree.fromstring(arrival.nics[key]))
    for port in (*domain.iterfind("devices/serial"), *domain.iterfind("devices/console")):
        _place_port(port, arrival)
    for screen in domain.iterfind("devices/graphics"):
        _listen(screen, arrival.console_address)
    return etree.tostring(domain, encoding="unicode")


def _key(kind: str, element: Any) -> str:
    alias = element.find("alias")
    return key_of_alias(kind, None if alias is None else alias.get("name")) or ""


def _place_port(port: Any, arrival: Arrival) -> None:
    source, log = port.find("source"), port.find("log")
    if arrival.console is not None and log is not None:
        log.set("file", arrival.console)
    elif arrival.console is not None and source is not None:
        source.set("path", arrival.console)
    if source is not None and "host" in source.attrib:
        source.set("host", arrival.console_address)


def _listen(screen: Any, address: str) -> None:
    screen.set("listen", address)
    for listen in screen.findall("listen"):
        screen.remove(listen)


def _place_disk(disk: Any, there: Any) -> None:
    for chain in disk.findall("backingStore"):
        # The copy is whole, where the original was laid on an image.
        disk.remove(chain)
    disk.set("type", there.get("type"))
    disk.replace(disk.find("source"), there.find("source"))
    disk.find("driver").set("type", there.find("driver").get("type"))


def _plug(nic: Any, there: Any) -> None:
    nic.set("type", there.get("type"))
    for tag in ("source", "target"):
        for element in nic.findall(tag):
            nic.remove(element)
        found = there.find(tag)
        if found is not None:
            nic.append(found)
