"""The goals, as ratios within one run, and how each is read off the results.

Law: the bounds are those that were set before the code was written; none is moved to where the code happens to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Results = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """A figure, its bound, and where a farther one was dreamt of, that one; `unit` is empty for a ratio."""

    figure: str
    most: float
    read: Callable[[Results], float]
    stretch: float | None = None
    unit: str = ""
    least: bool = False

    def reached(self, measured: float) -> bool:
        """Tell whether the goal is reached."""
        return measured >= self.most if self.least else measured <= self.most


def cold(results: Results, name: str, figure: str, secrets: int = 10) -> float:
    """Return a median of the cold starts, 5 ms away from AWS."""
    return float(results["cold"]["5"][name][str(secrets)][figure]["median"])


def hot(results: Results, load: str, figure: str, server: str = "sidekey") -> float:
    """Return a median of the hot path."""
    return float(results["hot"][load][server][figure])


def _against(name: str, figure: str) -> Callable[[Results], float]:
    return lambda results: cold(results, "layer", figure) / cold(results, name, figure)


def _beside(load: str, figure: str, server: str) -> Callable[[Results], float]:
    return lambda results: hot(results, load, figure) / hot(results, load, figure, server)


def _prefetch(secrets: int) -> Callable[[Results], float]:
    return lambda results: cold(results, "layer", "next_ms", secrets) / cold(results, "layer", "next_ms", 1)


def _added(kind: str, name: str) -> Callable[[Results], float]:
    return lambda results: results["warm"][kind][f"{name} with"] - results["warm"][kind][f"{name} without"]


def _registered(results: Results) -> float:
    return cold(results, "layer", "registered_ms") / float(results["cold"]["bare layer"]["ended_ms"]["median"])


def _under_refresh(results: Results) -> float:
    return float(results["busy"]["refreshes"]["busy_p99_us"] / results["busy"]["refreshes"]["idle_p99_us"])


def _miss(results: Results) -> float:
    return float(results["busy"]["misses"]["beyond_ms"])


KEPT_SAME, KEPT, NEW = "hit by name, 1 kept, same core", "hit by name, 1 kept", "hit by name, 1 new"
MANY, SHAPE = "hit by name, 64 kept", "hit, new shape, 1 kept, same core"

GOALS = (
    Goal("registered, against bare `python -I -S -c pass`", 1.3, _registered),
    Goal("first of 10 prefetched secrets, against naive", 1 / 8, _against("naive", "first_ms"), stretch=1 / 14),
    Goal("CPU until then, against naive", 0.10, _against("naive", "first_cpu_ms"), stretch=0.05),
    Goal("peak RSS, against naive", 0.33, _against("naive", "rss_mb"), stretch=0.27),
    Goal("cold start added to a Node function whose init takes 150 ms", 25, _added("cold_ms", "node"), unit="ms"),
    Goal("warm invoke of a Node function, with against without", 0.5, _added("warm_ms", "node"), unit="ms"),
    Goal("warm invoke of a sh function, with against without", 0.5, _added("warm_ms", "sh"), unit="ms"),
    Goal("hit kept alive, p50 on one core, against nginx", 1.0, _beside(KEPT_SAME, "p50_us", "nginx")),
    Goal("hit kept alive, p50 on one core, against aiohttp.web", 0.28, _beside(KEPT_SAME, "p50_us", "aiohttp")),
    Goal("CPU per hit kept alive, against nginx", 1.0, _beside(KEPT_SAME, "cpu_us", "nginx")),
    Goal("hits per second at 64 connections, against nginx", 1.0, _beside(MANY, "per_second", "nginx"), least=True),
    Goal(
        "hits per second at 64 connections, against aiohttp.web", 7, _beside(MANY, "per_second", "aiohttp"), least=True
    ),
    Goal("first request of a new shape, CPU, against nginx", 2, _beside(SHAPE, "cpu_us", "nginx")),
    Goal("hit over a new connection, p50, against nginx", 1.2, _beside(NEW, "p50_us", "nginx")),
    Goal("p99 of hits while 50 secrets are refreshed, against idle", 3, _under_refresh),
    Goal("prefetch of 10 secrets, against 1", 1.3, _prefetch(10)),
    Goal("prefetch of 50 secrets, against 1", 1.8, _prefetch(50)),
    Goal("prefetch of 100 secrets, against 1", 2.7, _prefetch(100)),
    Goal("miss: time beyond the upstream's own latency, p50", 1.5, _miss, unit="ms"),
)


def judge(results: Results) -> list[dict[str, Any]]:
    """Return every goal with what was measured."""
    judged = []
    for goal in GOALS:
        measured = round(goal.read(results), 4)
        judged.append({"figure": goal.figure, "measured": measured, "reached": goal.reached(measured)})
    return judged
