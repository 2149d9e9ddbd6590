"""Under load: many clients, rotations and faults at the same time; and hits that no hanging miss delays."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import cycle
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fresh.process import Process, until
from tests.fresh.sidecar import PATIENT, TOKEN, value_of
from tests.servers import faults
from tests.servers.faulty import NO_FAULT, Fault, FaultyServer, pass_on

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scripts.stage.aws import SampleAws
    from tests.servers.faulty import Call

CLIENTS, SECRETS = 64, 6
LOAD_SECONDS, SAMPLE_SECONDS = 5.0, 0.02
TENTHS = 10
GROWTH_KIB = 512
"""What an allocator may still find out about its load; it amounts to a few dozen bytes for each answer."""
FAULTS = (
    NO_FAULT,
    faults.said("500 Internal Server Error", "InternalServiceError"),
    NO_FAULT,
    Fault(faults.reset),
    faults.after(faults.head, faults.hang_up),
    NO_FAULT,
    faults.said("400 Bad Request", "ThrottlingException"),
    faults.late(0.02),
)
UPSTREAM = 3
"""Connections to AWS, which come and go with the faults."""
HITS, ROUNDS = 500, 11
HANGING = 8


@pytest.fixture
def plain(aws: SampleAws) -> Iterator[FaultyServer]:
    """Stand before the sample AWS, without TLS: the load is for the sidecar."""
    with FaultyServer(aws.endpoint) as server:
        yield server


@pytest.fixture
def names(aws: SampleAws) -> list[str]:
    """Make secrets whose values tell their names and versions."""
    names = [f"load/{time.monotonic_ns()}-{number}" for number in range(SECRETS)]
    [aws.client("secretsmanager").create_secret(Name=name, SecretString=f"{name} 1") for name in names]
    return names


@pytest.fixture
def process(plain: FaultyServer, names: list[str], tmp_path: Path) -> Iterator[Process]:
    """Run a process whose secrets are fresh for a second."""
    settings = {
        "AWS_ENDPOINT_URL": plain.url,
        "SECRETS_MANAGER_TTL": "1",
        "SIDEKEY_PREFETCH": ",".join(f"secretsmanager://{name}" for name in names),
    }
    with Process({**PATIENT, **settings}, tmp_path) as running:
        yield running


class Sample(NamedTuple):
    """The process at one moment."""

    at: float
    memory_kib: int
    descriptors: int


class Load:
    """Clients, a rotation and changing faults, for a bounded time."""

    def __init__(self, process: Process, plain: FaultyServer, aws: SampleAws, names: list[str]) -> None:
        """Begin with version 1 of each."""
        self.versions = dict.fromkeys(names, 1)
        self.wrong: list[str] = []
        self.answered = 0
        self.samples: list[Sample] = []
        self._process = process
        self._plain = plain
        self._aws = aws
        self._names = names
        self._over = Event()

    def run(self) -> None:
        """Put the load on, and take it off."""
        disturbances = [Thread(target=work) for work in (self._rotate, self._disturb, self._watch)]
        [thread.start() for thread in disturbances]
        self._begun = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            self.answered = sum(clients.map(self._ask, range(CLIENTS)))
        self._over.set()
        [thread.join() for thread in disturbances]
        self._plain.fault = NO_FAULT

    def _ask(self, number: int) -> int:
        """Be a client: half of them keep their connection. Return how many answers came."""
        connection = HTTPConnection("127.0.0.1", self._process.port, timeout=30)
        seen, answers = dict.fromkeys(self._names, 0), 0
        for name in cycle(self._names):
            connection.request("GET", value_of(name), headers={"X-Aws-Parameters-Secrets-Token": TOKEN})
            response = connection.getresponse()
            body = response.read().decode()
            answers += 1
            said, _, version = body.partition(" ")
            if response.status != 200 or said != name or not seen[name] <= int(version) <= self.versions[name]:
                self.wrong.append(f"{response.status} {body} for {name}, after version {seen[name]}")
                break
            seen[name] = int(version)
            if number % 2:
                connection.close()
            if time.monotonic() - self._begun > LOAD_SECONDS:
                break
        connection.close()
        return answers

    def _rotate(self) -> None:
        """Give the secrets new versions, one after the other."""
        for name in cycle(self._names):
            if self._over.wait(0.05):
                return
            self.versions[name] += 1
            self._aws.rotate(name, f"{name} {self.versions[name]}")

    def _disturb(self) -> None:
        """Change what is wrong."""
        for fault in cycle(FAULTS):
            self._plain.fault = fault
            if self._over.wait(0.2):
                return

    def _watch(self) -> None:
        """Look at memory and descriptors."""
        while not self._over.wait(SAMPLE_SECONDS):
            sample = Sample(time.monotonic(), self._process.status_of("VmRSS"), self._process.descriptors())
            self.samples.append(sample)

    def tenth(self, number: int) -> list[Sample]:
        """Return the samples of one tenth of the time, counted from 1."""
        length = LOAD_SECONDS / TENTHS
        return [each for each in self.samples if (number - 1) * length <= each.at - self._begun < number * length]


def test_no_answer_is_wrong_and_none_is_lost_and_nothing_grows(
    process: Process, plain: FaultyServer, aws: SampleAws, names: list[str]
) -> None:
    """Versions and faults come and go, and every one of 64 clients gets current versions, never an older one again."""
    load, descriptors = Load(process, plain, aws, names), process.descriptors()
    load.run()
    second, last = load.tenth(2), load.tenth(TENTHS)

    assert load.wrong == []
    assert load.answered > 20 * CLIENTS
    assert min(load.versions.values()) > 2
    assert min(each.memory_kib for each in last) - min(each.memory_kib for each in second) <= GROWTH_KIB
    assert min(each.descriptors for each in last) <= descriptors + CLIENTS + UPSTREAM


def hanging(release: Event) -> Callable[[Call], None]:
    """Answer what is asked of `absent/…` when it is time to, and all else at once."""

    def serve(call: Call) -> None:
        if b"absent/" in call.request.body:
            release.wait(20)
        pass_on(call)

    return serve


def p99_of_hits(link: socket.socket, request: bytes) -> float:
    """Return the 99th percentile of many hits over one connection, in seconds."""
    taken = []
    for _ in range(HITS):
        begun = time.perf_counter()
        link.sendall(request)
        answer = link.recv(65536)
        taken.append(time.perf_counter() - begun)
        assert b"X-Sidekey-Cache: hit" in answer
    return sorted(taken)[int(HITS * 0.99)]


class Hits:
    """Hits measured with and without misses that hang, in turns."""

    def __init__(self, process: Process, plain: FaultyServer, name: str) -> None:
        """Ask for what is cached over one connection."""
        self._process = process
        self._plain = plain
        self._request = f"GET {value_of(name)} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: {TOKEN}\r\n\r\n".encode()

    def ratio(self, number: int) -> float:
        """Return how much longer hits take while all workers wait for misses."""
        release = Event()
        self._plain.fault = Fault(hanging(release))
        with self._process.connect() as link, ThreadPoolExecutor(HANGING) as others:
            before = self._warm_p99(link)
            misses = [others.submit(self._process.read, value_of(f"absent/{number}-{each}")) for each in range(HANGING)]
            until(lambda: len(self._hanging()) >= 3)
            beside = self._warm_p99(link)
            unanswered = [miss.done() for miss in misses]
            release.set()
            statuses = {miss.result().status for miss in misses}
            after = self._warm_p99(link)
        self._plain.requests.clear()
        assert (set(unanswered), statuses) == ({False}, {400})
        return 2 * beside / (before + after)

    def _warm_p99(self, link: socket.socket) -> float:
        """Measure when what was begun has settled."""
        p99_of_hits(link, self._request)
        return p99_of_hits(link, self._request)

    def _hanging(self) -> list[object]:
        return [request for request in self._plain.requests if b"absent/" in request.body]


def test_a_hanging_miss_delays_no_hit(plain: FaultyServer, new_secret: Callable[[], str], tmp_path: Path) -> None:
    """With every worker waiting and more misses behind them, the 99th percentile of hits is within twice its own."""
    name = new_secret()
    settings = {"AWS_ENDPOINT_URL": plain.url, "SIDEKEY_PREFETCH": f"secretsmanager://{name}"}
    with Process({**PATIENT, **settings}, tmp_path) as process:
        hits = Hits(process, plain, name)
        ratios = [hits.ratio(number) for number in range(ROUNDS)]

    assert statistics.median(ratios) < 2
