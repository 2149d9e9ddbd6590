"""Two builds in different folders, one of them from nothing but the downloads, give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from layer.assembly import REPOSITORY
from layer.assembly.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.layer.built import Layers


@pytest.mark.timeout(300)
def test_same_bytes_from_another_folder(built: Layers, tmp_path: Path) -> None:
    """Whoever rebuilds the layer can compare it with the published one."""
    downloads = REPOSITORY / "build" / "layer" / "downloads"

    options = ["--build", str(tmp_path / "elsewhere"), "--downloads", str(downloads), "--dist", str(tmp_path / "dist")]
    assert main(options) == 0

    assert (tmp_path / "dist" / "SHA256SUMS").read_text() == (built.dist / "SHA256SUMS").read_text()
