"""The plot: calls, throttles and ages over time, one column for each policy; readable on light and dark pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.fleet.scenario import OPERATIONS, QUOTAS
from scripts.pictures import GREY, STYLE, save

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from scripts.fleet.measures import Measures
    from scripts.fleet.scenario import Floats, Whole

RED = "#d1495b"
COLOURS = {"Sidekey": "#1f9e89", "P&S": "#d98324", "agent": "#8f77d1"}
ROWS = (
    "the first minute:\ncalls per second,\nthrottled in red",
    "all the time:\ncalls per second",
    "throttled\nper second",
    "age of values, s\n(bold: mean, thin:\n99th percentile)",
)
FIRST_SECONDS = 61
STEPS = 720
"""Points in a curve; each shows the highest second of its span."""


def draw(measures: dict[str, Measures], folder: str) -> list[str]:
    """Write fleet.png and fleet.svg into `folder`; return their paths."""
    with mpl.rc_context(STYLE):
        figure = _figure(measures)
    return [str(path) for path in save(figure, Path(folder), "fleet")]


def _figure(measures: dict[str, Measures]) -> Figure:
    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(ROWS), len(measures), sharey="row", squeeze=False)
    for column, (name, each) in enumerate(measures.items()):
        _column(axes[:, column].tolist(), each, COLOURS[name])
        axes[0, column].set_title(name, color=COLOURS[name], fontweight="bold")
        axes[0, column].set_xlabel("seconds since the cold start")
        axes[-1, column].set_xlabel("minutes since the cold start")
    for row, label in enumerate(ROWS):
        axes[row, 0].set_ylabel(label)
    scenario = next(iter(measures.values())).scenario
    what = "secrets" if scenario.service == "secretsmanager" else "parameters"
    figure.suptitle(
        f"{scenario.environments:,} environments with {scenario.items} {what} each, started within "
        f"{scenario.start_seconds:g} s; everything rotated after {scenario.rotated_at / 60:.0f} minutes"
    )
    return figure


def _column(axes: Sequence[Axes], measures: Measures, colour: str) -> None:
    """Draw one policy."""
    scenario, single = measures.scenario, OPERATIONS.index(measures.scenario.single)
    calls, throttled = measures.calls[single], measures.throttled[single]
    first = np.arange(min(FIRST_SECONDS, len(calls)))
    _fill(axes[0], first, calls[first], colour)
    _fill(axes[0], first, throttled[first], RED)
    minutes = np.linspace(0, scenario.seconds / 60, len(highest(calls)))
    _fill(axes[1], minutes, highest(calls), colour)
    _fill(axes[2], minutes, highest(throttled), RED)
    words = f"quota {QUOTAS[scenario.single]:,.0f}/s"
    for each in axes[:2]:
        each.axhline(QUOTAS[scenario.single], color=GREY, linestyle="--", linewidth=1)
        each.text(1, 0.97, words, ha="right", va="top", transform=each.transAxes)
    _ages(axes[3], np.array(measures.ages), colour)


def _fill(axes: Axes, moments: Floats | Whole, counts: Whole, colour: str) -> None:
    """Draw counts per second on a logarithmic scale, which has no zero."""
    axes.fill_between(moments, 0.5, np.maximum(counts, 0.5), color=colour, linewidth=0.6)
    axes.set_yscale("log")
    axes.set_ylim(1, 500_000)
    axes.set_xlim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 6, 10]))


def _ages(axes: Axes, ages: Floats, colour: str) -> None:
    axes.plot(ages[:, 0] / 60, ages[:, 2], color=colour, linewidth=0.8, alpha=0.6)
    axes.plot(ages[:, 0] / 60, ages[:, 1], color=colour, linewidth=1.6)
    axes.set_xlim(0, None)
    axes.set_ylim(0, None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 3, 6, 10]))


def highest(counts: Whole) -> Whole:
    """Return at most STEPS points, each the highest of its span, so that no peak is lost."""
    span = max(1, -(-len(counts) // STEPS))
    padded = np.pad(counts, (0, -len(counts) % span))
    peaks: Whole = padded.reshape(-1, span).max(axis=1)
    return peaks
