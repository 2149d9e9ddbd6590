"""Frozen and thawed: at any moment, for any time, with a wall clock that jumps to either side.

The process is stopped with SIGSTOP from inside the server it talks to, so always at the same place; what SIGSTOP cannot
show (the monotonic clock stands still) is shown with clocks that the test sets.
"""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from extension.core.model import Query
from tests.fresh.process import Process, until
from tests.fresh.sidecar import PATIENT, TOKEN, Sidecar, value_of
from tests.samples import secret_query
from tests.servers import faults
from tests.servers.faulty import NO_FAULT, Call, Fault, FaultyServer, pass_on
from tests.servers.scripted import Request
from tests.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from extension.core.plan import Job
    from scripts.stage.aws import SampleAws
    from tests.servers.authority import Authority

DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3600.0
NO_REQUEST = Request(0, "", b"")
DEATHS = {"the server waits": lambda _call: None, "the connection is reset": faults.reset}


@pytest.fixture
def name(new_secret: Callable[[], str]) -> str:
    """Make a secret."""
    return new_secret()


@pytest.fixture
def environment(faulty: FaultyServer, authority: Authority) -> dict[str, str]:
    """Lead to the faulty server, with time for everything."""
    return {**PATIENT, "AWS_ENDPOINT_URL": faulty.url, "AWS_CA_BUNDLE": authority.bundle}


@pytest.fixture
def process(environment: dict[str, str], name: str, tmp_path: Path) -> Iterator[Process]:
    """Run a process whose prefetched secret is always expired."""
    settings = {"SECRETS_MANAGER_TTL": "1", "SIDEKEY_PREFETCH": f"secretsmanager://{name}"}
    with Process({**environment, **settings}, tmp_path) as running:
        yield running


class Once:
    """Harm that is done to one request or connection; `done` tells whether it was."""

    def __init__(self, faulty: FaultyServer) -> None:
        """Begin with the next one."""
        self.done = False
        self._faulty = faulty

    def begin(self) -> None:
        """Let all others pass."""
        self._faulty.fault = NO_FAULT
        self.done = True


def frozen_answer(faulty: FaultyServer, process: Process, death: Callable[[Call], None]) -> Once:
    """Freeze the process when it has half an answer; the connection may die meanwhile."""
    once = Once(faulty)

    def serve(call: Call) -> None:
        once.begin()
        answer = call.answer()
        call.link.sendall(faults.head(answer))
        process.freeze()
        try:
            death(call)
            call.link.sendall(answer[len(faults.head(answer)) :])
        finally:
            process.thaw()

    faulty.fault = Fault(serve)
    faulty.drop_all()
    return once


def frozen_handshake(faulty: FaultyServer, process: Process, death: Callable[[Call], None]) -> Once:
    """Freeze the process when it has said hello; the connection may die meanwhile."""
    once = Once(faulty)

    def accept(server: FaultyServer, plain: socket.socket) -> socket.socket:
        once.begin()
        plain.recv(1, socket.MSG_PEEK)
        process.freeze()
        try:
            death(Call(plain, NO_REQUEST, "", Event()))
        finally:
            process.thaw()
        return server.secured(plain)

    faulty.fault = Fault(accept=accept)
    faulty.drop_all()
    return once


@pytest.mark.parametrize("frozen", [frozen_answer, frozen_handshake])
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_read_survives_a_freeze_of_its_fetch(
    process: Process,
    faulty: FaultyServer,
    new_secret: Callable[[], str],
    frozen: Callable[[FaultyServer, Process, Callable[[Call], None]], Once],
    death: Callable[[Call], None],
) -> None:
    """In the middle of a TLS handshake or of an answer, whether the peer is still there or not."""
    other = new_secret()
    once = frozen(faulty, process, death)

    seen = process.read(value_of(other))

    assert once.done
    assert (seen.status, seen.body) == (200, b"sample-1")


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_refresh_survives_a_freeze(
    process: Process, faulty: FaultyServer, aws: SampleAws, name: str, death: Callable[[Call], None]
) -> None:
    """One that an invocation has started, frozen halfway: the next reads get the new value."""
    aws.rotate(name, "sample-2")
    once = frozen_answer(faulty, process, death)
    until(lambda: invoked(process, once))

    until(lambda: process.read(value_of(name)).body == b"sample-2")


def invoked(process: Process, once: Once) -> bool:
    """Invoke, and tell whether that has led to the refresh."""
    process.invoke()
    return once.done


def test_a_client_s_request_survives_a_freeze(process: Process, name: str) -> None:
    """Half a request before, the other half during the freeze: an answer after it."""
    request = f"GET {value_of(name)} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: {TOKEN}\r\n\r\n".encode()
    with process.connect() as link:
        link.sendall(request[:20])
        process.freeze()
        link.sendall(request[20:])
        process.thaw()

        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_many_requests_wait_out_a_freeze(process: Process, name: str) -> None:
    """Connections made while it stands still are in the accept queue, and answered."""
    process.freeze()
    with ThreadPoolExecutor(16) as clients:
        reads = [clients.submit(process.read, value_of(name)) for _ in range(16)]
        process.thaw()

    assert {read.result().status for read in reads} == {200}


@pytest.mark.parametrize("seconds", [-365 * DAY_SECONDS, -HOUR_SECONDS, HOUR_SECONDS, 365 * DAY_SECONDS])
def test_a_jump_of_the_clock_is_survived(
    environment: dict[str, str], aws: SampleAws, name: str, seconds: float
) -> None:
    """To either side, ready bytes and all: the value is of unknown age, so it is fetched, and then kept as ever."""
    with Sidecar(environment) as sidecar:
        before = [sidecar.read(value_of(name)).cache for _ in range(3)]
        aws.rotate(name, "sample-2")
        sidecar.clock.now += seconds
        after = [sidecar.read(value_of(name)) for _ in range(3)]

    assert before == ["miss", "hit", "hit"]
    assert [seen.cache for seen in after] == ["miss", "hit", "hit"]
    assert {seen.body for seen in after} == {b"sample-2"}


@pytest.mark.parametrize("seconds", [-30.0, -1.0, 1.0, 30.0])
def test_a_small_step_of_the_clock_is_nothing(environment: dict[str, str], name: str, seconds: float) -> None:
    """NTP sets clocks right all the time."""
    with Sidecar(environment) as sidecar:
        sidecar.read(value_of(name))
        sidecar.clock.now += seconds

        assert sidecar.read(value_of(name)).cache == "hit"


@pytest.mark.parametrize("part", [faults.nothing, faults.head, faults.most], ids=["nothing", "head", "most"])
def test_a_peer_that_a_freeze_has_lost_is_not_waited_for(
    environment: dict[str, str], faulty: FaultyServer, name: str, part: Callable[[bytes], bytes]
) -> None:
    """The wall clock went on by an hour while we waited for an answer: it is asked for anew at once."""
    with Sidecar(environment) as sidecar:

        def fall_asleep(call: Call) -> None:
            faulty.fault = NO_FAULT
            call.link.sendall(part(call.answer()))
            sidecar.clock.now += HOUR_SECONDS
            faults.silence(call)

        faulty.fault = Fault(fall_asleep)
        seen = sidecar.read(value_of(name))

    assert (seen.status, seen.body) == (200, b"sample-1")
    assert len(faulty.requests) == 2


def test_a_handshake_that_a_freeze_has_lost_is_not_waited_for(
    environment: dict[str, str], faulty: FaultyServer, name: str
) -> None:
    """The same in the middle of TLS."""
    with Sidecar(environment) as sidecar:

        def fall_asleep(_server: FaultyServer, plain: socket.socket) -> socket.socket:
            faulty.fault = Fault(pass_on)
            sidecar.clock.now += HOUR_SECONDS
            while plain.recv(4096):
                pass
            return plain

        faulty.fault = Fault(accept=fall_asleep)
        seen = sidecar.read(value_of(name))

    assert (seen.status, seen.body) == (200, b"sample-1")


class FrozenBench(Workbench):
    """Its upstream freezes the environment for an hour, and lets something happen right after the thaw."""

    def __init__(self, after_thaw: Callable[[FrozenBench], object]) -> None:
        """Freeze once."""
        super().__init__(patience=11)
        self.after_thaw: list[Callable[[FrozenBench], object]] = [after_thaw]

    def fetch(self, job: Job) -> dict[Query, object]:
        """Bring what was there before the freeze."""
        found = super().fetch(job)
        self.clock.now += HOUR_SECONDS * len(self.after_thaw)
        [self.after_thaw.pop()(self) for _ in self.after_thaw[:]]
        return found


def test_nobody_waits_for_a_fetch_that_was_frozen() -> None:
    """Who reads after the thaw leads a fetch of his own, and nobody's answer is lost."""
    query = secret_query("db")
    bench = FrozenBench(lambda bench: bench.read(query))
    bench.read(query)
    bench.run()

    assert len(bench.jobs) == 2
    assert [answer.entry.times.fetched_at for answer in bench.answers if answer.entry] == [
        bench.clock() - HOUR_SECONDS,
        bench.clock(),
    ]


def test_a_value_is_as_old_as_its_fetch() -> None:
    """What was fetched before a freeze and arrived after it is not fresh for another five minutes."""
    query = secret_query("db")
    bench = FrozenBench(lambda _bench: None)
    begun_at = bench.clock()
    bench.read(query)
    bench.run()
    (answer,) = bench.answers

    assert answer.entry is not None
    assert answer.entry.times.fetched_at == begun_at
    assert bench.read(query) is None
