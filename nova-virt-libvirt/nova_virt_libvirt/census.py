"""Who is who on the host: what bulk answers do not say of a domain, read once for each and kept
true by events.

libvirt's bulk answers hold uuids, states and numbers, but neither metadata nor title nor the names
of NICs. The census reads the definition of each domain once, while connecting or when it first
appears.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import libvirt
from nova_virt_interface.values.power import PowerState
from nova_virt_interface.values.vm import VmState, VmStatistics

from nova_virt_libvirt.domain_description import DomainDescription, read_domain
from nova_virt_libvirt.domains import Domains
from nova_virt_libvirt.errors import is_code
from nova_virt_libvirt.names import tap_name

__all__ = ["Census", "Entry"]

_Row = TypeVar("_Row")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one domain."""

    vm_uuid: UUID
    is_ours: bool
    label: str
    nic_keys: dict[str, str] = field(default_factory=dict)
    """The key of each NIC by the name of the host's device."""
    states: dict[PowerState, VmState] = field(default_factory=dict, compare=False, repr=False)
    """What it was found to be before: bulk answers say the same of most domains again."""

    unmeasured: dict[PowerState, VmStatistics] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What was said of it before while nothing of it was measured."""

    def state(self, power_state: PowerState) -> VmState:
        """What it is."""
        known = self.states.get(power_state)
        if known is None:
            known = VmState(vm_uuid=self.vm_uuid, name=self.label, power_state=power_state)
            self.states[power_state] = known
        return known

    def without_numbers(self, power_state: PowerState) -> VmStatistics:
        """What is said of it while nothing of it is measured."""
        known = self.unmeasured.get(power_state)
        if known is None:
            known = VmStatistics(vm_uuid=self.vm_uuid, power_state=power_state)
            self.unmeasured[power_state] = known
        return known


class Census:
    """Thread-safe."""

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self._lock = threading.Lock()
        self._entries: dict[bytes, Entry] = {}
        self._changes = 0
        self._saved: dict[bytes, bool] = {}
        self._paused: set[UUID] = set()

    def take(self, connection: Any) -> None:
        """Read all domains anew; on connecting, because no events came before."""
        rows = connection.listAllDomains()
        saved = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        paused = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED)
        with self._lock:
            self._entries.clear()
            self._saved = {domain.UUID(): False for domain in rows if domain.ID() < 0}
            self._saved |= {domain.UUID(): True for domain in saved}
            self._paused = {UUID(domain.UUIDString()) for domain in paused}
        for domain in rows:
            self.entry(domain)

    def entries(
        self, rows: Iterable[tuple[Any, _Row]]
    ) -> Iterator[tuple[Entry, _Row, bool | None]]:
        """Of a bulk answer, which has a row for each domain, what is ours; with each whether, being
        off, it has its memory on disk, None: what libvirt says is true.

        libvirt gives a reason for being off, but forgets it when libvirtd restarts, and goes on
        giving it after the saved memory was dropped.
        """
        with self._lock:
            known, saved = self._entries.copy(), self._saved.copy()
        for domain, row in rows:
            # By bytes: with many domains a UUID of Python for each look-up would cost more than
            # libvirt's answer.
            key = domain.UUID()
            entry = known.get(key) or self.entry(domain)
            if entry is not None and entry.is_ours:
                yield entry, row, saved.get(key)

    def entry(self, domain: Any) -> Entry | None:
        """What is known of a domain; asks the host if it is new. None: it is gone."""
        with self._lock:
            known, changes = self._entries.get(domain.UUID()), self._changes
        if known is not None:
            return known
        try:
            text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
            return self._learn(read_domain(text), changes)
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                return None
            raise

    def learn(self, description: DomainDescription) -> None:
        """Take down what a definition says that is true now."""
        with self._lock:
            changes = self._changes
        self._learn(description, changes)

    def _learn(self, description: DomainDescription, changes: int) -> Entry:
        entry = Entry(
            vm_uuid=description.vm_uuid,
            is_ours=self._domains.our_mark(description) is not None,
            label=description.label,
            nic_keys={tap_name(description.vm_uuid, key): key for key in description.nic_keys},
        )
        with self._lock:
            # Otherwise something changed while the definition was on its way: it may be old.
            # What is said of a VM that is to come changes when it does.
            is_expected = description.mark is not None and description.mark.expected
            if changes == self._changes and not is_expected:
                self._entries[description.vm_uuid.bytes] = entry
        return entry

    def forget(self, vm_uuid: UUID) -> None:
        """Something about the domain has changed: ask again when it matters."""
        with self._lock:
            self._changes += 1
            self._entries.pop(vm_uuid.bytes, None)

    def note_saved(self, vm_uuid: UUID, is_saved: bool | None) -> None:
        """A domain that is off has its memory on disk, or has not; None: it is on."""
        with self._lock:
            if is_saved is None:
                self._saved.pop(vm_uuid.bytes, None)
            else:
                self._saved[vm_uuid.bytes] = is_saved

    def note_paused(self, vm_uuid: UUID, is_paused: bool) -> bool:
        """A domain was paused, or is no more; say whether it was paused before."""
        with self._lock:
            was_paused = vm_uuid in self._paused
            (self._paused.add if is_paused else self._paused.discard)(vm_uuid)
            return was_paused
