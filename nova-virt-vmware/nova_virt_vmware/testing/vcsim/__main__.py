"""``python -m nova_virt_vmware.testing.vcsim``: builds vcsim and prints where it is."""

from __future__ import annotations

import argparse
import sys

from nova_virt_interface.testing.harness import BackendUnavailable

from nova_virt_vmware.testing.vcsim import executable

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns 1 when vcsim cannot be built."""
    argparse.ArgumentParser(
        prog="python -m nova_virt_vmware.testing.vcsim", description=__doc__
    ).parse_args(arguments)
    try:
        print(executable())
    except BackendUnavailable as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
