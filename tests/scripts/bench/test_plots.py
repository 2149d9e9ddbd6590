"""The pictures of the benchmark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scripts.bench.plots import draw
from scripts.stage.emulator import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = json.loads((ROOT / "docs" / "bench.json").read_text(encoding="utf-8"))


def test_the_same_figures_give_the_same_pictures(tmp_path: Path) -> None:
    """As PNG and SVG; also on a machine that lets nobody set a CPU share."""
    first, second = tmp_path / "first", tmp_path / "second"
    [folder.mkdir() for folder in (first, second)]
    draw(RESULTS, first)
    draw(RESULTS, second)
    draw(RESULTS | {"shares": {"128": None}}, tmp_path)

    assert sorted(path.name for path in first.iterdir()) == [
        "bench-cold.png",
        "bench-cold.svg",
        "bench-hot.png",
        "bench-hot.svg",
    ]
    assert [path.read_bytes() for path in sorted(first.iterdir())] == [
        path.read_bytes() for path in sorted(second.iterdir())
    ]
