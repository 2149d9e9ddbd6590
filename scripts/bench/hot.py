"""The hot path: how long answers take, how many there are in a second, and what each costs the server's core.

Law: the server has the first core for itself; the load is a C program on the second, or on the first, too, where
`same` is said. Servers are asked in turn, round after round, so that what disturbs one disturbs all.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.cloud import SIDEKEY_PORT, TOKEN, Cloud, arn
from scripts.bench.cold import EXTENSIONS, cpu_seconds
from scripts.bench.enclosure import VENV_PYTHON, cores, first_core, folder, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.bench.cold import Tell

HERE = Path(__file__).parent
PORTS = {"sidekey": SIDEKEY_PORT, "nginx": 8101, "aiohttp": 8102, "node": 8103}
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
    numbers = [str(PORTS[server]), str(load.connections), way, str(load.count), str(load.seconds)]
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


class Servers:
    """The servers, each on the first core, until `end`."""

    def __init__(self, cloud: Cloud) -> None:
        """Start none yet."""
        self._cloud = cloud
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self) -> None:
        """Start ours, take an answer of it, and start the others with the same body."""
        await self.start_own()
        body = await fetch(PORTS["sidekey"], BY_NAME)
        others: dict[str, Sequence[str]] = {
            "nginx": ("/usr/sbin/nginx", "-c", str(self._nginx(body))),
            "aiohttp": (VENV_PYTHON, str(HERE / "rivals/aiohttp_server.py"), str(PORTS["aiohttp"]), TOKEN, body),
            "node": ("node", str(HERE / "rivals/node_server.mjs"), str(PORTS["node"]), TOKEN, body),
        }
        for name, command in others.items():
            self._spawn(name, command, {"PATH": "/usr/local/bin:/usr/bin:/bin"})
            await listening(PORTS[name])

    async def start_own(self, **settings: str) -> int:
        """Start ours, wait until it has prefetched, and return its process id."""
        names = ["bench/0", "large", "binary", *(f"bench/{n}" for n in range(1, 50))]
        references = ",".join(f"secretsmanager://{name}" for name in names)
        ready = asyncio.Event()
        self._cloud.note = lambda what, _when: ready.set() if what == "next" else None
        environment = self._cloud.environment(5, 0, SIDEKEY_PREFETCH=references, **settings)
        self._spawn("sidekey", EXTENSIONS["layer"], environment)
        await ready.wait()
        return self.processes["sidekey"].pid

    def _nginx(self, body: str) -> Path:
        """Write nginx's configuration."""
        text = (HERE / "rivals/nginx.conf").read_text()
        for mark, value in {"FOLDER": str(folder()), "PORT": str(PORTS["nginx"]), "BODY": body}.items():
            text = text.replace(f"@{mark}@", value)
        path = folder() / "nginx.conf"
        path.write_text(text)
        return path

    def _spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with first_core():
            self.processes[name] = spawn(command, environment)

    def end(self) -> None:
        """End all."""
        for process in self.processes.values():
            process.kill()
            process.wait()


async def fetch(port: int, request: str) -> str:
    """Return the body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    head_ = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    body = await reader.readexactly(int(head_.partition("content-length:")[2].split("\r\n")[0]))
    writer.close()
    return body.decode()


async def listening(port: int, patience_seconds: float = 20) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + patience_seconds
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < end, f"nobody listens on port {port}"
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


OWN = [Load(f"hit{kind}") for kind in (" by ARN", " by /value", ", 60 KB secret", ", binary secret")]
COMPARED = [
    Load(same=True),
    Load(),
    Load(connections=8),
    Load(connections=64),
    Load(renew=True),
    Load(connections=8, renew=True),
    Load(connections=64, renew=True),
    Load("hit, new shape"),
    Load("hit, new shape", same=True),
]


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of every load by server."""
    program, running = compile_load(), Servers(cloud)
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    try:
        await running.start()
        for number in range(rounds):
            tell((number + 1) / rounds)
            for load in [*COMPARED, *OWN]:
                for server in PORTS if load in COMPARED else ["sidekey"]:
                    figures = await apply(program, server, load, running.processes[server].pid)
                    found.setdefault(load.name, {}).setdefault(server, []).append(figures)
    finally:
        running.end()
    return {name: {server: medians(each) for server, each in by.items()} for name, by in found.items()}
