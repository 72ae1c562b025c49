"""The one table from xapi's error codes to the contract's errors.

A code that is missing has no word in the contract, or belongs to messages that the driver does not
send; it becomes a BackendError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nova_virt_interface.errors import (
    AccessDenied,
    Busy,
    Conflict,
    HostUnreachable,
    InsufficientResources,
    InvalidRequest,
    InvalidState,
    NotFound,
    PeerUnreachable,
    Resource,
    Unsupported,
    VirtError,
)
from nova_virt_interface.values.power import PowerState

__all__ = ["TABLE", "Row", "away"]

Make = Callable[[str, Sequence[str]], VirtError]


@dataclass(frozen=True)
class Row:
    """What an error code becomes.

    ``make`` gets what the call was about and the code's parameters.
    """

    make: Make
    changed_nothing: bool = True
    """xapi raises this before it changes anything, or undoes it."""


_RESOURCES: Final = {
    "VDI": Resource.DISK,
    "VBD": Resource.DISK,
    "VIF": Resource.NIC,
    "network": Resource.NETWORK,
    "SR": Resource.STORAGE,
}


def _gone(about: str, parameters: Sequence[str]) -> VirtError:
    kind = parameters[0] if parameters else "VM"
    resource = _RESOURCES.get(kind, Resource.VM)
    return NotFound(f"{about}: a {kind} is gone", resource=resource, name=about)


def _busy(about: str, parameters: Sequence[str]) -> VirtError:
    return Busy(f"{about}: another operation is in the way", remedy="repeat it later")


def _too_little(resource: Resource, remedy: str) -> Make:
    return lambda about, parameters: InsufficientResources(
        f"{about}: the host has too little {resource.value}", resource=resource, remedy=remedy
    )


def _memory(about: str, parameters: Sequence[str]) -> VirtError:
    needed, available = (
        (int(parameters[0]), int(parameters[1])) if len(parameters) > 1 else (None, None)
    )
    return InsufficientResources(
        f"{about}: the host has too little memory",
        resource=Resource.MEMORY,
        needed=needed,
        available=available,
        remedy="stop other VMs, or use a smaller one",
    )


def _denied(about: str, parameters: Sequence[str]) -> VirtError:
    return AccessDenied(
        "the pool refused access", remedy="check the options username and password, and the role"
    )


def away(about: str, parameters: Sequence[str]) -> VirtError:
    """The pool does not answer."""
    return HostUnreachable(
        "the pool does not answer", remedy="check that the host runs and the option url"
    )


def _no_drivers(about: str, parameters: Sequence[str]) -> VirtError:
    return InvalidState(
        f"{about}: its running guest has no Xen drivers for this",
        state=PowerState.RUNNING.value,
        remedy="stop the VM first, or install the drivers in the guest",
    )


def _unsupported(about: str, parameters: Sequence[str]) -> VirtError:
    return Unsupported(f"{about}: this pool cannot do that")


def _no_kernel(about: str, parameters: Sequence[str]) -> VirtError:
    return Unsupported(
        f"{about}: its disk has no kernel that the host's boot loader finds",
        remedy="use an image for such guests, or the mode hvm",
        field="settings.mode",
    )


def _no_host(about: str, parameters: Sequence[str]) -> VirtError:
    return InsufficientResources(
        f"{about}: the host takes no VMs, or none takes them in its place",
        resource=Resource.HOST,
        remedy="let the host leave maintenance, or use another one",
    )


def _volume_away(about: str, parameters: Sequence[str]) -> VirtError:
    return PeerUnreachable(
        f"{about}: the storage of a disk is not to be reached",
        resource=Resource.VOLUME,
        name=about,
        remedy="check the storage, then repeat it",
    )


def _conflict(resource: Resource) -> Make:
    return lambda about, parameters: Conflict(
        f"{about}: a {resource.value} is in use, or is there already", resource=resource, name=about
    )


def _no(resource: Resource) -> Make:
    return lambda about, parameters: NotFound(
        f"{about}: there is no such {resource.value}", resource=resource, name=about
    )


def _destination_away(about: str, parameters: Sequence[str]) -> VirtError:
    return PeerUnreachable(
        f"{about}: the other host did not take it",
        resource=Resource.DESTINATION,
        name=about,
        remedy="check the other host and the network between the two, then repeat it",
    )


def _untrusted_peer(about: str, parameters: Sequence[str]) -> VirtError:
    return AccessDenied(
        f"{about}: the pool does not trust the other side's certificate",
        remedy="let the pool's operator install it",
    )


def _stopped(about: str, parameters: Sequence[str]) -> VirtError:
    return InvalidState(
        f"{about}: the VM is not on, or went off meanwhile",
        state=PowerState.STOPPED.value,
        remedy="look what became of it",
    )


def _invalid(about: str, parameters: Sequence[str]) -> VirtError:
    return InvalidRequest(f"{about}: xapi takes no such value")


_STORAGE: Final = _too_little(
    Resource.STORAGE, "free some space, or use a larger storage repository"
)

_GROUPS: Final = (
    (
        """
        SESSION_AUTHENTICATION_FAILED SESSION_AUTHORIZATION_FAILED RBAC_PERMISSION_DENIED
        PERMISSION_DENIED USER_IS_NOT_LOCAL_SUPERUSER
        """,
        Row(_denied),
    ),
    ("SSL_VERIFY_ERROR NOT_TRUSTED_CERTIFICATE", Row(_untrusted_peer)),
    (
        """
        SESSION_INVALID SESSION_NOT_REGISTERED EVENTS_LOST EVENT_FROM_TOKEN_PARSE_FAILURE
        HOST_IS_SLAVE HOST_ITS_OWN_SLAVE HOST_UNKNOWN_TO_MASTER HOST_MASTER_CANNOT_TALK_BACK
        HOST_STILL_BOOTING HOST_IN_EMERGENCY_MODE HOST_BROKEN HOST_OFFLINE HOST_NOT_LIVE
        """,
        Row(away),
    ),
    ("CANNOT_CONTACT_HOST", Row(away, changed_nothing=False)),
    ("HANDLE_INVALID UUID_INVALID OBJECT_NOLONGER_EXISTS", Row(_gone)),
    ("VDI_MISSING VDI_LOCATION_MISSING VBD_MISSING DEVICE_NOT_ATTACHED", Row(_no(Resource.DISK))),
    ("DEFAULT_SR_NOT_FOUND", Row(_no(Resource.STORAGE))),
    (
        """
        HOST_CANNOT_ATTACH_NETWORK REQUIRED_PIF_IS_UNPLUGGED BRIDGE_NOT_AVAILABLE PIF_NOT_PRESENT
        """,
        Row(_no(Resource.NETWORK)),
    ),
    (
        """
        OTHER_OPERATION_IN_PROGRESS VM_BAD_POWER_STATE OPERATION_NOT_ALLOWED OPERATION_BLOCKED
        TOO_BUSY TOO_MANY_PENDING_TASKS TOO_MANY_STORAGE_MIGRATES HOST_IN_USE HOST_NOT_DISABLED
        HOST_HAS_RESIDENT_VMS HOST_EVACUATE_IN_PROGRESS DESIGNATE_NEW_MASTER_IN_PROGRESS
        NOT_SUPPORTED_DURING_UPGRADE APPLY_UPDATES_IN_PROGRESS HA_ENABLE_IN_PROGRESS
        HA_DISABLE_IN_PROGRESS SR_VDI_LOCKING_FAILED VM_PV_DRIVERS_IN_USE
        DEVICE_ALREADY_ATTACHED DEVICE_ALREADY_DETACHED DEVICE_ALREADY_EXISTS
        DEVICE_DETACH_REJECTED DEVICE_DETACH_TIMEOUT
        """,
        Row(_busy),
    ),
    (
        """
        TASK_CANCELLED DEVICE_ATTACH_TIMEOUT VM_SHUTDOWN_TIMEOUT VM_SUSPEND_TIMEOUT
        VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT VM_FAILED_SUSPEND_ACKNOWLEDGMENT VM_REBOOTED
        VM_MEMORY_TARGET_WAIT_TIMEOUT VMS_FAILED_TO_COOPERATE BALLOONING_TIMEOUT_BEFORE_MIGRATION
        """,
        Row(_busy, changed_nothing=False),
    ),
    (
        """
        HOST_DISABLED HOST_DISABLED_UNTIL_REBOOT HOST_DISABLED_INDEFINITELY
        HOST_EVACUATION_IS_REQUIRED HOST_EVACUATE_VM_NOT_HA_PROTECTED CANNOT_EVACUATE_HOST
        HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN
        VM_REQUIRES_NETWORK
        """,
        Row(_no_host),
    ),
    (
        """
        VM_REQUIRES_SR VM_REQUIRES_VDI HOST_CANNOT_SEE_SR SR_NOT_ATTACHED SR_ATTACH_FAILED
        SR_HAS_NO_PBDS SR_UNHEALTHY SUSPEND_IMAGE_NOT_ACCESSIBLE SR_BACKEND_FAILURE_46
        SR_BACKEND_FAILURE_68 SR_BACKEND_FAILURE_73 SR_BACKEND_FAILURE_140 SR_BACKEND_FAILURE_141
        """,
        Row(_volume_away),
    ),
    ("VDI_IO_ERROR SM_PLUGIN_COMMUNICATION_FAILURE", Row(_volume_away, changed_nothing=False)),
    (
        """
        MIRROR_FAILED TLS_CONNECTION_FAILED VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED
        VM_MIGRATE_FAILED
        """,
        Row(_destination_away),
    ),
    (
        "VDI_IN_USE VDI_NOT_AVAILABLE VM_DUPLICATE_VBD_DEVICE PUSB_VDI_CONFLICT",
        Row(_conflict(Resource.DISK)),
    ),
    (
        "SR_UUID_EXISTS SR_HAS_PBD SR_NOT_EMPTY SR_DEVICE_IN_USE PBD_EXISTS LOCATION_NOT_UNIQUE",
        Row(_conflict(Resource.STORAGE)),
    ),
    ("VIF_IN_USE MAC_STILL_EXISTS NETWORK_ALREADY_CONNECTED", Row(_conflict(Resource.NIC))),
    ("DUPLICATE_VM DUPLICATE_MAC_SEED DOMAIN_EXISTS", Row(_conflict(Resource.VM))),
    ("VM_MISSING_PV_DRIVERS VM_OLD_PV_DRIVERS VM_LACKS_FEATURE", Row(_no_drivers)),
    ("VM_HALTED VM_CRASHED", Row(_stopped, changed_nothing=False)),
    ("VM_HAS_NO_SUSPEND_VDI", Row(_stopped)),
    ("HOST_NOT_ENOUGH_FREE_MEMORY NO_HOSTS_AVAILABLE", Row(_memory)),
    (
        "HOST_NOT_ENOUGH_PCPUS",
        Row(_too_little(Resource.CPU, "use another host, or fewer vCPUs")),
    ),
    (
        """
        SR_FULL SR_BACKEND_FAILURE_44 SR_SOURCE_SPACE_INSUFFICIENT SR_SUSPEND_SPACE_INSUFFICIENT
        VM_NO_SUSPEND_SR PROVISION_FAILED_OUT_OF_SPACE OUT_OF_SPACE
        """,
        Row(_STORAGE),
    ),
    (
        """
        GPU_GROUP_CONTAINS_NO_PGPUS NETWORK_SRIOV_INSUFFICIENT_CAPACITY PGPU_IN_USE_BY_VM
        PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU VM_PCI_BUS_FULL VM_REQUIRES_GPU VM_REQUIRES_VGPU
        VM_REQUIRES_VUSB
        """,
        Row(_too_little(Resource.HOST_DEVICE, "free a device, or use another host")),
    ),
    (
        """
        ILLEGAL_VBD_DEVICE INVALID_DEVICE INVALID_VALUE MAC_INVALID MEMORY_CONSTRAINT_VIOLATION
        MEMORY_CONSTRAINT_VIOLATION_MAXPIN MEMORY_CONSTRAINT_VIOLATION_ORDER VDI_TOO_SMALL
        VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE VM_MEMORY_SIZE_TOO_LOW VM_NO_VCPUS
        """,
        Row(_invalid),
    ),
    (
        """
        BOOT_DEVICE_PASSTHROUGH_DISALLOWED DISK_VBD_MUST_BE_READWRITE_FOR_HVM
        FEATURE_REQUIRES_HVM FEATURE_RESTRICTED HOSTS_NOT_COMPATIBLE HOST_POWER_ON_MODE_DISABLED
        LICENCE_RESTRICTION LICENSE_EXPIRED MESSAGE_DEPRECATED MESSAGE_METHOD_UNKNOWN
        MESSAGE_REMOVED NOT_IMPLEMENTED PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP
        SR_DOES_NOT_SUPPORT_MIGRATION SR_NOT_SHARABLE SR_OPERATION_NOT_SUPPORTED
        SR_REQUIRES_UPGRADE SR_UNKNOWN_DRIVER UNIMPLEMENTED_IN_SM_BACKEND UNKNOWN_BOOTLOADER
        VALUE_NOT_SUPPORTED VBD_NOT_UNPLUGGABLE VDI_CBT_ENABLED VDI_INCOMPATIBLE_TYPE
        VDI_IS_A_PHYSICAL_DEVICE VDI_IS_ENCRYPTED VDI_NEEDS_VM_FOR_MIGRATE VDI_NOT_MANAGED
        VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION VDI_READONLY VDI_TOO_LARGE
        VGPU_DESTINATION_INCOMPATIBLE VGPU_GUEST_DRIVER_LIMIT
        VGPU_SUSPENSION_NOT_SUPPORTED VGPU_TYPE_NOT_COMPATIBLE VGPU_TYPE_NOT_ENABLED
        VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE VGPU_TYPE_NOT_SUPPORTED
        VGPU_TYPE_NO_LONGER_SUPPORTED VM_HAS_CHECKPOINT VM_HAS_PCI_ATTACHED VM_HAS_SRIOV_VIF
        VM_HAS_TOO_MANY_SNAPSHOTS VM_HAS_VGPU VM_HAS_VUSBS VM_HOST_INCOMPATIBLE_VERSION
        VM_HOST_INCOMPATIBLE_VERSION_MIGRATE
        VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION VM_HVM_REQUIRED
        VM_INCOMPATIBLE_WITH_THIS_HOST VM_IS_IMMOBILE VM_IS_USING_NESTED_VIRT
        VM_NON_SUSPENDABLE VM_REQUIRES_IOMMU VM_TOO_MANY_VCPUS VTPM_MAX_AMOUNT_REACHED
        XEN_INCOMPATIBLE
        """,
        Row(_unsupported),
    ),
    ("BOOTLOADER_FAILED", Row(_no_kernel)),
)

TABLE: Final[dict[str, Row]] = {code: row for codes, row in _GROUPS for code in codes.split()}
