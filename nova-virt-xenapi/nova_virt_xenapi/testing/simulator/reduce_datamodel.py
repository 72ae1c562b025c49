"""Makes ``datamodel.json``, what the simulator needs of the vendor's data model.

The source holds the vendor's ``xenapi.json`` (xapi 26.17: xapi-project/xapi-project.github.io at
92ec74e, generated from xapi-project/xen-api at b56692c), with classes, fields, messages and
enumerations by name, and the documented errors. Kept are the classes below, and of them types,
defaults and who may write; descriptions and histories are left out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["reduced", "rendered"]

# fmt: off
CLASSES = (
    "session", "task", "event", "pool", "VM", "VM_metrics", "VM_guest_metrics", "host",
    "host_metrics", "host_cpu", "network", "VIF", "PIF", "VDI", "VBD", "SR", "PBD", "SM",
    "console", "message", "PCI", "PGPU", "GPU_group", "VGPU_type", "VGPU", "VTPM",
)
# fmt: on


def reduced(source: dict[str, Any]) -> dict[str, Any]:
    """The reduced form: a field is ``[type, writer, default]``, a message is ``[parameters,
    result, implicit, removed]``, a parameter is ``[name, type, required]``.
    """
    return {
        "source": {"xapi": "26.17", **source["source"]},
        "errors": source["errors"],
        "classes": {name: _class(source["classes"][name]) for name in CLASSES},
    }


def _class(described: dict[str, Any]) -> dict[str, Any]:
    return {
        "enums": described["enums"],
        "fields": {
            name: [field["type"], field["qualifier"], field.get("default")]
            for name, field in described["fields"].items()
        },
        "messages": {
            name: [
                [[part["name"], part["type"], part["required"]] for part in message["params"]],
                message["result"],
                message["implicit"],
                message["lifecycle"] == "Removed",
            ]
            for name, message in described["messages"].items()
        },
    }


def rendered(data: dict[str, Any]) -> str:
    """One line for each field and message: a later version compares well."""
    lines = ["{"]
    lines += [f"{json.dumps(key)}: {json.dumps(data[key])}," for key in ("source", "errors")]
    return "\n".join([*lines, '"classes": {', ",\n".join(_rendered_classes(data)), "}}", ""])


def _rendered_classes(data: dict[str, Any]) -> Iterator[str]:
    for name, described in data["classes"].items():
        parts = [f'"enums": {json.dumps(described["enums"])}']
        for kind in ("fields", "messages"):
            rows = [f"{json.dumps(key)}: {json.dumps(row)}" for key, row in described[kind].items()]
            parts.append(f'"{kind}": {{\n' + ",\n".join(rows) + "\n}")
        yield f"{json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n}"


def main() -> None:
    """Read the file that is named on the command line and write the one beside this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the vendor's data model as JSON")
    source = json.loads(parser.parse_args().source.read_text(encoding="utf-8"))
    target = Path(__file__).with_name("datamodel.json")
    target.write_text(rendered(reduced(source)), encoding="utf-8")


if __name__ == "__main__":
    main()
