"""What happens beside the hits: misses, refreshes while clients read, and memory over a million requests."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from typing import TYPE_CHECKING

from scripts.bench.cold import memory_mb
from scripts.bench.hot import PORTS, Load, Servers, apply, compile_load, fetch, head

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.bench.cloud import Cloud
    from scripts.bench.cold import Tell

REFRESHED = 50
MILLION = 1_000_000
MISSES = 200


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, float]]:
    """Return the figures of all three."""
    program, running = compile_load(), Servers(cloud)
    try:
        await running.start()
        pid = running.processes["sidekey"].pid
        found = {"misses": await misses(cloud, program, pid)}
        tell(1 / 3)
        found["refreshes"] = await refreshes(program, pid, rounds)
        tell(2 / 3)
        found["memory"] = await memory(program, pid)
    finally:
        running.end()
    return found


async def misses(cloud: Cloud, program: Path, pid: int) -> dict[str, float]:
    """Ask for what is not cached; the upstream's own latency is taken where it arises."""
    cloud.latencies.clear()
    found = await apply(program, "sidekey", Load("miss", count=MISSES, seconds=20), pid)
    upstream = statistics.median(cloud.latencies) * 1000
    p50 = found["p50_us"] / 1000
    return {"p50_ms": round(p50, 3), "upstream_ms": round(upstream, 3), "beyond_ms": round(p50 - upstream, 3)}


async def refreshes(program: Path, pid: int, rounds: int) -> dict[str, float]:
    """Read while nothing else happens, and while fifty secrets are fetched again and again."""
    idle, busy = [], []
    for _ in range(rounds):
        idle.append(await apply(program, "sidekey", Load(), pid))
        task = asyncio.create_task(_refresh_for_ever())
        busy.append(await apply(program, "sidekey", Load(), pid))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    figures = {}
    for name, found in {"idle": idle, "busy": busy}.items():
        for part in ("p50_us", "p99_us"):
            figures[f"{name}_{part}"] = round(statistics.median(each[part] for each in found), 1)
    return figures


async def _refresh_for_ever() -> None:
    references = "&".join(f"ref=secretsmanager://bench/{number}" for number in range(REFRESHED))
    while True:
        await fetch(PORTS["sidekey"], head(f"/values?{references}&refreshNow=true"))


async def memory(program: Path, pid: int) -> dict[str, float]:
    """Take the peak before and after a million reads over 64 connections."""
    before, _ = memory_mb(pid)
    await apply(program, "sidekey", Load(connections=64, count=MILLION, seconds=120), pid)
    after, _ = memory_mb(pid)
    return {"before_mb": round(before, 2), "after_mb": round(after, 2)}
