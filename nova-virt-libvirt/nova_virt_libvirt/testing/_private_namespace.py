"""Process, mount and host-name namespaces that end, with all that runs in them, when we end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_libvirt.testing.prerequisites import system_environment

__all__ = ["PROGRAMS", "PrivateNamespace"]

PROGRAMS = {
    "hostname": "hostname",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}

# Runs outside of the namespaces and outlives all that is in them. Its parent-death signal, TERM,
# ends the first wait. It then kills the namespace's process 1 rather than unshare: so unshare
# returns only when the kernel has ended every process in there, and the folder can go. A shell's
# background job has no standard input unless it is given another descriptor.
KEEPER = """\
trap : TERM
exec 3<&0
sh -c 'echo $$; exec "$@"' sh setpriv --pdeathsig KILL \\
    unshare --mount --propagation private --pid --uts --fork --kill-child --mount-proc \\
    sh -euc "$INSIDE" sh "$@" <&3 3<&- &
wait $!
{ read -r first </proc/$!/task/$!/children; kill -KILL $first; } 2>/dev/null
wait $!
rm -rf -- "$1"
"""

# Process 1 of the namespaces. It ends with its input, which is the second way to notice our death.
# Ignoring SIGCHLD has the kernel reap what daemons leave to it.
INSIDE = """\
root=$1 hostname=$2
shift 2
for folder; do
    mount --bind "$root$folder" "$folder"
done
if [ -e /dev/kvm ]; then
    mount --bind "$root/no-kvm" /dev/kvm
    mount -o remount,bind,ro /dev/kvm
fi
# libvirtd probes every emulator that it finds, for about half a second each.
for emulator in /usr/bin/qemu-system-*; do
    case $emulator in
        */qemu-system-x86_64*) ;;
        *) mount --bind /dev/null "$emulator" ;;
    esac
done
hostname "$hostname"
echo ready
exec env --ignore-signal=CHLD cat >/dev/null
"""


class PrivateNamespace:
    """Namespaces in which folders below `root` hide the machine's; they take `root` along.

    KVM and emulators of other processors are hidden as well. Raises `BackendUnavailable` if the
    kernel does not let us.
    """

    def __init__(self, root: Path, hostname: str, hidden: Iterable[str]) -> None:
        (root / "no-kvm").touch()
        command = ["setpriv", "--pdeathsig", "TERM", "sh", "-c", KEEPER, "sh"]
        # The parent-death signal comes when the *thread* that forked ends: hence one that stays.
        self._thread = ThreadPoolExecutor(1, "private-namespace")
        self._keeper = self._thread.submit(
            subprocess.Popen,
            [*command, str(root), hostname, *hidden],
            env={**system_environment(), "INSIDE": INSIDE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A terminal's interrupt is for us to handle.
            start_new_session=True,
        ).result()
        assert self._keeper.stdout  # noqa: S101 - asked for by PIPE
        number, state = (self._keeper.stdout.readline().strip() for _ in range(2))
        if state != "ready":
            words = self.stop()
            raise BackendUnavailable(f"cannot make private namespaces (needs a real root): {words}")
        self._pid = int(number)

    def command(self, *command: str) -> list[str]:
        """The command that runs a command inside."""
        folder = f"/proc/{self._pid}/ns"
        # Process 1 in there is unshare's child, and so is in what unshare has for its children.
        into = [f"--mount={folder}/mnt", f"--uts={folder}/uts", f"--pid={folder}/pid_for_children"]
        return ["nsenter", *into, *command]

    def stop(self) -> str:
        """End every process inside, then remove the folder; return what was said about trouble."""
        _, words = self._keeper.communicate()
        self._thread.shutdown()
        return words.strip()
