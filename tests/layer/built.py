"""The layers under test: built once for all test processes, then unpacked as Lambda unpacks them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import time
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from layer.assembly import ARCHITECTURES, REPOSITORY, Architecture
from layer.assembly.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = REPOSITORY / "build" / "layer-under-test"
_OLD_SECONDS = 1800
_MADE_OF = ("extension", "layer", "pyproject.toml")


@dataclass(frozen=True)
class Layers:
    """Both layers: the files of dist/, and what Lambda would have in /opt."""

    dist: Path

    def zip(self, architecture: Architecture) -> Path:
        """Return the zip of one."""
        return self.dist / f"sidekey-{architecture}.zip"

    def opt(self, architecture: Architecture) -> Path:
        """Return the folder that one was unpacked to."""
        return self.dist.parent / f"opt-{architecture}"


@cache
def layers() -> Layers:
    """Build what has not been built of today's sources; the other test process waits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".held").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        folder = FOLDER / _identity()
        if not folder.exists():
            partial = FOLDER / "partial"
            forget_old()
            build(partial)
            partial.rename(folder)
    return Layers(folder / "dist")


def build(folder: Path) -> None:
    """Build and unpack both layers below `folder`."""
    made = Layers(folder / "dist")
    assert main(["--dist", str(made.dist)]) == 0, "the layer cannot be built: see above"
    for architecture in ARCHITECTURES:
        unpack(made.zip(architecture), made.opt(architecture))


def forget_old() -> None:
    """Remove the layers that no running test can still be using."""
    long_ago = time.time() - _OLD_SECONDS
    for path in FOLDER.iterdir():
        if path.is_dir() and path.stat().st_mtime < long_ago:
            shutil.rmtree(path, ignore_errors=True)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip with its modes, as Lambda does."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            Path(content.extract(entry, folder)).chmod(entry.external_attr >> 16 & 0o777)


def _identity() -> str:
    """Return a hash of everything that the layers are made of."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _sources() -> Iterable[Path]:
    found = (path for name in _MADE_OF for path in (REPOSITORY / name, *(REPOSITORY / name).rglob("*")))
    return sorted(path for path in found if path.is_file() and path.suffix != ".pyc")
