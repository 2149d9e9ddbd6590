"""Turns sources into what the layer carries: `.pyc` files of the closure, and the bundles of the extension.

Law: no source goes along, and names in tracebacks are those of the running layer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layer.assembly import HOME, REPOSITORY
from layer.assembly.stages import stages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layer.assembly.interpreter import Interpreter


@dataclass(slots=True)
class Jobs:
    """What is to be compiled into `home`, the folder that becomes /opt/sidekey."""

    home: Path
    files: list[tuple[str, str, str]] = field(default_factory=list)
    sources: dict[str, Path] = field(default_factory=dict)

    def add_file(self, source: Path, place: str) -> None:
        """Compile `source` to `place` below home, its suffix replaced."""
        target = (self.home / place).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.files.append((str(source), str(target), f"{HOME}/{place}"))

    def add_to_bundles(self, sources: Iterable[Path], root: Path) -> None:
        """Put modules into the bundles, named by their places below `root`."""
        self.sources |= {_name(source.relative_to(root)): source for source in sources}

    def run(self, interpreter: Interpreter) -> None:
        """Compile all of it."""
        found = stages(self.sources)
        jobs = {
            "files": self.files,
            "bundles": {str(self.home / f"{stage}.bundle"): self._bundled(names) for stage, names in found.items()},
        }
        script = REPOSITORY / "layer/assembly/pinned/bytecode.py"
        interpreter.run(str(script), given=json.dumps(jobs))

    def _bundled(self, names: Iterable[str]) -> list[tuple[str, str, str, bool]]:
        """Return name, source, name in tracebacks, and whether it is a package."""
        found = [(name, self.sources[name]) for name in names]
        return [(name, str(source), _shown(name, source), _is_package(source)) for name, source in found]


def _is_package(source: Path) -> bool:
    return source.name == "__init__.py"


def _name(place: Path) -> str:
    return ".".join(place.parent.parts if _is_package(place) else place.with_suffix("").parts)


def _shown(name: str, source: Path) -> str:
    return f"{HOME}/{name.replace('.', '/')}{'/__init__' if _is_package(source) else ''}.py"
