"""How long a read takes in the clients that functions use, from Sidekey and from nginx with the same bytes."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.cloud import TOKEN
from scripts.bench.enclosure import VENV_PYTHON
from scripts.bench.hot import BY_NAME
from scripts.bench.servers import PORTS, Servers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.bench.cloud import Cloud
    from scripts.bench.cold import Tell

ASKING = Path(__file__).parent / "asking"
COUNT, CURLS = "400", 40
SERVERS = ("sidekey", "nginx")


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, float]]:
    """Return the median microseconds of a read by client and server."""
    running = Servers(cloud)
    found: dict[str, dict[str, list[float]]] = {}
    try:
        await running.start({"hit by name": BY_NAME})
        for number in range(rounds):
            tell((number + 1) / rounds)
            for server in SERVERS:
                for client, microseconds in (await _ask(PORTS[server])).items():
                    found.setdefault(client, {}).setdefault(server, []).append(microseconds)
    finally:
        running.end()
    return {
        client: {name: round(statistics.median(each), 1) for name, each in by.items()} for client, by in found.items()
    }


async def _ask(port: int) -> dict[str, float]:
    """Ask once with each client."""
    python, node = str(ASKING / "http_client.py"), str(ASKING / "fetch.mjs")
    return {
        "curl, a process each": await _curl(port),
        "Python http.client, kept alive": await _median(VENV_PYTHON, python, str(port), TOKEN, COUNT, "keep"),
        "Python http.client, new connection": await _median(VENV_PYTHON, python, str(port), TOKEN, COUNT, "new"),
        "node fetch": await _median("node", node, str(port), TOKEN, COUNT),
    }


async def _median(*command: str) -> float:
    """Run a client and return the median of what it printed."""
    return statistics.median(float(line) for line in (await _output(command)).split())


async def _output(command: Sequence[str]) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, command[0]
    return said


async def _curl(port: int) -> float:
    """Start curl again and again, as shell functions do."""
    url = f"http://127.0.0.1:{port}/secretsmanager/get?secretId=bench/0"
    command = ("curl", "-sSf", "-H", f"X-Aws-Parameters-Secrets-Token: {TOKEN}", url)
    microseconds = []
    for _ in range(CURLS):
        begun = time.perf_counter()
        await _output(command)
        microseconds.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(microseconds)
