"""The hot path: how long answers take, how many there are in a second, and what each costs the server's core.

Law: the server has the first core for itself; the load is a C program on the second, or on the first, too, where
`same` is said. Servers are asked in turn, round after round, so that what disturbs one disturbs all.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.cloud import TOKEN, arn
from scripts.bench.cold import cpu_seconds
from scripts.bench.enclosure import cores, folder
from scripts.bench.servers import PORTS, Servers, port_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.bench.cloud import Cloud
    from scripts.bench.cold import Tell

HERE = Path(__file__).parent
SECONDS = 0.5
ENDLESS = 2_000_000


def head(target: str, *more: str) -> str:
    """Write a request as functions do."""
    lines = (f"GET {target} HTTP/1.1", "Host: localhost:2773", f"X-Aws-Parameters-Secrets-Token: {TOKEN}", *more)
    return "\r\n".join([*lines, "", ""])


BY_NAME = head("/secretsmanager/get?secretId=bench/0")
KINDS: dict[str, list[str]] = {
    "hit by name": [BY_NAME],
    "hit by ARN": [head(f"/secretsmanager/get?secretId={arn('bench/0')}")],
    "hit by /value": [head("/value?ref=secretsmanager://bench/0")],
    "hit, 60 KB secret": [head("/secretsmanager/get?secretId=large")],
    "hit, binary secret": [head("/secretsmanager/get?secretId=binary")],
    "hit, new shape": [head("/secretsmanager/get?secretId=bench/0", f"X-Shape: {n}") for n in range(50_000)],
    "miss": [head(f"/secretsmanager/get?secretId=miss/{n}") for n in range(60_000)],
}


@dataclass(frozen=True)
class Load:
    """What is asked, over how many connections; `renew` takes a new one for each request, `same` the server's core."""

    kind: str = "hit by name"
    connections: int = 1
    renew: bool = False
    same: bool = False
    seconds: float = SECONDS
    count: int = ENDLESS

    @property
    def name(self) -> str:
        """Return what it is called in the results."""
        way = "new" if self.renew else "kept"
        return f"{self.kind}, {self.connections} {way}" + (", same core" if self.same else "")


def compile_load() -> Path:
    """Compile the load generator."""
    program = folder() / "load"
    subprocess.run(["cc", "-O2", "-o", program, HERE / "load.c"], check=True)
    return program


async def apply(program: Path, server: str, load: Load, pid: int) -> dict[str, float]:
    """Put a load on a server, and return the latencies, the rate and the CPU time for each answer."""
    requests = folder() / f"{load.kind.replace('/', ' ')}.requests"
    if not requests.exists():
        requests.write_text("\0".join(KINDS[load.kind]))
    core = cores()[0 if load.same else 1]
    way = "new" if load.renew else "keep"
    numbers = [str(port_of(server, load.kind)), str(load.connections), way, str(load.count), str(load.seconds)]
    before = cpu_seconds(pid)
    process = await asyncio.create_subprocess_exec(
        "taskset", "-c", str(core), program, *numbers, requests, stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    cpu = cpu_seconds(pid) - before
    found: dict[str, float] = json.loads(said)
    assert not found["errors"], f"{server} did not answer {load.name}"
    found["cpu_us"] = cpu / found["count"] * 1e6
    found["per_second"] = found["count"] / found["seconds"]
    return found


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    names = ("p50_us", "p90_us", "p99_us", "cpu_us", "per_second")
    return {name: round(statistics.median(each[name] for each in rounds), 2) for name in names}


KINDS_HIT = ("hit by ARN", "hit by /value", "hit, 60 KB secret", "hit, binary secret")
LOADS = [
    Load(same=True),
    Load(),
    Load(connections=8),
    Load(connections=64),
    Load(renew=True),
    Load(connections=8, renew=True),
    Load(connections=64, renew=True),
    Load("hit, new shape"),
    Load("hit, new shape", same=True),
    *map(Load, KINDS_HIT),
]


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of every load by server."""
    program, running = compile_load(), Servers(cloud)
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    try:
        await running.start({kind: KINDS[kind][0] for kind in ("hit by name", *KINDS_HIT)})
        for number in range(rounds):
            tell((number + 1) / rounds)
            for load in LOADS:
                for server in PORTS:
                    figures = await apply(program, server, load, running.processes[server].pid)
                    found.setdefault(load.name, {}).setdefault(server, []).append(figures)
    finally:
        running.end()
    return {name: {server: medians(each) for server, each in by.items()} for name, by in found.items()}
