"""Builds the disk image that the tests boot: a Linux that says on its serial console what it sees.

The guest's lines begin with ``NVG ``; ``guest/init`` writes them:

* ``NVG config_drive=yes|no|unreadable``; if yes, ``NVG uuid=`` and ``NVG hostname=`` of its
  meta_data.json, as spelled in JSON, and ``NVG user_data=SHA256`` if it has user data;
* ``NVG firmware=bios|uefi``, ``NVG secure_boot=yes|no``, and ``NVG tpm=VERSION`` if it has a TPM,
  ``NVG random_source=NAME`` if it has one;
* ``NVG dmi_uuid=UUID``, ``NVG mac=MAC`` for each NIC, ``NVG disk=NAME BYTES`` for each disk;
* ``NVG ready``, after which ``NVG mac_added=MAC``, ``NVG mac_removed=MAC``, ``NVG disk_added=NAME
  BYTES`` and ``NVG disk_removed=NAME`` follow within about a second of the change;
* ``NVG poweroff`` when its power button is pressed, before it turns itself off.

On the channel of QEMU's guest agent, if there is one, ``guest/agent.sh`` stands in for qemu-ga. On
the serial console the guest takes orders, each a line: ``hang NUMBER`` and ``answer NUMBER`` for
the agent, ``mount TAG`` for ``NVG share=``, the file ``word`` of a virtiofs, in which it writes a
file ``answer``, ``clock SECONDS`` to put the clock forward, ``report NUMBER`` for ``NVG
agent_password=``, ``NVG agent_frozen=yes|no`` and ``NVG clock=``; the last line about each is ``NVG
obeyed=ARGUMENT``.

It needs 80 MiB of memory (with 64 MiB it does not boot; give it 128), boots from a virtio or SCSI
disk (also IDE, but slowly), and keeps nothing: it runs from memory. Its kernel has no driver for
AHCI, so that it cannot see a SATA CD-ROM: on the machine type q35 attach the config drive as a disk
or by virtio-scsi.

No root rights and no loop device are needed. The kernel is Debian's own for the cloud, and so are
the loaders that a UEFI starts, with Microsoft's signature for secure boot; apt gets them.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_libvirt.testing.prerequisites import (
    require_programs,
    system_environment,
)

__all__ = ["BackendUnavailable", "build_guest_image", "default_directory", "main"]

LOG = logging.getLogger(__name__)

# Part of the image's name: raise it with every change of this module that changes the image.
RECIPE = 3

KERNEL = "linux-image-cloud-amd64"
GUEST_FILES = ("init", "agent.sh", "json_string.awk", "syslinux.cfg", "grub.cfg")
# Package of each loader, its file there, and where a UEFI, or the loader before, looks for it.
UEFI_LOADERS = (
    ("shim-signed", "usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    (
        "grub-efi-amd64-signed",
        "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
        "EFI/BOOT/grubx64.efi",
    ),
)
# Where Debian's GRUB looks for its configuration.
GRUB_FOLDER = "EFI/debian"
MODULES = (
    *(
        "virtio_pci",
        "virtio_blk",
        "virtio_net",
        "virtio_scsi",
        "virtio_console",
        "sd_mod",
        "sr_mod",
        "ata_piix",
    ),
    *("sr_mod", "ata_piix", "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_utf8"),
    *("button", "evdev"),
)
# By the number of a virtio device, in the specification of virtio.
LATE_MODULES = {"0x0004": ("virtio_rng",), "0x001a": ("virtiofs",)}
# Debian's cloud kernel leaves them out; another kernel's guest would profit.
OPTIONAL_MODULES = ("ahci", "e1000")

PACKAGES = {
    "apt-cache": "apt",
    "apt-get": "apt",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "dpkg-deb": "dpkg",
    "mcopy": "mtools",
    "mmd": "mtools",
    "mkfs.vfat": "dosfstools",
    "qemu-img": "qemu-utils",
    "syslinux": "syslinux",
}

MIB = 1024 * 1024


def default_directory() -> Path:
    """Where images are kept unless told otherwise, by the XDG base directory specification."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return base / "nova-virt-libvirt"


def build_guest_image(directory: Path | None = None) -> Path:
    """Return the image's path (qcow2, read-only), after building it if the directory has none yet.

    The name holds the kernel's version and a digest of all else that is ours in the image. One that
    is there is used without asking apt: to move to a newer kernel, remove the file.
    Raises `BackendUnavailable` if a program, or the kernel's package, cannot be had.
    """
    directory = (directory or default_directory()).absolute()
    digest = _recipe_digest()
    found = _find(directory, digest)
    if found:
        return found
    require_programs(PACKAGES)
    directory.mkdir(parents=True, exist_ok=True)
    with _locked_work_folder(directory) as work:
        # Another builder may have made it while this one waited for the lock.
        return _find(directory, digest) or _build(work, directory, digest)


def _recipe_digest() -> str:
    inputs = [_guest_file(name) for name in GUEST_FILES]
    inputs.append(repr((RECIPE, MODULES, LATE_MODULES, OPTIONAL_MODULES, UEFI_LOADERS)).encode())
    sums = (hashlib.sha256(data).digest() for data in inputs)
    return hashlib.sha256(b"".join(sums)).hexdigest()[:16]


def _guest_file(name: str) -> bytes:
    folder = resources.files("nova_virt_libvirt.testing") / "guest"
    return (folder / name).read_bytes()


def _find(directory: Path, digest: str) -> Path | None:
    return max(directory.glob(f"guest-*-{digest}.qcow2"), default=None)


@contextmanager
def _locked_work_folder(directory: Path) -> Iterator[Path]:
    # The folder has a fixed name, so that the next builder removes what a killed one left.
    work = directory / "build"
    with (directory / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work)


def _build(work: Path, directory: Path, digest: str) -> Path:
    package, version = _kernel_package()
    kernel = _unpacked(work, f"{package}={version}")
    loaders = {place: _unpacked(work, name) / file for name, file, place in UEFI_LOADERS}
    LOG.info("writing the disk image")
    _write_initrd(work, kernel)
    disk = _write_disk(work, kernel, loaders)
    disk.chmod(0o444)
    return disk.rename(directory / f"guest-{version}-{digest}.qcow2")


def _unpacked(work: Path, package: str) -> Path:
    """The folder with the files of a package, whose version may be given."""
    LOG.info("fetching %s", package)
    folder = work / package.partition("=")[0]
    folder.mkdir()
    _run("apt-get", "--quiet", "download", package, folder=folder)
    (archive,) = folder.glob("*.deb")
    _run("dpkg-deb", "--extract", archive.name, ".", folder=folder)
    archive.unlink()
    return folder


def _kernel_package() -> tuple[str, str]:
    """Name and version of the package that the newest cloud kernel is in."""
    text = _run("apt-cache", "show", "--no-all-versions", KERNEL)
    found = re.search(r"^Depends:.*?\b(linux-image-\S+) \(= (\S+)\)", text, re.MULTILINE)
    if not found:
        raise BackendUnavailable(f"apt does not say which kernel {KERNEL} stands for: {text!r}")
    return found[1], found[2]


def _write_initrd(work: Path, kernel: Path) -> None:
    tree = work / "tree"
    (tree / "bin").mkdir(parents=True)
    busybox = shutil.which("busybox", path=system_environment()["PATH"])
    assert busybox  # noqa: S101 - one of the required programs
    shutil.copy(busybox, tree / "bin")
    early = _modules_in_order(kernel, MODULES, OPTIONAL_MODULES)
    _copy_modules(early, tree / "modules")
    for number, wanted in LATE_MODULES.items():
        late = [file for file in _modules_in_order(kernel, wanted) if file not in early]
        _copy_modules(late, tree / "late" / number)
    for name in ("init", "agent.sh", "json_string.awk"):
        (tree / name).write_bytes(_guest_file(name))
    for name in ("init", "agent.sh"):
        (tree / name).chmod(0o755)
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    archive, initrd = work / "initrd.cpio", work / "initrd"
    output = f"--file={archive}"
    options = ("--create", "--quiet", "--format=newc", "--owner=+0:+0", output)
    _run("cpio", *options, folder=tree, text="\n".join(names))
    initrd.write_bytes(gzip.compress(archive.read_bytes(), mtime=0))


def _copy_modules(modules: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, module in enumerate(modules):
        shutil.copy(module, folder / f"{number:02}-{module.name}")


def _modules_in_order(
    kernel: Path, wanted: Sequence[str], optional: Sequence[str] = ()
) -> list[Path]:
    """The wanted modules and what they depend on, each after its dependencies."""
    files = {path.stem.replace("-", "_"): path for path in kernel.rglob("*.ko")}
    (builtin_list,) = kernel.rglob("modules.builtin")
    builtin = {Path(line).stem.replace("-", "_") for line in builtin_list.read_text().split()}
    ordered: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in ordered or name in builtin:
            return
        if name not in files:
            raise BackendUnavailable(f"the kernel has no module {name}: the guest would not boot")
        depends = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        for dependency in depends[1].decode().split(",") if depends and depends[1] else ():
            add(dependency.replace("-", "_"))
        ordered[name] = files[name]

    for name in (*wanted, *(name for name in optional if name in files)):
        add(name)
    return list(ordered.values())


def _write_disk(work: Path, kernel: Path, loaders: Mapping[str, Path]) -> Path:
    (vmlinuz,) = kernel.glob("boot/vmlinuz-*")
    for name in ("syslinux.cfg", "grub.cfg"):
        (work / name).write_bytes(_guest_file(name))
    content = {
        "vmlinuz": vmlinuz,
        "initrd": work / "initrd",
        "syslinux.cfg": work / "syslinux.cfg",
        f"{GRUB_FOLDER}/grub.cfg": work / "grub.cfg",
        **loaders,
    }
    # Room for the file system's own tables and for syslinux.
    mib = sum(file.stat().st_size for file in content.values()) // MIB + 2
    raw, disk = work / "disk.img", work / "disk.qcow2"
    # The loader reads each cluster by itself, which takes an emulated processor long.
    _run("mkfs.vfat", "-F", "12", "-s", "64", "-C", str(raw), str(mib * 1024))
    for folder in ("EFI", "EFI/BOOT", GRUB_FOLDER):
        _run("mmd", "-i", str(raw), f"::{folder}")
    for place, file in content.items():
        _run("mcopy", "-i", str(raw), str(file), f"::{place}")
    _run("syslinux", "--install", str(raw))
    _run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(disk))
    return disk


def _run(*command: str, folder: Path | None = None, text: str | None = None) -> str:
    """Run a system program; return its output, or raise `BackendUnavailable` with its words."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **system_environment()},
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip() or done.stdout.strip()
        hint = "; is apt-get update needed?" if command[0].startswith("apt") else ""
        raise BackendUnavailable(f"{' '.join(command)} failed: {words}{hint}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the image, print its path; what is being done goes to the standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m nova_virt_libvirt.testing.guest_image",
        description="Build the disk image that the tests boot, unless it is there; print its path.",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=default_directory(),
        help="where images are kept (default: %(default)s)",
    )
    directory = parser.parse_args(arguments).directory
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    try:
        path = build_guest_image(directory)
    except BackendUnavailable as unavailable:
        parser.exit(1, f"error: {unavailable}\n")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
