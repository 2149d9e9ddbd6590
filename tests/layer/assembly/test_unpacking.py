"""Packages and wheels are unpacked into their folder, and nowhere else."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from layer.assembly import BuildError
from layer.assembly.unpacking import data_member, unpack

if TYPE_CHECKING:
    from pathlib import Path


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a compressed tar of the members."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:xz") as archive:
            [archive.addfile(info, io.BytesIO(content)) for info, content in members]
        return file.getvalue()


def member(
    name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(content), 0o755
    return info, content


def deb(data: bytes) -> bytes:
    """Return a Debian package with `data` as its data.tar.xz."""
    parts = [("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", data)]
    padded = ((name, content, content + b"\n" * (len(content) % 2)) for name, content in parts)
    return b"!<arch>\n" + b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode() + all_of_it
        for name, content, all_of_it in padded
    )


def test_unpacks_files_and_links_of_a_package(tmp_path: Path) -> None:
    """Files keep their modes, links their targets."""
    package = tmp_path / "p.deb"
    package.write_bytes(
        deb(
            tar(
                member("./", kind=tarfile.DIRTYPE),
                member("./usr/lib/libz.so.1.3", b"library"),
                member("./usr/lib/libz.so.1", kind=tarfile.SYMTYPE, link="libz.so.1.3"),
                member("./usr/lib/same", kind=tarfile.LNKTYPE, link="./usr/lib/libz.so.1.3"),
            )
        )
    )

    unpack([package], tmp_path / "root")

    library = tmp_path / "root/usr/lib/libz.so.1"
    assert library.is_symlink()
    assert (library.read_bytes(), library.stat().st_mode & 0o777) == (b"library", 0o755)
    assert (tmp_path / "root/usr/lib/same").read_bytes() == b"library"


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside", b"x")],
        [member("/etc/passwd", b"x")],
        [member("./way", kind=tarfile.SYMTYPE, link="/tmp"), member("./way/out", b"x")],
    ],
)
def test_refuses_to_write_outside(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Neither dots, nor the root, nor a link lead out."""
    package = tmp_path / "p.deb"
    package.write_bytes(deb(tar(*members)))

    with pytest.raises(BuildError, match=r"outside its folder"):
        unpack([package], tmp_path / "root")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"!<arch>\n", deb(b"")[:90]])
def test_says_what_is_no_package(content: bytes) -> None:
    """A file without data in it cannot be a package."""
    with pytest.raises(BuildError, match=r"p.deb is not a Debian package"):
        data_member(content, "p.deb")


def test_unpacks_wheels_with_their_programs(tmp_path: Path) -> None:
    """Programs can be run; of the compiler's own library only what it looks for is there."""
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
        program = zipfile.ZipInfo("ziglang/zig")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, b"program")
        archive.writestr("ziglang/lib/std/std.zig", b"")
        archive.writestr("ziglang/lib/libc/huge.c", b"")

    unpack([tmp_path / "w.whl"], tmp_path / "root")

    assert (tmp_path / "root/ziglang/zig").stat().st_mode & 0o100
    assert [path.name for path in (tmp_path / "root/ziglang/lib").rglob("*.*")] == ["std.zig"]
