"""What Sidekey adds to a function's cold start and to its warm invocations, through AWS's own emulator.

The same function runs with the layer attached and without, in turn. The emulator initialises at the first invocation,
so that one is the cold start; it also waits for extensions to take their event before it answers, as Lambda does not.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from scripts.bench.cloud import TOKEN, Aws
from scripts.bench.enclosure import all_cores, folder
from scripts.stage.stage import Function, Stage

if TYPE_CHECKING:
    import socket

    from scripts.bench.cloud import Cloud
    from scripts.bench.cold import Tell

FUNCTIONS = {
    "node": Function([str(Path(__file__).parent / "functions/bootstrap.mjs"), "handler"]),
    "sh": Function([str(Path(__file__).parent / "functions/bootstrap.sh"), "handler"]),
}
REFERENCES = ",".join(f"secretsmanager://bench/{number}" for number in range(10))
WARM_INVOKES = 40


class QuickAws:
    """The cloud's AWS over plain HTTP for a stage, 5 ms away, in a thread of its own."""

    def __init__(self, cloud: Cloud) -> None:
        """Serve nothing yet."""
        self._cloud = cloud

    def serve(self, listener: socket.socket) -> QuickAws:
        """Answer on a listener until `close`."""
        self._loop = uvloop.new_event_loop()
        self._loop.run_until_complete(self._loop.create_server(self._connection, sock=listener))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def _connection(self) -> Aws:
        return Aws(0.005, self._cloud, self._loop)

    def close(self) -> None:
        """Stop answering."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def invoke(cloud: Cloud, name: str, *, attached: bool) -> tuple[float, list[float]]:
    """Return the milliseconds of a cold invocation and of warm ones behind it."""
    stage = Stage(FUNCTIONS[name], QuickAws(cloud), {"SIDEKEY_PREFETCH": REFERENCES}, attached=False, token=TOKEN)  # type: ignore[arg-type]
    if attached:
        shutil.copytree(folder() / "opt", stage.folder / "opt", dirs_exist_ok=True)
    with all_cores(), stage:
        answers = [stage.invoke() for _ in range(WARM_INVOKES + 1)]
    milliseconds = [answer.seconds * 1000 for answer in answers]
    return milliseconds[0], milliseconds[1:]


async def measure(cloud: Cloud, rounds: int, tell: Tell) -> dict[str, dict[str, float]]:
    """Return medians with and without, by function."""
    cold: dict[str, list[float]] = {}
    warm: dict[str, list[float]] = {}
    for number in range(rounds):
        tell((number + 1) / rounds)
        for name in FUNCTIONS:
            for attached in (False, True):
                key = f"{name} {'with' if attached else 'without'}"
                first, others = await asyncio.to_thread(invoke, cloud, name, attached=attached)
                cold.setdefault(key, []).append(first)
                warm.setdefault(key, []).extend(others)
    return {"cold_ms": _medians(cold), "warm_ms": _medians(warm)}


def _medians(figures: dict[str, list[float]]) -> dict[str, float]:
    return {key: round(statistics.median(each), 3) for key, each in figures.items()}
