"""Unpacks Debian packages and wheels, without Debian's tools.

Law: a path that would leave the folder is refused, and nothing of a package is run.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from layer.assembly import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARCHIVE_MAGIC = b"!<arch>\n"
_HEADER_BYTES = 60
_ZIG_LIBRARY = "ziglang/lib/"


def unpack(files: Iterable[Path], folder: Path) -> None:
    """Unpack packages and wheels over each other into `folder`."""
    for path in files:
        if path.suffix == ".deb":
            unpack_package(path, folder)
        else:
            unpack_wheel(path, folder)


def unpack_package(path: Path, folder: Path) -> None:
    """Unpack the files of a Debian package."""
    content = data_member(path.read_bytes(), path.name)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            _unpack_member(archive, member, folder)


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack a file or a link; folders come with their files, and owners are of no interest."""
    if member.isdir():
        return
    target = _place(member.name, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
    elif member.islnk():
        target.hardlink_to(_place(member.linkname, folder))
    elif content := archive.extractfile(member):
        target.write_bytes(content.read())
        target.chmod(member.mode)


def unpack_wheel(path: Path, folder: Path) -> None:
    """Unpack the files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if _is_idle(entry.filename):
                continue
            placed = Path(archive.extract(entry, folder))  # leads nowhere outside it
            if entry.external_attr >> 16 & 0o100:
                placed.chmod(0o755)


def _is_idle(name: str) -> bool:
    """Tell whether this is of zig's own library: 230 MB that the launcher does not use, but for one file."""
    return name.startswith(_ZIG_LIBRARY) and name != f"{_ZIG_LIBRARY}std/std.zig"


def data_member(content: bytes, name: str) -> bytes:
    """Return the `data.tar` inside a package, which is an `ar` archive of three members."""
    place = len(_ARCHIVE_MAGIC)
    while content.startswith(_ARCHIVE_MAGIC) and place + _HEADER_BYTES <= len(content):
        header = content[place : place + _HEADER_BYTES]
        size = int(header[48:58])
        place += _HEADER_BYTES
        if header.startswith(b"data.tar"):
            return content[place : place + size]
        place += size + size % 2
    msg = f"{name} is not a Debian package"
    raise BuildError(msg)


def _place(name: str, folder: Path) -> Path:
    """Return where a member goes; neither dots nor an earlier member's link lead out of the folder."""
    target = Path(os.path.normpath(folder / name))
    if not target.is_relative_to(folder) or not target.parent.resolve().is_relative_to(folder.resolve()):
        msg = f"a package wants to write outside its folder: {name}"
        raise BuildError(msg)
    return target
