"""How the project's pictures look: readable on light and on dark pages, the same figures always in the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

GREY = "#808a94"
STYLE: Any = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "svg.fonttype": "none",
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write PNG and SVG, without dates and with ids of their own; return their paths."""
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(paths[0], dpi=160, transparent=True, metadata={"Software": None})
        figure.savefig(paths[1], transparent=True, metadata={"Date": None, "Creator": None})
    return paths
