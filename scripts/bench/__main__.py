"""`make bench`: measures everything in one run, and writes docs/bench.json, README's tables and the pictures.

python -m scripts.bench            all of it, under ten minutes on two cores
python -m scripts.bench --quick    few rounds, for a look; writes nothing but build/bench.json
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from scripts.bench import busy, clients, cold, goals, hot, plots, warm
from scripts.bench.cloud import Cloud
from scripts.bench.cold import Case
from scripts.bench.enclosure import Share, cores, enter, folder, mount_layer
from scripts.stage.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from scripts.bench.cold import Tell

SECRETS = (1, 10, 50)
LATENCIES = (5, 30)
SHARES_MB = (128, 512, 1769)
PARTS = {
    "hot": ("hits, beside nginx, node and aiohttp", hot.measure),
    "busy": ("misses, refreshes, a million requests", busy.measure),
    "clients": ("curl, http.client, fetch", clients.measure),
    "warm": ("functions with and without, in AWS's emulator", warm.measure),
}
ROUNDS = {"cold": 11, "shares": 3, "hot": 5, "busy": 5, "clients": 3, "warm": 9}
QUICK = dict.fromkeys(ROUNDS, 1)
NGINX = "apt-get install --yes nginx-light"


class Steps:
    """Tells how far the run is: with a bar that grows on a terminal, else with a line for each step."""

    def __init__(self, total: int) -> None:
        """Count from the start."""
        self._total = total
        self._done = 0
        self._begun = time.monotonic()
        self._terminal = sys.stdout.isatty()

    async def run(self, what: str, step: Callable[[Tell], Awaitable[Any]]) -> Any:
        """Run one step."""
        self._done += 1
        if self._terminal:
            self._show(0, what)
        found = await step(lambda share: self._show(share, what) if self._terminal else None)
        self._show(1, what)
        print(flush=True)
        return found

    def _show(self, share: float, what: str) -> None:
        bar = f" {'█' * round(share * 20):·<20}" if self._terminal else ""
        start, end = ("\r", "\x1b[K") if self._terminal else ("", "")
        seconds = time.monotonic() - self._begun
        print(f"{start}  [{self._done}/{self._total}]{bar} {seconds:4.0f} s  {what}{end}", end="", flush=True)


async def measure(rounds: Mapping[str, int]) -> dict[str, Any]:
    """Run all steps."""
    cloud, steps, begun = Cloud(str(folder())), Steps(len(LATENCIES) + len(SHARES_MB) + len(PARTS)), time.monotonic()
    await cloud.open()
    results: dict[str, Any] = {"machine": machine(), "rounds": rounds, "cold": {}, "shares": {}}
    for latency in LATENCIES:
        step = partial(cold_starts, cloud, rounds["cold"], latency)
        results["cold"] |= await steps.run(f"cold starts, {latency} ms from AWS", step)
    for size in SHARES_MB:
        limited = partial(shares, cloud, rounds["shares"], size)
        results["shares"][str(size)] = await steps.run(
            f"cold starts with the CPU share of a {size} MB function", limited
        )
    for name, (what, part) in PARTS.items():
        results[name] = await steps.run(what, partial(part, cloud, rounds[name]))
    results["seconds"] = round(time.monotonic() - begun)
    results["goals"] = goals.judge(results)
    return results


async def cold_starts(cloud: Cloud, rounds: int, latency: int, tell: Tell) -> dict[str, Any]:
    """Start everything with so much upstream latency; bare interpreters, the floor, once."""
    names = ("layer", "venv", "naive", "in function")
    cases = [Case(name, secrets, latency) for name in names for secrets in SECRETS]
    if latency == LATENCIES[0]:
        cases += [Case("layer", 100, latency), *(Case(name) for name in cold.BARE)]
    told = [Case(name, 1, latency, level="debug") for name in ("layer", "venv")]
    found = await cold.measure(cloud, [*cases, *told], rounds, Share(None), tell)
    arranged: dict[str, Any] = {str(latency): {}}
    for case in cases:
        if case.name in cold.BARE:
            arranged[case.name] = found[case]
        else:
            arranged[str(latency)].setdefault(case.name, {})[str(case.secrets)] = found[case]
    arranged[str(latency)]["bound_ms"] = {case.name: found[case]["bound_ms"] for case in told}
    return arranged


async def shares(cloud: Cloud, rounds: int, megabytes: int, tell: Tell) -> dict[str, Any] | None:
    """Start with a share of a core, where this machine lets us set one."""
    try:
        share = Share(megabytes)
    except OSError:
        return None
    cases = [Case(name, 10) for name in ("layer", "naive", "in function")]
    found = await cold.measure(cloud, cases, rounds, share, tell)
    share.remove()
    return {case.name: found[case] for case in cases}


def machine() -> dict[str, Any]:
    """Describe what this was measured on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "cpu": model.partition(": ")[2],
        "cores": len(set(cores())),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "node": _said("node", "--version").removeprefix("v"),
        "nginx": _said("nginx", "-v").rpartition("/")[2],
        **{name: version(name) for name in ("aiohttp", "boto3", "uvloop")},
    }


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def missing() -> list[str]:
    """Return a sentence for each thing that is needed and not here; nginx is installed where we may."""
    if shutil.which("nginx") is None and os.geteuid() == 0:
        subprocess.run(NGINX.split(), capture_output=True, check=False)
    needs = {
        "nginx": f"the yardstick: sudo {NGINX}",
        "node": "for its server and its client: install Node.js",
        "curl": "as a client: install curl",
        "cc": "to compile the load generator: install gcc or clang",
        "taskset": "to keep load and server apart: install util-linux",
    }
    lacking = [f"{name} is missing, {why}" for name, why in needs.items() if shutil.which(name) is None]
    return lacking + (["this machine has one core; two are needed"] if cores()[0] == cores()[1] else [])


def main(arguments: Sequence[str]) -> None:
    """Measure, write, and say what was reached."""
    if lacking := missing():
        sys.exit("\n".join(lacking))
    enter("scripts.bench", arguments)
    mount_layer()
    os.sched_setaffinity(0, {cores()[1]})
    quick = "--quick" in arguments
    folder_ = ROOT / ("build" if quick else "docs")
    results = uvloop.run(measure(QUICK if quick else ROUNDS))
    target = folder_ / "bench.json"
    target.write_text(json.dumps(results, indent=1) + "\n")
    plots.draw(results, folder_)
    print(f"\n  {results['seconds']} s; figures in {target.relative_to(ROOT)}\n")
    for goal in results["goals"]:
        print(f"  {'✓' if goal['reached'] else '✗'} {goal['measured']:8.3f}  {goal['figure']}")


if __name__ == "__main__":
    main(sys.argv[1:])
