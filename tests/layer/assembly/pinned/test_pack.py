"""The same files give the same archives."""

from __future__ import annotations

import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from layer.assembly.pinned.pack import main

if TYPE_CHECKING:
    from pathlib import Path


def tree(folder: Path, names: list[str]) -> Path:
    """Make files in the order of `names`; the program among them can be run."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "extensions/sidekey").chmod(0o700)
    return folder


NAMES = ["sidekey/b", "extensions/sidekey", "sidekey/a/c"]


@pytest.mark.parametrize("suffix", ["zip", "tar"])
def test_neither_order_nor_time_nor_folder_shows(tmp_path: Path, suffix: str) -> None:
    """What was made in another order, place and year packs alike."""
    one, other = tree(tmp_path / "one", NAMES), tree(tmp_path / "other", NAMES[::-1])
    os.utime(other / "sidekey/b", (0, 0))

    main(str(one), str(tmp_path / f"1.{suffix}"))
    main(str(other), str(tmp_path / f"2.{suffix}"))

    assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()


def test_zip_can_be_unpacked_into_opt(tmp_path: Path) -> None:
    """Sorted, with a mode for programs and one for the rest."""
    main(str(tree(tmp_path / "tree", NAMES)), str(tmp_path / "l.zip"))

    entries = zipfile.ZipFile(tmp_path / "l.zip").infolist()
    assert [(entry.filename, entry.external_attr >> 16) for entry in entries] == [
        ("extensions/sidekey", 0o100755),
        ("sidekey/a/c", 0o100644),
        ("sidekey/b", 0o100644),
    ]


def test_tar_can_be_unpacked_into_a_root(tmp_path: Path) -> None:
    """It holds opt/, for images that are made without docker; a partial file's name counts, too."""
    main(str(tree(tmp_path / "tree", NAMES)), str(tmp_path / ".l.tar.partial"))

    with tarfile.open(tmp_path / ".l.tar.partial") as archive:
        assert archive.getnames() == ["opt/extensions/sidekey", "opt/sidekey/a/c", "opt/sidekey/b"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    """The kernel's own full device says what a full disk says."""
    folder = tree(tmp_path / "tree", NAMES)

    with pytest.raises(SystemExit, match=r"cannot write /dev/full: No space left on device"):
        main(str(folder), "/dev/full")
