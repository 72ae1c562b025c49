"""Marks of a VM that exists, and reconfigurations in general."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pyVmomi import vim

from nova_virt_vmware.session import Session
from nova_virt_vmware.vms import Found

__all__ = ["Marking"]


class Marking:
    """Changes what VMs of the vCenter have in their extra configuration."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def mark(self, vm_uuid: UUID, found: Found, marks: Mapping[str, str], **fields: Any) -> None:
        """Give a VM marks, an empty one to remove it, and other fields in the same step."""
        config = vim.vm.ConfigSpec(
            extraConfig=[
                vim.option.OptionValue(key=key, value=text) for key, text in marks.items()
            ],
            **fields,
        )
        self._session.run(
            f"changing VM {vm_uuid}", lambda api: found.on(api).ReconfigVM_Task(config)
        )
