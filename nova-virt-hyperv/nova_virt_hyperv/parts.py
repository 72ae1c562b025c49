"""Puts the driver together for one connection: which part needs which."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.services import IServices
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.migration import MigrationMode

from nova_virt_hyperv.checkpoints import Checkpoints
from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.console import Consoles, console_port
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.diagnostics import Diagnostics
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.events import Events
from nova_virt_hyperv.export import Export
from nova_virt_hyperv.files import Files
from nova_virt_hyperv.host import HostControl
from nova_virt_hyperv.images import Images
from nova_virt_hyperv.incoming import Incoming
from nova_virt_hyperv.inventory import (
    Inventory,
    computer,
    find_services,
    operating_system,
)
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machines
from nova_virt_hyperv.maintenance import Maintenance
from nova_virt_hyperv.moves import Moves
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.outgoing import Outgoing, can_migrate
from nova_virt_hyperv.power import Power
from nova_virt_hyperv.recovery import Recovery
from nova_virt_hyperv.resize import Resize
from nova_virt_hyperv.session import Session
from nova_virt_hyperv.settings import Hardware
from nova_virt_hyperv.topology import Topology
from nova_virt_hyperv.translate import describe
from nova_virt_hyperv.volumes import Volumes
from nova_virt_hyperv.wmi import Wmi

__all__ = ["Parts"]


class Parts:
    """All parts of one connection, and what the host turned out to offer."""

    def __init__(
        self, session: Session, files: Files, settings: Settings, services: IServices
    ) -> None:
        self.session = session
        self._files = files
        wmi = Wmi(session)
        system = computer(wmi)
        description = describe(system, operating_system(wmi))
        found = find_services(wmi, system.text("Name"))
        port = console_port(wmi)
        self.offers_consoles = port is not None
        self.offers_migration = can_migrate(wmi)
        self.offers_recovery = bool(settings.storage_id)
        if self.offers_migration:
            modes = (MigrationMode.LIVE, MigrationMode.COLD)
            description = replace(description, migration_modes=modes)
        if port is not None:
            description = replace(description, console_kinds=(ConsoleKind.RDP,))
        self.description = description
        files.prepare()
        machines = Machines(wmi, found, settings.owner)
        moves = Moves(files, found.host_name)
        devices, disk_files = Devices(wmi, found), DiskFiles(wmi, found)
        self.inventory = Inventory(wmi, machines, settings)
        self.images = Images(
            session, wmi, files, disk_files, description, settings, services.images
        )
        self.volumes = Volumes(disk_files, description, settings)
        self.disks = Disks(
            machines, devices, disk_files, files, self.images, self.volumes, description
        )
        self.nics = Nics(wmi, machines, devices, description)
        self._events = Events(services.events, machines, settings.poll_interval_seconds)
        self.maintenance = Maintenance(machines, files)
        self.power = Power(wmi, machines, self._events, self.maintenance, self.disks)
        self.lifecycle = Lifecycle(
            wmi,
            machines,
            devices,
            self.disks,
            self.nics,
            self.power,
            self._events,
            found,
            description,
            settings,
            moves,
        )
        checkpoints, hardware = Checkpoints(wmi, found), Hardware(wmi, devices)
        self.resize = Resize(
            machines, checkpoints, hardware, self.disks, self.nics, self.lifecycle, description
        )
        self.export = Export(
            wmi,
            machines,
            checkpoints,
            self.disks,
            disk_files,
            files,
            description,
            services.image_sink,
        )
        self.outgoing = Outgoing(
            wmi,
            machines,
            moves,
            checkpoints,
            self.disks,
            disk_files,
            self.lifecycle,
            self._events,
            found,
            description,
            settings,
        )
        self.incoming = Incoming(
            wmi,
            machines,
            moves,
            self.disks,
            self.nics,
            disk_files,
            files,
            self.lifecycle,
            found,
            description,
            settings,
        )
        self.recovery = Recovery(self.disks, self.lifecycle, self._events, description)
        self.consoles = Consoles(machines, description, settings.host, port or 0)
        self.diagnostics = Diagnostics(wmi, machines, self.disks, self.nics)
        self.host_control = HostControl(wmi, machines, description)
        self.topology = Topology(wmi, found)
        try:
            self._events.start()
        except BaseException:
            self._events.close()
            raise

    def close(self) -> None:
        """End all. Idempotent."""
        self._events.close()
        self.session.close()
        self._files.close()
