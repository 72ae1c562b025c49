"""A config drive: the medium from which a guest learns about itself, in OpenStack's layout.

https://docs.openstack.org/nova/latest/user/metadata.html says what the files are called and hold.
"""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

from nova_virt_interface.errors import InvalidRequest, Unsupported
from nova_virt_interface.secret import Secret
from nova_virt_interface.values.disks import Media, MediaFormat
from nova_virt_interface.values.host import HostDescription
from nova_virt_interface.values.instances import GuestMetadata, Port, SpawnRequest

from nova_core_stub.library_driver.iso9660 import write_iso

__all__ = ["LABEL", "VERSIONS", "build", "check"]

LABEL: Final = "config-2"
"""By this name of the volume guests find the medium."""
VERSIONS: Final = ("2018-08-27", "latest")
"""Folders of the medium: a format that its readers know by date, and one for those who do not."""


def check(host: HostDescription) -> None:
    """Refuse a host that cannot show a config drive to its guests.

    Raises: Unsupported.
    """
    if MediaFormat.ISO9660 not in host.media_formats:
        raise Unsupported(
            f"host {host.hostname} takes no medium in ISO 9660, so no config drive",
            remedy="spawn the instance without a config drive, or on another host",
            field="config_drive",
        )


def build(instance_uuid: UUID, request: SpawnRequest) -> Media:
    """Make the medium of an instance."""
    metadata = request.metadata
    documents = {
        "meta_data.json": _json(_meta_data(instance_uuid, request.name, metadata)),
        "network_data.json": _json(_network_data(request.ports)),
        "vendor_data.json": _json({}),
        "vendor_data2.json": _json({}),
    }
    if metadata.user_data is not None:
        documents["user_data"] = metadata.user_data.reveal()
    files = {
        f"openstack/{version}/{name}": content
        for version in VERSIONS
        for name, content in documents.items()
    }
    return Media(format=MediaFormat.ISO9660, content=write_iso(LABEL, files))


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _meta_data(instance_uuid: UUID, name: str, metadata: GuestMetadata) -> dict[str, Any]:
    document: dict[str, Any] = {
        "availability_zone": "nova",
        "hostname": metadata.hostname,
        "launch_index": 0,
        "name": name,
        "uuid": str(instance_uuid),
    }
    if metadata.public_keys:
        document["public_keys"] = dict(metadata.public_keys)
        document["keys"] = [
            {"data": text, "name": key, "type": "ssh"} for key, text in metadata.public_keys
        ]
    if metadata.properties:
        document["meta"] = dict(metadata.properties)
    if metadata.admin_password is not None:
        document["admin_pass"] = _password(metadata.admin_password)
    return document


def _password(secret: Secret) -> str:
    try:
        return secret.reveal().decode()
    except UnicodeDecodeError:
        # Without its cause, which holds the password.
        raise InvalidRequest(
            "the administrator's password is no text in UTF-8",
            remedy="choose another password",
            field="metadata.admin_password",
        ) from None


def _network_data(ports: tuple[Port, ...]) -> dict[str, Any]:
    # Core knows no addresses: every guest asks by DHCP.
    links = [
        {
            "ethernet_mac_address": port.mac,
            "id": f"link{index}",
            "mtu": port.mtu_bytes,
            "type": "phy",
            "vif_id": str(port.port_id),
        }
        for index, port in enumerate(ports)
    ]
    networks = [
        {
            "id": f"network{index}",
            "link": f"link{index}",
            "network_id": str(port.port_id),
            "type": "ipv4_dhcp",
        }
        for index, port in enumerate(ports)
    ]
    return {"links": links, "networks": networks, "services": []}
