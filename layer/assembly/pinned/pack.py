"""Packs a folder: `pack.py FOLDER TARGET`, as a zip or, when TARGET ends so, a plain tar.

Law: the same files give the same bytes: sorted entries, one fixed time, two modes, no owner.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
LONG_AGO_SECONDS = 315532800


def entries(folder: Path) -> list[tuple[str, Path, int]]:
    """Return every file as (name, path, mode), sorted by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted((path.relative_to(folder).as_posix(), path, _mode(path)) for path in files)


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def pack_zip(folder: Path, target: Path) -> None:
    """Write the zip that Lambda unpacks into /opt."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path, mode in entries(folder):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix: Lambda reads the modes
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def pack_tar(folder: Path, target: Path) -> None:
    """Write the same as a tar of /opt, for images that are made without docker."""
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, path, mode in entries(folder):
            entry = tarfile.TarInfo(f"opt/{name}")
            entry.mtime, entry.mode, entry.size = LONG_AGO_SECONDS, mode, path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(entry, file)


def main(folder: str, target: str) -> None:
    """Pack; a full disk and the like are one sentence and a status."""
    pack = pack_tar if ".tar" in Path(target).suffixes else pack_zip
    try:
        pack(Path(folder), Path(target))
    except OSError as error:
        sys.exit(f"cannot write {target}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
