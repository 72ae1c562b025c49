"""The virtual resources of a VM: reads, adds and removes rows of its settings."""

from __future__ import annotations

from collections.abc import Sequence

from nova_virt_hyperv.cim import Instance, Reference, object_path, select, wql_text
from nova_virt_hyperv.errors import About
from nova_virt_hyperv.machines import Machine, Services
from nova_virt_hyperv.wmi import Parameter, Wmi

__all__ = ["Devices"]


class Devices:
    """The resources of VMs of one host."""

    def __init__(self, wmi: Wmi, services: Services) -> None:
        self._wmi = wmi
        self._service = services.machines
        self._host = services.host_name

    def rows(self, machine: Machine, class_name: str, about: About) -> list[Instance]:
        """The rows of a class that belong to a VM."""
        pattern = wql_text(f"Microsoft:{machine.guid}\\%")
        return self._wmi.query(select(class_name, f"InstanceID LIKE {pattern}"), about=about)

    def defaults(self, class_name: str) -> list[Instance]:
        """What a new VM has of a class, unless it is told otherwise."""
        pattern = wql_text("Microsoft:Definition\\%\\Default")
        return self._wmi.query(select(class_name, f"InstanceID LIKE {pattern}"))

    def add(self, machine: Machine, settings: Sequence[str], about: About) -> None:
        """Add resources, all in one request."""
        named: list[tuple[str, Parameter]] = [("AffectedConfiguration", machine.settings)]
        named += [("ResourceSettings", text) for text in settings]
        self._wmi.invoke(self._service, "AddResourceSettings", named, about=about)

    def add_features(self, connection: Instance, settings: Sequence[str], about: About) -> None:
        """Set what a switch does with a connection."""
        named: list[tuple[str, Parameter]] = [("AffectedConfiguration", self.reference(connection))]
        named += [("FeatureSettings", text) for text in settings]
        self._wmi.invoke(self._service, "AddFeatureSettings", named, about=about)

    def modify(self, settings: Sequence[str], about: About) -> None:
        """Change resources, all in one request; each names itself by its InstanceID."""
        named: list[tuple[str, Parameter]] = [("ResourceSettings", text) for text in settings]
        self._wmi.invoke(self._service, "ModifyResourceSettings", named, about=about)

    def remove(self, rows: Sequence[Instance], about: About) -> None:
        """Remove resources, all in one request."""
        named: list[tuple[str, Parameter]] = [
            ("ResourceSettings", self.reference(row)) for row in rows
        ]
        self._wmi.invoke(self._service, "RemoveResourceSettings", named, about=about)

    def path(self, row: Instance) -> str:
        """How another row names this one."""
        return object_path(self._host, self.reference(row))

    def switch_path(self, switch: Instance) -> str:
        """How a connection names its virtual switch."""
        keys = tuple((key, switch.text(key)) for key in ("CreationClassName", "Name"))
        return object_path(self._host, Reference(switch.class_name, keys))

    @staticmethod
    def reference(row: Instance) -> Reference:
        """Names a row."""
        return Reference(row.class_name, (("InstanceID", row.text("InstanceID")),))

    @staticmethod
    def is_child(row: Instance, parent: Instance) -> bool:
        """Whether a row's parent is that row: by its path, which the host writes as it likes."""
        instance_id = parent.text("InstanceID").replace("\\", "\\\\")
        return f'"{instance_id}"'.lower() in row.text("Parent").lower()
