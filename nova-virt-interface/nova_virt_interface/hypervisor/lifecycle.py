"""The interface that every hypervisor provides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from zope.interface import Interface, taggedValue

if TYPE_CHECKING:
    from nova_virt_interface.values.host import HostDescription, HostInventory
    from nova_virt_interface.values.power import RebootRequest, StartRequest, StopRequest
    from nova_virt_interface.values.vm import DeleteVmRequest, VmSpec, VmState, VmStatistics

__all__ = ["IHypervisor"]


class IHypervisor(Interface):
    """A connection to one compute node: a host, or a cluster that places VMs by itself.

    [ID-1] A VM is known by the uuid that core chose, across crashes of core, driver and host.
    [ID-2] The driver stores a mark of ownership with each VM that it creates, and acts only on VMs
    that bear it. Foreign VMs are never listed, changed or deleted; they do not exist for core. The
    mark names the VM: a copy that an operator makes, marks and all, is a foreign one.
    [ID-3] An operator who renames a VM by hand changes its label at most. `get_vm` tells the label
    as it is; `list_vms` may tell an older one for a moment.
    [CONC-1] Every method may be called from any thread. Calls may overlap on different VMs, and
    reads may overlap anything.
    [CONC-2] Core never overlaps two calls that change the same VM, unless their interface is tagged
    ``overlaps``. If somebody else's operation is in the way, the call raises `Busy` and nothing was
    done.
    [REP-1] Every operation is idempotent: repeated after it was done, it succeeds and changes
    nothing, unless its text says otherwise.
    [FAIL-1] After a failed call nothing is left behind that a repeat cannot use or `delete_vm`
    cannot remove.
    [FAIL-2] What a lost reply left running on the host must not harm what comes after it: a driver
    waits for it, or cancels it, before it undoes or repeats the operation.

    Every method may raise, besides what its text names: HostUnreachable, AccessDenied, Cancelled,
    DeadlineExceeded, BackendError.
    """

    taggedValue("since", "1.0")

    def describe() -> HostDescription:
        """Say what the host is and which values it takes.

        Fixed while connected; no question to the host. Does not block.
        """

    def inventory() -> HostInventory:
        """Measure what the host has and what is free.

        [INV-2] One call gives it all, in a number of round trips that does not grow with the number
        of VMs.
        """

    def list_vms() -> tuple[VmState, ...]:
        """Say the state of all VMs that are ours, in any order.

        [LIST-1] Complete: a VM that is missing from the answer did not exist at some moment during
        the call, or shortly before it: what others did may be seen some seconds late, where the
        hypervisor tells of it by events. What was done through this connection is always seen. A
        host that cannot say so raises `HostUnreachable`.
        [LIST-2] One question to the host, whatever the number of VMs; its answer may come in pages
        of many VMs, where the protocol limits the size of a page. Of what the answer lacks,
        such as labels and marks of ownership, a driver may ask once for each VM: on connecting, or
        when a VM first appears.
        """

    def get_vm(vm_uuid: UUID) -> VmState:
        """Say the state of one VM.

        [ID-4] It names all disks and NICs that the VM has, whether it runs or is stopped;
        `list_vms` may leave them None.

        Raises: NotFound (vm).
        """

    def statistics() -> tuple[VmStatistics, ...]:
        """Say what all VMs that are ours use, in any order.

        [STAT-1] One question to the host, whatever the number of VMs, with the leave that LIST-2
        gives.
        [STAT-2] What is not measured is None or left out, never 0.
        """

    def create_vm(vm_uuid: UUID, spec: VmSpec) -> None:
        """Make a VM with its disks and NICs; it is left stopped.

        [LIFE-1] The VM's first state is `PowerState.STOPPED`.
        [LIFE-2] Repeated with an equal spec, it succeeds and leaves the VM as it is, whatever its
        state. The content of media does not count in the comparison.
        [LIFE-3] A uuid that has a VM of another spec, or a foreign VM, is a `Conflict`; the VM is
        untouched.
        [LIFE-4] After an error there is no VM of this uuid and none of its disks, or what there is
        makes a repeat succeed and `delete_vm` removes it.
        [DISK-2] A disk from an image is at least as large as the image: a smaller one is an
        `InvalidRequest`.

        Blocking: as long as it takes to make the disks.

        Raises: Conflict (vm; network, if its name is not unique); NotFound (image, network);
        InvalidRequest; Unsupported; InsufficientResources; PeerUnreachable (volume).
        """

    def start_vm(vm_uuid: UUID, request: StartRequest) -> None:
        """Make a VM run.

        [PWR-3] A stopped or crashed VM boots; a running one stays as it is; a paused or suspended
        one goes on.
        [PWR-4] On return the VM is running.

        Raises: NotFound (vm); InsufficientResources; InvalidRequest (secrets); PeerUnreachable
        (volume).
        """

    def stop_vm(vm_uuid: UUID, request: StopRequest) -> None:
        """Turn a VM off.

        [PWR-5] On return the VM is stopped: by the guest if it did so within the graceful time,
        else by force. A guest that cannot be asked yet, because what listens in it has not come up,
        is asked again until the time is over.
        [PWR-6] A stopped VM stays as it is. A paused, suspended or crashed one is turned off
        without asking the guest.
        [PWR-7] When the call is cancelled while the guest is given time, the VM is not turned off
        by force.

        Blocking: up to the graceful time.

        Raises: NotFound (vm).
        """

    def reboot_vm(vm_uuid: UUID, request: RebootRequest) -> None:
        """Restart a VM's guest.

        [PWR-8] On return the VM is running, whatever its state was, and its guest has begun to boot
        anew.
        [PWR-9] Not idempotent: a repeat restarts the guest again, which is why it always ends in a
        running VM.

        Blocking: up to the graceful time, for a soft reboot.

        Raises: NotFound (vm); InsufficientResources.
        """

    def delete_vm(vm_uuid: UUID, request: DeleteVmRequest) -> None:
        """Remove a VM, running or not, with all its disks, media and logs.

        [LIFE-5] On return neither the VM nor any file or object made for it exists.
        [LIFE-6] Deleting what does not exist for us, which a foreign VM does not, succeeds; it also
        removes what a failed `create_vm` left.
        [LIFE-7] Cached images stay.
        """

    def close() -> None:
        """End the connection and all threads of the driver; VMs go on. Idempotent.

        [CONN-6] After it returned no event is delivered, and every method that asks the host raises
        `HostUnreachable`.
        """
