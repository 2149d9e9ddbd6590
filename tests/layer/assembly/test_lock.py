"""The lock is read as it was written, and says what is wrong with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layer.assembly import BuildError
from layer.assembly.lock import LOCK_FILE, Locked, read_lock, render_lock

if TYPE_CHECKING:
    from pathlib import Path

LIBC = Locked(
    kind="package",
    name="libc6",
    version="2.41-12",
    architecture="arm64",
    path="pool/main/g/glibc/libc6_2.41-12_arm64.deb",
    sha256="ab" * 32,
)


def test_reads_what_it_writes() -> None:
    """The repository's lock is exactly what renewing would write for the same files."""
    assert render_lock(read_lock()) == LOCK_FILE.read_text()


def test_names_no_host() -> None:
    """Packages come from the mirrors of whoever builds."""
    assert "://" not in LOCK_FILE.read_text()


def test_locks_every_file_by_its_hash() -> None:
    """A name and a version alone would trust the mirror."""
    assert {len(entry.sha256) for entry in read_lock()} == {64}


@pytest.mark.parametrize("text", ["not toml [", "[[package]]\nname = 'libc6'\n", ""])
def test_says_how_to_renew_a_broken_lock(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with the file, one command makes a new one."""
    (tmp_path / "lock.toml").write_text(text)

    with pytest.raises(BuildError, match=r"make layer-lock"):
        read_lock(tmp_path / "lock.toml")


@pytest.mark.parametrize(("architecture", "expected"), [("arm64", True), ("x86_64", False)])
def test_knows_where_a_file_is_of_use(architecture: str, expected: bool) -> None:
    """A file for one architecture stays out of the other's layer."""
    assert LIBC.runs_on(architecture) is expected  # type: ignore[arg-type]


def test_keeps_files_under_their_own_names() -> None:
    """The mirror's folders are not repeated."""
    assert LIBC.file_name == "libc6_2.41-12_arm64.deb"
