"""Two builds in different folders, one of them from nothing but the downloads, give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.layer.built import BUILD, build, copy_sources

if TYPE_CHECKING:
    from pathlib import Path

    from tests.layer.built import Layers


@pytest.mark.timeout(300)
def test_same_bytes_from_another_folder(built: Layers, tmp_path: Path) -> None:
    """Whoever rebuilds the layer can compare it with the published one."""
    copy_sources(built.sources, tmp_path / "elsewhere")

    build(tmp_path / "elsewhere", "--downloads", str(BUILD / "downloads"))

    again = tmp_path / "elsewhere" / "dist" / "SHA256SUMS"
    assert again.read_text() == (built.dist / "SHA256SUMS").read_text()
