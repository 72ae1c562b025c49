"""The source of modules that are imported, and of those that they name without importing them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from abc_interface_checker.source.sources import SourceFile, Sources

__all__ = ["LiveSources"]


class LiveSources(Sources):
    """The source of modules, found when it is asked for; nothing is imported.

    Its iteration gives only the modules that it is made with; others can be asked for.
    """

    def __init__(self, *modules: str) -> None:
        super().__init__({})
        self._listed = modules
        self._found: dict[str, SourceFile | None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._file(name) is not None

    def __getitem__(self, name: str) -> SourceFile:
        found = self._file(name)
        if found is None:
            raise KeyError(name)
        return found

    @property
    def name(self) -> str:
        """The first module's."""
        return self._listed[0] if self._listed else ""

    def _file(self, name: str) -> SourceFile | None:
        if name not in self._found:
            self._found[name] = _source(name)
        return self._found[name]


def _source(name: str) -> SourceFile | None:
    spec = _spec(name)
    if spec is None or spec.loader is None:
        return None
    try:
        text = spec.loader.get_source(name)  # type: ignore[attr-defined]
    except (AttributeError, ImportError, OSError, SyntaxError, UnicodeDecodeError):
        return None
    return None if text is None else SourceFile(spec.origin or name, text)


def _spec(name: str) -> ModuleSpec | None:
    module = sys.modules.get(name)
    if isinstance(module, ModuleType):
        return module.__spec__ or _main(module)
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    return _found_on_disk(name)


def _main(module: ModuleType) -> ModuleSpec | None:
    """A script has no specification."""
    from importlib.util import spec_from_file_location  # noqa: PLC0415

    file = getattr(module, "__file__", None)
    return spec_from_file_location(module.__name__, file) if file else None


def _found_on_disk(name: str) -> ModuleSpec | None:
    owner = name.rpartition(".")[0]
    if not owner:
        return PathFinder.find_spec(name)
    parent = _spec(owner)
    places = parent.submodule_search_locations if parent else None
    return PathFinder.find_spec(name, list(places)) if places else None
