"""``python -m abc_interface_checker``."""

import sys

from abc_interface_checker.command import main

__all__: list[str] = []

sys.exit(main())
