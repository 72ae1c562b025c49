"""Puts the driver together for one connection: which part needs which."""

from __future__ import annotations

from dataclasses import replace

from nova_virt_interface.services import IServices
from nova_virt_interface.values.console import ConsoleKind
from nova_virt_interface.values.guest_settings import VmFeature
from nova_virt_interface.values.migration import MigrationMode

from nova_virt_hyperv.boot_order import BootOrder
from nova_virt_hyperv.checkpoints import Checkpoints
from nova_virt_hyperv.cold_copies import ColdCopies
from nova_virt_hyperv.conf import Settings
from nova_virt_hyperv.console import Consoles, console_port
from nova_virt_hyperv.devices import Devices
from nova_virt_hyperv.diagnostics import Diagnostics
from nova_virt_hyperv.disk_files import DiskFiles
from nova_virt_hyperv.disk_store import DiskStore
from nova_virt_hyperv.disks import Disks
from nova_virt_hyperv.drives import Drives
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
from nova_virt_hyperv.iscsi import Iscsi, initiator_name
from nova_virt_hyperv.iscsi_volumes import IscsiVolumes
from nova_virt_hyperv.lifecycle import Lifecycle
from nova_virt_hyperv.machines import Machines
from nova_virt_hyperv.maintenance import Maintenance
from nova_virt_hyperv.moves import Moves
from nova_virt_hyperv.nics import Nics
from nova_virt_hyperv.outgoing import Outgoing, can_migrate
from nova_virt_hyperv.power import Power
from nova_virt_hyperv.recovery import Recovery
from nova_virt_hyperv.resize import Resize
from nova_virt_hyperv.security import Security
from nova_virt_hyperv.session import Session
from nova_virt_hyperv.settings import Hardware
from nova_virt_hyperv.topology import Topology
from nova_virt_hyperv.translate import describe
from nova_virt_hyperv.unit_sessions import UnitSessions
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
        self._settings = settings
        self._wmi = Wmi(session)
        self._look()
        files.prepare()
        self._machines = Machines(self._wmi, self._found, settings.owner)
        self._moves = Moves(files, self._found.host_name)
        self._checkpoints = Checkpoints(self._wmi, self._found)
        self._events = Events(services.events, self._machines, settings.poll_interval_seconds)
        self._make_storage(services)
        self._make_vms()
        self._make_ways_out(services)
        self._make_host()
        try:
            self._events.start()
        except BaseException:
            self._events.close()
            raise

    def _look(self) -> None:
        """Find out what the host offers."""
        system = computer(self._wmi)
        self._iqn = initiator_name(self._wmi)
        self._found = find_services(self._wmi, system.text("Name"))
        ratio = self._settings.dynamic_memory_ratio
        description = describe(system, operating_system(self._wmi), self._iqn, ratio)
        port = console_port(self._wmi)
        self._console_port = port or 0
        self.offers_consoles = port is not None
        self.offers_migration = can_migrate(self._wmi)
        self.offers_recovery = bool(self._settings.storage_id)
        if self.offers_migration:
            modes = (MigrationMode.LIVE, MigrationMode.COLD)
            description = replace(description, migration_modes=modes)
        if self._found.security is not None:
            description = replace(description, features=(*description.features, VmFeature.TPM))
        if self.offers_consoles:
            description = replace(description, console_kinds=(ConsoleKind.RDP,))
        self.description = description

    def _make_storage(self, services: IServices) -> None:
        wmi, found, host = self._wmi, self._found, self.description
        self._devices, self._disk_files = Devices(wmi, found), DiskFiles(wmi, found)
        self._drives = Drives(self._devices)
        self._boot_order = BootOrder(wmi, self._devices, self._drives, found)
        self.images = Images(
            self.session,
            wmi,
            self._files,
            self._disk_files,
            host,
            self._settings,
            services.images,
        )
        self.volumes = Volumes(self._disk_files, host, self._settings, self._iqn)
        self._store = DiskStore(self._files, self._disk_files, self.images, self.volumes)
        iscsi = Iscsi(wmi, found.host_name, multipath=self._settings.multipath)
        units = IscsiVolumes(self._files, iscsi, found.host_name)
        self._sessions = UnitSessions(self._machines, self._drives, units)
        self.disks = Disks(
            self._machines,
            self._drives,
            self._boot_order,
            self._store,
            self._disk_files,
            self.volumes,
            units,
            self._sessions,
            host,
        )

    def _make_vms(self) -> None:
        wmi, machines, host = self._wmi, self._machines, self.description
        self.inventory = Inventory(wmi, machines, self._settings)
        self.nics = Nics(wmi, machines, self._devices, host)
        self._security = Security(wmi, self._devices, self._found)
        self.maintenance = Maintenance(machines, self._files)
        self.power = Power(
            wmi, machines, self._events, self.maintenance, self.disks, self._sessions
        )
        self.lifecycle = Lifecycle(
            wmi,
            machines,
            self.disks,
            self._store,
            self._boot_order,
            self._security,
            self.nics,
            self.power,
            self._events,
            self._found,
            host,
            self._settings,
            self._moves,
        )
        self.resize = Resize(
            machines,
            self._checkpoints,
            Hardware(self._devices, self._settings.dynamic_memory_ratio),
            self._security,
            self.disks,
            self._drives,
            self._store,
            self._boot_order,
            self.nics,
            self.lifecycle,
            host,
        )

    def _make_ways_out(self, services: IServices) -> None:
        wmi, machines, host = self._wmi, self._machines, self.description
        self.export = Export(
            wmi,
            machines,
            self._checkpoints,
            self.disks,
            self._disk_files,
            self._files,
            host,
            services.image_sink,
        )
        self.outgoing = Outgoing(
            wmi,
            machines,
            self._moves,
            self._checkpoints,
            self._drives,
            self._store,
            self._disk_files,
            ColdCopies(
                wmi,
                machines,
                self._drives,
                self._store,
                self._disk_files,
                self.lifecycle,
                self._events,
            ),
            self._events,
            self._found,
            host,
            self._settings,
        )
        self.incoming = Incoming(
            wmi,
            machines,
            self._moves,
            self._store,
            self.nics,
            self._disk_files,
            self._files,
            self.lifecycle,
            self._found,
            host,
            self._settings,
        )
        self.recovery = Recovery(self._store, self.lifecycle, self._events, host)

    def _make_host(self) -> None:
        wmi, machines, host = self._wmi, self._machines, self.description
        self.consoles = Consoles(machines, host, self._settings.host, self._console_port)
        self.diagnostics = Diagnostics(wmi, machines, self._drives, self._store, self.nics)
        self.host_control = HostControl(wmi, machines, host)
        self.topology = Topology(wmi, self._found)

    def close(self) -> None:
        """End all. Idempotent."""
        self._events.close()
        self.session.close()
        self._files.close()
