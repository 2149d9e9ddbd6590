"""Cold starts: from exec to bound, registered, the first prefetched secret in a client's hands, and `next`.

A client stands ready from the moment Lambda would start the function: it connects when `register` is answered, and
asks for the first secret. CPU time is taken when it has it, memory when `next` is called.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.bench.cloud import SIDEKEY_PORT, TOKEN, Cloud
from scripts.bench.enclosure import LAYER_PYTHON, VENV_PYTHON, Share, first_core, spawn
from scripts.stage.emulator import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Tell = Callable[[float], None]
    Figures = dict[str, dict[str, float]]

PATIENCE_SECONDS = 60
PHASE = re.compile(rb"phase (\w+) at (\d+\.\d+)")
LEAN = ("-I", "-S", "-B", "-u", "-X", "utf8=1")

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "layer": ("/opt/extensions/sidekey",),
    "venv": (VENV_PYTHON, *LEAN, str(ROOT / "layer/boot.py"), "sidekey"),
    "naive": (VENV_PYTHON, "-m", "scripts.bench.naive"),
}
BARE: dict[str, tuple[str, ...]] = {
    "bare layer": (LAYER_PYTHON, "-I", "-S", "-c", "pass"),
    "bare venv": (VENV_PYTHON, "-I", "-S", "-c", "pass"),
}
IN_FUNCTION = (VENV_PYTHON, str(Path(__file__).with_name("in_function.py")))
ASK = (
    f"GET /secretsmanager/get?secretId=bench/0 HTTP/1.1\r\nHost: localhost:{SIDEKEY_PORT}\r\n"
    f"X-Aws-Parameters-Secrets-Token: {TOKEN}\r\n\r\n"
).encode()


@dataclass
class Sample:
    """One start: milliseconds by phase, and what it had cost by then."""

    ms: dict[str, float] = field(default_factory=dict)
    cpu_ms: dict[str, float] = field(default_factory=dict)
    rss_mb: float = 0.0
    pss_mb: float = 0.0

    def flat(self) -> dict[str, float]:
        """Return all figures under names of their own."""
        times = {f"{name}_ms": value for name, value in self.ms.items()}
        return times | {f"{name}_cpu_ms": value for name, value in self.cpu_ms.items()} | self._memory()

    def _memory(self) -> dict[str, float]:
        return {"rss_mb": self.rss_mb, "pss_mb": self.pss_mb} if self.rss_mb else {}


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, all threads (its CPU clock, clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def memory_mb(pid: int) -> tuple[float, float]:
    """Return peak RSS and PSS."""
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    share = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert peak, "Linux tells the peak"
    assert share, "and the share"
    return int(peak[1]) / 1024, int(share[1]) / 1024


class Start:
    """One start of an extension, from outside."""

    def __init__(self, cloud: Cloud) -> None:
        """Listen to what the cloud notes."""
        self.sample = Sample()
        self._cloud = cloud
        self._seen = {name: asyncio.Event() for name in ("registered", "first", "next")}
        self._client: asyncio.Task[None] | None = None
        cloud.note = self._note

    def _note(self, what: str, when: float) -> None:
        if what in self.sample.ms:
            return
        self.sample.ms[what] = (when - self._begun) * 1000
        self.sample.cpu_ms[what] = cpu_seconds(self._process.pid) * 1000
        self._seen[what].set()
        if what == "registered":
            self._client = asyncio.create_task(self._read_early())

    async def _read_early(self) -> None:
        """Ask as a function does that needs a secret to initialise."""
        reader, writer = await asyncio.open_connection("127.0.0.1", SIDEKEY_PORT)
        writer.write(ASK)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        self._note("first", time.monotonic())
        assert b"sample-bench/0" in body, (head, body)
        writer.close()

    async def run(self, command: Sequence[str], environment: Mapping[str, str], share: Share) -> Sample:
        """Start, wait for all phases, and end it."""
        with first_core(), share.inherited():
            self._begun = time.monotonic()
            self._process = spawn(command, environment, stderr=subprocess.PIPE)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*(event.wait() for event in self._seen.values()))
            self.sample.rss_mb, self.sample.pss_mb = memory_mb(self._process.pid)
            self._cloud.note = lambda _what, _when: None
        finally:
            self._process.kill()
            _, said = self._process.communicate()
        self._read_phases(said)
        return self.sample

    def _read_phases(self, said: bytes) -> None:
        """Take what the extension tells of itself at log level debug: when it was bound."""
        phases = {name: float(when) for name, when in PHASE.findall(said)}
        if b"bound" in phases:
            wall_to_monotonic = time.time() - time.monotonic()
            self.sample.ms["bound"] = (phases[b"bound"] - wall_to_monotonic - self._begun) * 1000


async def start_bare(name: str, share: Share) -> Sample:
    """Measure an interpreter that does nothing, from exec to its end."""
    with first_core(), share.inherited():
        begun = time.monotonic()
        process = spawn(BARE[name], {"PATH": "/usr/bin:/bin"})
    loop = asyncio.get_running_loop()
    _pid, _status, usage = await loop.run_in_executor(None, os.wait4, process.pid, 0)
    process.returncode = 0
    sample = Sample(ms={"ended": (time.monotonic() - begun) * 1000})
    sample.cpu_ms["ended"] = (usage.ru_utime + usage.ru_stime) * 1000
    return sample


async def start_in_function(cloud: Cloud, *, secrets: int, latency: int, share: Share) -> Sample:
    """Measure a function that reads with boto3: to its first secret, and to all."""
    with first_core(), share.inherited():
        begun = time.monotonic()
        process = spawn(IN_FUNCTION, cloud.environment(latency, secrets), stdout=subprocess.PIPE)
    sample, loop = Sample(), asyncio.get_running_loop()
    for name in ("first", "next"):
        assert process.stdout is not None
        await loop.run_in_executor(None, process.stdout.read, 1)
        sample.ms[name] = (time.monotonic() - begun) * 1000
        sample.cpu_ms[name] = cpu_seconds(process.pid) * 1000
    sample.rss_mb, sample.pss_mb = memory_mb(process.pid)
    process.kill()
    process.communicate()
    return sample


@dataclass(frozen=True)
class Case:
    """One thing to start: an extension, `in function` or a bare interpreter."""

    name: str
    secrets: int = 0
    latency: int = 5
    level: str = "info"

    async def start(self, cloud: Cloud, share: Share) -> Sample:
        """Start it once."""
        if self.name in BARE:
            return await start_bare(self.name, share)
        if self.name == "in function":
            return await start_in_function(cloud, secrets=self.secrets, latency=self.latency, share=share)
        level = {"PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": self.level}
        environment = cloud.environment(self.latency, self.secrets, **level)
        return await Start(cloud).run(EXTENSIONS[self.name], environment, share)


async def measure(cloud: Cloud, cases: Sequence[Case], rounds: int, share: Share, tell: Tell) -> dict[Case, Figures]:
    """Start every case once in each round, and return the spread of each figure."""
    samples: dict[Case, list[Sample]] = {case: [] for case in cases}
    for number in range(rounds):
        tell((number + 1) / rounds)
        for case in cases:
            samples[case].append(await case.start(cloud, share))
    return {case: figures(of_case) for case, of_case in samples.items()}


def figures(samples: Sequence[Sample]) -> Figures:
    """Return median and quartiles of each figure."""
    flat = [sample.flat() for sample in samples]
    return {name: spread([each[name] for each in flat if name in each]) for name in flat[-1]}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median and quartiles."""
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    low, middle, high = quartiles
    return {"median": round(middle, 3), "q1": round(low, 3), "q3": round(high, 3)}
