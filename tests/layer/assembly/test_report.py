"""What a layer weighs is told, and held to its limits."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from layer.assembly import BuildError
from layer.assembly.report import MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES, check, part_of, table, weigh

if TYPE_CHECKING:
    from pathlib import Path


def archive(path: Path, **files: bytes) -> Path:
    """Return a zip with files below sidekey/."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as content:
        [content.writestr(f"sidekey/{name}", data) for name, data in files.items()]
    return path


def test_adds_up_by_part(tmp_path: Path) -> None:
    """Files of one part are one row."""
    weights = weigh(archive(tmp_path / "l.zip", **{"bin/a": b"x" * 100, "bin/b": b"y" * 50, "cert.pem": b"z"}))

    assert {part: unzipped for part, (_, unzipped) in weights.items()} == {"interpreter": 150, "authorities": 1}


def test_tells_the_total(tmp_path: Path) -> None:
    """The last row is the sum, in megabytes."""
    lines = table(archive(tmp_path / "l.zip", **{"bin/a": b"x" * 1_000_000})).splitlines()

    assert lines[0].split()[0] == "l.zip"
    assert lines[-1].split()[::2] == ["total", "1.00"]


def test_refuses_a_layer_that_is_too_heavy_on_disk(tmp_path: Path) -> None:
    """Well compressed does not mean small."""
    with pytest.raises(BuildError, match=r"too heavy: .* 32\.00 MB unzipped"):
        check(archive(tmp_path / "l.zip", **{"bin/a": b"\0" * (MAX_UNZIPPED_BYTES + 1)}))


def test_refuses_a_layer_that_is_too_heavy_to_download(tmp_path: Path) -> None:
    """What does not compress counts in full."""
    with pytest.raises(BuildError, match=r"too heavy: 12\.\d\d MB zipped"):
        check(archive(tmp_path / "l.zip", **{"bin/a": os.urandom(MAX_ZIPPED_BYTES)}))


@pytest.mark.parametrize("name", ["bin/tool", "lib/libz.so", "python/x.py", "README"])
def test_refuses_files_outside_the_two_places(name: str) -> None:
    """/opt/bin, /opt/lib and /opt/python are on the function's own search paths."""
    with pytest.raises(BuildError, match=r"outside the layer's two places"):
        part_of(name)
