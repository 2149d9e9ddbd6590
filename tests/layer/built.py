"""The layers under test: built once for all test processes, then unpacked as Lambda unpacks them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from layer.assembly import ARCHITECTURES, REPOSITORY, Architecture

BUILD = REPOSITORY / "build" / "layer"
FOLDER = REPOSITORY / "build" / "layer-under-test"
_OLD_SECONDS = 1800


@dataclass(frozen=True)
class Layers:
    """Both layers: the files of dist/, and what Lambda would have in /opt."""

    dist: Path

    @property
    def sources(self) -> Path:
        """The state of the repository that they were built from."""
        return self.dist.parent / "sources"

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
        forget_old()
        partial = Layers(FOLDER / "partial" / "dist")
        shutil.rmtree(partial.dist.parent, ignore_errors=True)
        copy_sources(REPOSITORY, partial.sources)
        folder = FOLDER / identity(partial.sources)
        if not folder.exists():
            build(partial.sources, "--build", str(BUILD), "--dist", str(partial.dist))
            for architecture in ARCHITECTURES:
                unpack(partial.zip(architecture), partial.opt(architecture))
            partial.dist.parent.rename(folder)
    return Layers(folder / "dist")


def copy_sources(repository: Path, target: Path) -> None:
    """Copy what the layers are made of, so that a build sees one state of it."""
    for name in ("extension", "layer"):
        shutil.copytree(repository / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(repository / name, target)


def build(sources: Path, *options: str) -> None:
    """Run `make layer`'s command in a copy of the sources."""
    done = subprocess.run(
        [sys.executable, "-m", "layer.assembly", *options], cwd=sources, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


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


def identity(sources: Path) -> str:
    """Return a hash of everything that the layers are made of."""
    digest = hashlib.sha256()
    for path in sorted(path for path in sources.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(sources)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
