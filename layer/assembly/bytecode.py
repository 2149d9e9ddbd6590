"""Turns sources into what the layer carries: `.pyc` files of the closure, and one bundle of the extension.

Law: no source goes along, and names in tracebacks are those of the running layer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layer.assembly import HOME, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from layer.assembly.interpreter import Interpreter


@dataclass(slots=True)
class Jobs:
    """What is to be compiled into `home`, the folder that becomes /opt/sidekey."""

    home: Path
    files: list[tuple[str, str, str]] = field(default_factory=list)
    bundle: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def add_file(self, source: Path, place: str) -> None:
        """Compile `source` to `place` below home, its suffix replaced."""
        target = (self.home / place).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.files.append((str(source), str(target), f"{HOME}/{place}"))

    def add_to_bundle(self, sources: Iterable[Path], root: Path) -> None:
        """Put modules into the bundle, named by their places below `root`."""
        self.bundle += [_bundled(source, source.relative_to(root)) for source in sources]

    def run(self, interpreter: Interpreter) -> None:
        """Compile all of it."""
        jobs = {
            "files": self.files,
            "bundle": self.bundle,
            "bundle_target": str(self.home / "extension.bundle"),
        }
        script = REPOSITORY / "layer/assembly/pinned/bytecode.py"
        interpreter.run(str(script), given=json.dumps(jobs))


def _bundled(source: Path, place: Path) -> tuple[str, str, str, bool]:
    is_package = place.name == "__init__.py"
    name = ".".join(place.parent.parts if is_package else place.with_suffix("").parts)
    return name, str(source), f"{HOME}/{place}", is_package
