"""What the command says when it cannot build, and what it leaves behind: nothing."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from layer.assembly import ARCHITECTURES, BuildError
from layer.assembly.__main__ import explained, main
from layer.assembly.distribution import distribute, sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from layer.assembly.tree import Parts


class BrokenWorkshop:
    """A workshop in which something goes wrong halfway."""

    def __init__(self, dist: Path, error: BaseException) -> None:
        self.dist, self.error = dist, error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold nothing."""
        yield

    def parts(self, _architecture: str) -> Parts:
        """Leave half a file, and fail."""
        (self.dist / ".sidekey-x86_64.zip.partial").write_bytes(b"half a z")
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), BuildError("no")])
def test_leaves_no_half_zip(tmp_path: Path, error: BaseException) -> None:
    """Interrupted, out of space or out of luck: dist/ holds what it held before."""
    (tmp_path / "sidekey-x86_64.zip").write_bytes(b"yesterday's")

    with pytest.raises(type(error)):
        distribute(BrokenWorkshop(tmp_path, error), tmp_path, ARCHITECTURES)  # type: ignore[arg-type]

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("sidekey-x86_64.zip", b"yesterday's")]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (BuildError("the package x is gone"), "the package x is gone"),
        (KeyboardInterrupt(), "interrupted; dist/ is as it was"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; dist/ is as it was"),
        (PermissionError(errno.EACCES, "Permission denied", "/dist"), "Permission denied: /dist; dist/ is as it was"),
    ],
)
def test_says_in_one_sentence_what_stood_in_the_way(error: BaseException, sentence: str) -> None:
    """Nobody has to read a traceback."""
    assert explained(error) == sentence


def test_ends_with_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be made is one line on stderr."""
    (tmp_path / "file").touch()

    assert main(["--dist", str(tmp_path / "file" / "dist"), "--build", str(tmp_path / "build")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_sums_can_be_checked(tmp_path: Path) -> None:
    """The format is that of sha256sum."""
    (tmp_path / "part").write_bytes(b"")

    assert sums({"b.zip": tmp_path / "part", "a.zip": tmp_path / "part"}) == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.zip\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b.zip\n"
    )
