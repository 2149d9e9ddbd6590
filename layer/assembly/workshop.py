"""Where the layer is made: downloads checked, packages unpacked, tools at hand, each of them once.

Law: what is unpacked is kept under the hash of what it came from, so a new lock never meets old files.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layer.assembly.binaries import Tools
from layer.assembly.downloads import bring
from layer.assembly.interpreter import Interpreter
from layer.assembly.platforms import PLATFORMS, Platform, this_machine
from layer.assembly.tree import Parts
from layer.assembly.unpacking import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layer.assembly import Architecture
    from layer.assembly.lock import Kind, Locked


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder to work in, a folder of downloads, and the lock."""

    folder: Path
    downloads: Path
    lock: tuple[Locked, ...]

    @property
    def here(self) -> Platform:
        """The platform that the build runs on."""
        return this_machine()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder: two builds in one folder take turns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".held").open("w") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            yield

    def entries(self, architecture: Architecture, *kinds: Kind) -> list[Locked]:
        """Return what the lock has for `architecture`."""
        return [entry for entry in self.lock if entry.kind in kinds and entry.runs_on(architecture)]

    def parts(self, architecture: Architecture) -> Parts:
        """Return everything that a layer for `architecture` is made of, unpacked."""
        own = self._unpacked("package", self.here.architecture)
        return Parts(
            platform=PLATFORMS[architecture],
            root=self._unpacked("package", architecture),
            wheels=self._unpacked("wheel", architecture),
            tools=Tools(self._unpacked("tool", self.here.architecture)),
            interpreter=Interpreter(own, self.here),
        )

    def _unpacked(self, kind: Kind, architecture: Architecture) -> Path:
        """Return the folder where all files of a kind are unpacked over each other."""
        entries = self.entries(architecture, kind)
        identity = hashlib.sha256("".join(entry.sha256 for entry in entries).encode()).hexdigest()[:12]
        folder = self.folder / "unpacked" / f"{kind}-{architecture}-{identity}"
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            unpack(bring(entries, self.downloads).values(), partial)
            partial.rename(folder)
        return folder
