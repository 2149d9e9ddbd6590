"""What happens beside the hits: misses, refreshes while clients read, and memory over a million requests."""

from __future__ import annotations

import asyncio
import statistics
from typing import TYPE_CHECKING

from scripts.bench.cold import memory_mb
from scripts.bench.hot import Load, apply, compile_load
from scripts.bench.servers import Servers

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.bench.cloud import Cloud
    from scripts.bench.cold import Tell

SURELY = 20
"""Calls for fifty secrets, two for each, that fall into the load on a slow machine, too."""
TTL_SECONDS = 1
BURST_SECONDS = 0.15
"""About what fifty secrets take over three connections, so that all of the load falls into it."""
MILLION = 1_000_000
MISSES = 200


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, float]]:
    """Return the figures of all three."""
    program, running = compile_load(), Servers(cloud)
    try:
        pid = await running.start_own()
        found = {"misses": await misses(cloud, program, pid)}
        tell(1 / 3)
        found["memory"] = await memory(program, pid)
        tell(2 / 3)
        running.end()
        pid = await running.start_own(SECRETS_MANAGER_TTL=str(TTL_SECONDS), SIDEKEY_BATCH="never")
        found["refreshes"] = await refreshes(cloud, program, pid, rounds)
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


async def refreshes(cloud: Cloud, program: Path, pid: int, rounds: int) -> dict[str, float]:
    """Read while nothing else happens, and while an invocation has fifty secrets refreshed."""
    idle, busy, load = [], [], Load(seconds=BURST_SECONDS)
    for _ in range(rounds):
        await asyncio.sleep(TTL_SECONDS * 1.1)
        calls = cloud.calls
        assert cloud.waiting is not None, "the extension waits for invocations"
        cloud.waiting.invoke()
        busy.append(await apply(program, "sidekey", load, pid))
        assert cloud.calls - calls >= SURELY, "the refreshes fell into the load"
        await asyncio.sleep(TTL_SECONDS / 4)
        idle.append(await apply(program, "sidekey", load, pid))
    figures = {}
    for name, found in {"idle": idle, "busy": busy}.items():
        for part in ("p50_us", "p99_us"):
            figures[f"{name}_{part}"] = round(statistics.median(each[part] for each in found), 1)
    return figures


async def memory(program: Path, pid: int) -> dict[str, float]:
    """Take the peak before and after a million reads over 64 connections."""
    before, _ = memory_mb(pid)
    await apply(program, "sidekey", Load(connections=64, count=MILLION, seconds=120), pid)
    after, _ = memory_mb(pid)
    return {"before_mb": round(before, 2), "after_mb": round(after, 2)}
