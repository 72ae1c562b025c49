"""Which imports each repository's shipped code may have: the house's table, and what breaks it."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolbox.layout import Repository

__all__ = ["RULES", "Rule", "imported", "violations"]

_CONTRACT = "nova_virt_interface"
# Who declares what an object provides needs it; it comes with the contract.
_INTERFACES = "zope.interface"
_SUITE = frozenset({"fixtures", "stestr", "subunit", "testtools"})
_DRIVER = frozenset({_CONTRACT, _INTERFACES, "oslo_config", "oslo_log", "oslo_utils", "tenacity"})


@dataclass(frozen=True)
class Rule:
    """What a repository may import beside the standard library and itself.

    `shipped` holds for all of its code; `testing` is added below a folder `testing`. Who may import
    an entry may import what is below it, too, except for a part `testing`: that has to be named.
    """

    shipped: frozenset[str]
    testing: frozenset[str] = _SUITE


RULES = {
    "abc-interface-checker": Rule(frozenset({_INTERFACES}), frozenset()),
    "nova-virt-interface": Rule(frozenset({_INTERFACES}), _SUITE | {"abc_interface_checker"}),
    "nova-virt-libvirt": Rule(
        _DRIVER | {"libvirt", "libvirt_qemu", "lxml"},
        # The harness: configuration drives that it reads, and logging in to consoles.
        _SUITE | {"cryptography", "pycdlib"},
    ),
    "nova-virt-xenapi": Rule(
        # urllib3: what streams of requests raise.
        _DRIVER | {"XenAPI", "requests", "urllib3"},
        # The simulator: its certificates, and its own XML.
        _SUITE | {"lxml", "trustme"},
    ),
    "nova-virt-hyperv": Rule(
        _DRIVER | {"pypsrp", "requests", "smbclient", "smbprotocol"},
        # The simulator: its certificates, its own XML, WQL, and logins.
        _SUITE | {"cryptography", "lxml", "pyparsing", "spnego"},
    ),
    "nova-virt-vmware": Rule(_DRIVER | {"pyVim", "pyVmomi", "requests"}),
    "nova-core-stub": Rule(
        _DRIVER
        | {"cliff", "os_traits", "pycdlib", "requests", "sqlalchemy", "stevedore"}
        # What streams of requests raise.
        | {"urllib3"}
        # The command `conform` runs the contract's suite, which is in the extra of the same name.
        | {f"{_CONTRACT}.testing"}
    ),
}


def imported(source: str, path: Path | None = None) -> Iterator[str]:
    """Every module that the source names in an absolute import, dotted as far as it is known.

    SyntaxError, which names the path, if the source is no Python.
    """
    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(repository: Repository, rule: Rule) -> list[str]:
    """Each import of the repository's package that its rule does not allow: file and module."""
    return [
        f"{path.relative_to(repository.folder)}: {module}"
        for path in sorted((repository.folder / repository.package).rglob("*.py"))
        for module in imported(path.read_text(encoding="utf-8"), path)
        if not _is_allowed(module, path.relative_to(repository.folder), rule)
    ]


def _is_allowed(module: str, path: Path, rule: Rule) -> bool:
    in_testing = "testing" in path.parts
    own = path.parts[0]
    allowed = {own, *rule.shipped, *sys.stdlib_module_names}
    if in_testing:
        allowed |= {f"{own}.testing", f"{_CONTRACT}.testing", *rule.testing}
    return any(_covers(entry, module) for entry in allowed)


def _covers(entry: str, module: str) -> bool:
    if module != entry and not module.startswith(f"{entry}."):
        return False
    return "testing" not in module.removeprefix(entry).split(".")
