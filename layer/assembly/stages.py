"""Which modules of the extension run when, and in which order: what `layer/boot.py` runs without the import system.

    start    all that `extension.__main__` needs to register
    serve    all that assembling, prefetching and serving need
    rest     what is imported inside functions, on demand

Law: read off the sources, from the imports that stand at their top level; nothing is recorded, so nothing gets old.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

ROOTS = {
    "start": ("extension.__main__",),
    "serve": ("extension.assembly", "extension.front.loop", "extension.core.jsontext"),
}
"""The modules that a stage is for; those they need come along."""


def stages(sources: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the modules of each stage in an order in which they can be run; `rest` by name."""
    order = _Order(sources)
    found = {stage: [name for root in roots for name in order.needed_by(root)] for stage, roots in ROOTS.items()}
    return found | {"rest": sorted(set(sources) - order.placed)}


@dataclass
class _Order:
    """Modules in the order in which Python would finish importing them."""

    sources: Mapping[str, Path]
    placed: set[str] = field(default_factory=set)

    def needed_by(self, name: str) -> Iterator[str]:
        """Yield `name` after what it needs, without what was placed before."""
        if name in self.placed:
            return
        self.placed.add(name)
        tree = ast.parse(self.sources[name].read_bytes())
        for other in (*_packages(name), *self._known(_imported(tree.body))):
            yield from self.needed_by(other)
        yield name

    def _known(self, names: Iterable[str]) -> Iterator[str]:
        return (each for name in names for each in (*_packages(name), name) if each in self.sources)


def _packages(name: str) -> list[str]:
    """Return the packages that a module lies in, the outermost first."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield what is imported when a module is run: not inside functions, not for type checkers."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _imported(statement.orelse if _is_for_type_checkers(statement) else statement.body)
        elif isinstance(statement, ast.Try):
            yield from _imported(statement.body)
        elif isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _is_for_type_checkers(statement: ast.If) -> bool:
    return isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
