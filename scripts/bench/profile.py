"""`make profile`: where the boot time goes, module by module, as a picture.

    above: what happens when, from exec to `next`: phases, modules, and each connection's dial and calls
    below: what each module costs

It starts the layer some times with ten secrets 5 ms away, and shows the start whose length is the median.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import uvloop

from scripts.bench.cloud import Cloud
from scripts.bench.cold import LEAN, PATIENCE_SECONDS, PHASE
from scripts.bench.enclosure import LAYER_PYTHON, cores, enter, first_core, folder, mount_layer, spawn
from scripts.bench.plots import BLUE, GREEN, ORANGE, VIOLET, new_figure
from scripts.pictures import GREY, STYLE, save
from scripts.stage.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

WATCHED = str(Path(__file__).with_name("watched.py"))
STARTS, SHOWN = 9, 16
KINDS = {"our modules": GREEN, "bundles read": BLUE, "C modules": ORANGE}
ON_CONNECTIONS = {"dial": ("connection and handshake", VIOLET), "roots": ("roots", ORANGE), "call": ("call", GREEN)}


@dataclass(frozen=True)
class Span:
    """Something that took from `begun` to `ended`, in milliseconds from exec."""

    name: str
    begun: float
    ended: float
    thread: str = ""

    @property
    def kind(self) -> str:
        """What it is."""
        if self.name.startswith("extension"):
            return "our modules"
        return "bundles read" if self.name.endswith(".bundle") else "C modules"


@dataclass(frozen=True)
class Boot:
    """One start: what modules and connections did, in the order of their ends, and when it reached each phase."""

    modules: list[Span]
    connections: list[Span]
    phases: dict[str, float]

    @property
    def milliseconds(self) -> float:
        """How long it took, to `next`."""
        return self.phases["next"]

    def own(self) -> dict[str, float]:
        """Return what each module cost without those that were imported meanwhile."""
        cost: dict[str, float] = defaultdict(float)
        for span in self.modules:
            within = [other for other in self.modules if other is not span and _is_within(other, span)]
            direct = [one for one in within if not any(one is not other and _is_within(one, other) for other in within)]
            cost[span.name] += span.ended - span.begun - sum(one.ended - one.begun for one in direct)
        return cost


def _is_within(one: Span, other: Span) -> bool:
    return other.begun <= one.begun and one.ended <= other.ended


async def watch(cloud: Cloud) -> Boot:
    """Start once."""
    reached = asyncio.Event()
    cloud.note = lambda what, _when: reached.set() if what == "next" else None
    ours, theirs = os.pipe()
    level = {"PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "debug"}
    environment = cloud.environment(5, 10, **level, WATCH_FD=str(theirs))
    with first_core():
        begun = time.time()
        process = spawn((LAYER_PYTHON, *LEAN, WATCHED, "sidekey"), environment, stderr=subprocess.PIPE, keep=[theirs])
    os.close(theirs)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reached.wait()
    finally:
        process.kill()
    _, said = process.communicate()
    with os.fdopen(ours) as lines:
        spans = [_span(line, begun) for line in lines]
    return Boot(
        [span for span in spans if span.name not in ON_CONNECTIONS],
        [span for span in spans if span.name in ON_CONNECTIONS],
        {name.decode(): (float(at) - begun) * 1000 for name, at in PHASE.findall(said)},
    )


def _span(line: str, begun: float) -> Span:
    name, first, last, thread = line.split()
    return Span(name, (float(first) - begun) * 1000, (float(last) - begun) * 1000, thread)


def draw(boot: Boot, target: Path) -> None:
    """Write boot.png and boot.svg."""
    with mpl.rc_context(STYLE):
        figure = new_figure(10, 8)
        timeline, ranking = figure.subplots(2, 1, height_ratios=[1.2, 2])
        _draw_timeline(timeline, boot)
        _draw_ranking(ranking, boot)
        figure.suptitle(f"{boot.milliseconds:.1f} ms from exec to next, with ten secrets 5 ms away")
    save(figure, target, "boot")


def _draw_timeline(axes: Axes, boot: Boot) -> None:
    """Draw phases above modules above the worker threads."""
    edges = [0.0, *boot.phases.values()]
    names = ["interpreter", "bind", "register", "import, assemble, prefetch", "settle"]
    for name, begun, ended, colour in zip(names, edges, edges[1:], [GREY, BLUE, VIOLET, GREEN, GREY], strict=False):
        _draw_span(axes, "phases", begun, ended, colour, alpha=0.45)
        if ended - begun > boot.milliseconds / 12:
            axes.text((begun + ended) / 2, "phases", name, ha="center", va="center")  # type: ignore[arg-type]
    for span in boot.modules:
        _draw_span(axes, "modules run", span.begun, span.ended, KINDS[span.kind])
    threads = list(dict.fromkeys(span.thread for span in sorted(boot.connections, key=lambda span: span.begun)))
    for number in range(len(threads)):
        _draw_span(axes, f"worker {number + 1}", 0, 0, GREY)
    for kind, (_, colour) in ON_CONNECTIONS.items():
        for span in (span for span in boot.connections if span.name == kind):
            _draw_span(axes, f"worker {threads.index(span.thread) + 1}", span.begun, span.ended, colour)
    for label, colour in ON_CONNECTIONS.values():
        axes.barh("phases", 0, color=colour, label=label)
    axes.legend(frameon=False, loc="lower left")
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds from exec")
    axes.set_xlim(0, boot.milliseconds)


def _draw_span(axes: Axes, row: str, begun: float, ended: float, colour: str, alpha: float = 1.0) -> None:
    axes.barh(row, ended - begun, left=begun, color=colour, height=0.8, alpha=alpha)


def _draw_ranking(axes: Axes, boot: Boot) -> None:
    """Draw the dearest modules, and the rest as one."""
    own = boot.own()
    dearest = sorted(own, key=lambda name: own[name], reverse=True)[:SHOWN]
    rest = sum(own.values()) - sum(own[name] for name in dearest)
    names = [*dearest, f"{len(own) - len(dearest)} others"]
    values = [*(own[name] for name in dearest), rest]
    colours = [*(KINDS[Span(name, 0, 0).kind] for name in dearest), GREY]
    bars = axes.barh(names[::-1], values[::-1], color=colours[::-1])
    axes.bar_label(bars, fmt=" %.2f", color=GREY)
    for kind, colour in KINDS.items():
        axes.barh(names[0], 0, color=colour, label=kind)
    axes.legend(frameon=False, loc="lower right")
    axes.set_xlabel("milliseconds of its own")


async def profile() -> Boot:
    """Return the start of median length."""
    cloud = Cloud(str(folder()))
    await cloud.open()
    boots = [await watch(cloud) for _ in range(STARTS)]
    return sorted(boots, key=lambda boot: boot.milliseconds)[STARTS // 2]


def main(arguments: Sequence[str]) -> None:
    """Profile, draw, and say what is dearest."""
    enter("scripts.bench.profile", arguments)
    mount_layer()
    os.sched_setaffinity(0, {cores()[1]})
    boot = uvloop.run(profile())
    draw(boot, ROOT / "docs")
    print(f"{boot.milliseconds:.1f} ms from exec to next; docs/boot.png, docs/boot.svg")
    own = boot.own()
    for name in sorted(own, key=lambda name: own[name], reverse=True)[:SHOWN]:
        print(f"  {own[name]:6.2f} ms  {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
