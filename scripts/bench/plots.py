"""The pictures: cold starts and hits, as PNG and SVG that can be read on light and on dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scripts.pictures import GREY, STYLE, save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    Results = Mapping[str, Any]

GREEN, ORANGE, VIOLET, BLUE = "#1f9e89", "#d98324", "#8f77d1", "#3f8fd2"
STARTED = {"layer": "Sidekey", "in function": "boto3 in the function", "naive": "naive extension"}
PHASES = {
    "registered_ms": ("registered", BLUE),
    "first_ms": ("first secret", GREEN),
    "next_ms": ("all secrets", VIOLET),
}
SERVERS = {
    "sidekey": ("Sidekey", GREEN),
    "nginx": ("nginx", BLUE),
    "node": ("node", ORANGE),
    "aiohttp": ("aiohttp", VIOLET),
}


def draw(results: Results, folder: Path) -> None:
    """Write both pictures into `folder`."""
    save(_cold(results), folder, "bench-cold")
    save(_hot(results), folder, "bench-hot")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure in our style."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _cold(results: Results) -> Figure:
    """Draw when each design has registered and has its secrets, on a full core and on 128 MB functions."""
    with mpl.rc_context(STYLE):
        figure = new_figure(10, 3.2)
        small = results["shares"].get("128")
        whole = {name: results["cold"]["5"][name]["10"] for name in STARTED}
        panels = [("a core", whole), *([("the CPU share of a 128 MB function", small)] if small else [])]
        for axes, (title, starts) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _timeline(axes, starts)
            axes.set_title(title, fontsize=9)
        figure.axes[0].legend(frameon=False, loc="upper right")
        figure.suptitle("ten secrets over TLS, 5 ms away: milliseconds from exec (the number: to the first secret)")
    return figure


def _timeline(axes: Axes, starts: Mapping[str, Any]) -> None:
    for row, name in enumerate(reversed(STARTED)):
        for figure, (label, colour) in reversed(PHASES.items()):
            if figure in starts[name]:
                milliseconds = starts[name][figure]["median"]
                axes.barh(row, milliseconds, color=colour, height=0.6, label=label if name == "layer" else None)
        last = starts[name]["next_ms"]["median"]
        axes.text(last, row, f" {starts[name]['first_ms']['median']:,.0f}", va="center")
    axes.set_yticks(range(len(STARTED)), list(reversed(STARTED.values())))
    axes.margins(x=0.12)


def _hot(results: Results) -> Figure:
    """Draw latency, CPU and rate of a hit beside other servers."""
    panels = (
        ("hit by name, 1 kept, same core", "p50_us", "p50, µs\n(kept alive, one core)", 1),
        ("hit by name, 1 new", "p50_us", "p50, µs\n(new connection)", 1),
        ("hit by name, 1 kept, same core", "cpu_us", "CPU per hit, µs", 1),
        ("hit by name, 64 kept", "per_second", "thousand hits per second\n(64 connections)", 1000),
    )
    with mpl.rc_context(STYLE):
        figure = new_figure(10, 2.6)
        for axes, (load, part, title, unit) in zip(figure.subplots(1, len(panels)), panels, strict=True):
            values = [results["hot"][load][server][part] / unit for server in SERVERS]
            labels, colours = zip(*SERVERS.values(), strict=True)
            bars = axes.bar(labels, values, color=colours)
            axes.bar_label(bars, fmt="%.0f", color=GREY)
            axes.set_title(title, fontsize=9)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.tick_params("x", labelsize=8)
    return figure
