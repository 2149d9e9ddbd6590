"""Jobs: every query of a job lands exactly once, whatever happens to the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extension.core.answer import Counters
from extension.core.errors import Throttled, Unavailable, UpstreamError
from extension.core.flight import Flight
from extension.core.plan import Job
from extension.core.shelf import Fetched
from extension.jobs import Jobs
from tests.samples import NOW, PLANTED, parameter_query, secret, secret_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from extension.core.model import Query

A, B = secret_query("a"), secret_query("b")
VALUE = Fetched(value=secret())


class Bench:
    """Jobs whose calls are scripted one by one, and whose work runs when the test says so."""

    def __init__(self, *calls: object) -> None:
        """Give each call its result: a mapping, or an exception to raise."""
        self.calls = list(calls)
        self.fetched: list[Job] = []
        self.work: list[tuple[str, Callable[[], None], bool]] = []
        self.urgencies: list[bool] = []
        self.landed: list[tuple[str, str]] = []
        self.reports: list[str] = []
        self.threads_are_out = False
        self.landing_fails = 0
        self.counters = Counters()
        self.jobs = Jobs(self.fetch, self.submit, self.land, self.report, self.counters, clock=lambda: NOW)

    def fetch(self, job: Job) -> dict[Query, Fetched | UpstreamError]:
        """Play the next call."""
        self.fetched.append(job)
        call = self.calls.pop(0)
        if isinstance(call, Exception):
            raise call
        return call  # type: ignore[return-value]

    def submit(self, service: str, work: Callable[[], None], *, wide: bool, urgent: bool) -> None:
        """Keep work for later."""
        if self.threads_are_out:
            raise RuntimeError(PLANTED)
        self.work.append((service, work, wide))
        self.urgencies.append(urgent)

    def land(self, query: Query, flight: Flight, result: Fetched | UpstreamError) -> None:
        """Note what landed."""
        assert isinstance(flight, Flight)
        if self.landing_fails:
            self.landing_fails -= 1
            raise MemoryError(PLANTED)
        self.landed.append((query.id, result.code if isinstance(result, UpstreamError) else "value"))

    def report(self, level: str, sentence: str) -> None:
        """Note what was said."""
        self.reports.append(f"{level}: {sentence}")

    def start(self, kind: str, *queries: Query, wide: bool = False) -> None:
        """Start a job."""
        flights = {query: Flight(keep=True) for query in queries}
        self.jobs.start(Job(kind=kind, queries=queries), flights, wide=wide)  # type: ignore[arg-type]

    def refresh(self) -> Flight:
        """Start a job that nobody waits for, and return its flight."""
        flight = Flight(keep=True)
        self.jobs.start(Job(kind="secret", queries=(A,)), {A: flight}, wide=False)
        return flight

    def run(self) -> list[tuple[str, str]]:
        """Run all work, and return what has landed."""
        while self.work:
            self.work.pop(0)[1]()
        return self.landed


@pytest.mark.parametrize(
    ("kind", "calls", "landed"),
    [
        ("secrets", [{A: VALUE, B: VALUE}], [("a", "value"), ("b", "value")]),
        ("secrets", [{A: VALUE, B: Throttled("x")}], [("a", "value"), ("b", "ThrottlingException")]),
        ("secrets", [{A: VALUE}, {B: VALUE}], [("a", "value"), ("b", "value")]),
        ("secrets", [{}, {A: VALUE}, Unavailable("x")], [("a", "value"), ("b", "InternalServiceError")]),
        ("secrets", [Throttled("x")], [("a", "ThrottlingException"), ("b", "ThrottlingException")]),
        ("secrets", [KeyError("x")], [("a", "InternalFailure"), ("b", "InternalFailure")]),
        ("secrets", [{}, {}, {}], [("a", "InternalFailure"), ("b", "InternalFailure")]),
        ("secrets", [{A: VALUE, B: VALUE, secret_query("c"): VALUE}], [("a", "value"), ("b", "value")]),
        ("parameters", [{A: VALUE}], [("a", "value"), ("b", "InternalFailure")]),
        ("parameters", [{}], [("a", "InternalFailure"), ("b", "InternalFailure")]),
    ],
)
def test_every_query_lands_once(kind: str, calls: list[object], landed: list[tuple[str, str]]) -> None:
    """Brought, refused, left out of a batch, failed, broken, or never asked for: as many landings as queries."""
    bench = Bench(*calls)
    bench.start(kind, A, B)
    assert bench.run() == landed
    assert bench.calls == []


def test_what_a_batch_left_out_goes_on_alone_and_as_wide() -> None:
    """One single call for each, over the connections that the batch might use; each call is counted."""
    bench = Bench({A: VALUE}, {B: VALUE})
    bench.start("secrets", A, B, wide=True)
    bench.work.pop(0)[1]()
    assert [(service, wide) for service, _, wide in bench.work] == [("secretsmanager", True)]
    bench.run()
    assert [job.kind for job in bench.fetched] == ["secrets", "secret"]
    assert bench.counters.fetches == 2


def test_a_job_ends_when_the_first_who_reads_any_of_it_has_waited_enough() -> None:
    """Also what its batch did not bring, and goes on alone."""
    bench = Bench({A: VALUE}, {B: VALUE})
    flights = {A: Flight(keep=True), B: Flight(keep=True)}
    flights[A].waits_until, flights[B].waits_until = 7.0, 9.0
    bench.jobs.start(Job(kind="secrets", queries=(A, B)), flights, wide=False)
    bench.run()
    assert [job.waits_until for job in bench.fetched] == [7.0, 9.0]


def test_a_job_may_last_as_long_as_the_last_of_its_flights() -> None:
    """As that is when it begins, for somebody may have joined it meanwhile."""
    bench = Bench({A: VALUE}, {B: VALUE})
    flights = {A: Flight(keep=True, ends_at=NOW + 3), B: Flight(keep=True, ends_at=NOW + 3)}
    bench.jobs.start(Job(kind="secrets", queries=(A, B)), flights, wide=False)
    flights[B].ends_at = NOW + 9
    bench.run()
    assert [job.ends_at for job in bench.fetched] == [NOW + 9, NOW + 9]


@pytest.mark.parametrize("is_read", [False, True])
def test_a_job_is_urgent_where_a_reader_waits(is_read: bool) -> None:
    """For any of its queries."""
    bench = Bench()
    flights = {A: Flight(keep=True), B: Flight(keep=True)}
    flights[B].is_read = is_read
    bench.jobs.start(Job(kind="secrets", queries=(A, B)), flights, wide=False)
    assert bench.urgencies == [is_read]


def test_what_a_reader_joins_moves_forward_and_is_done_once() -> None:
    """It stands in both queues then; the second worker that comes to it finds it taken."""
    bench = Bench({A: VALUE})
    flight = bench.refresh()
    flight.hurry()
    flight.hurry()
    assert bench.urgencies == [False, True]
    assert bench.run() == [("a", "value")]
    flight.hurry()
    assert bench.urgencies == [False, True]


@pytest.mark.parametrize("threads_come_back", [False, True])
def test_what_waits_for_a_thread_and_is_joined_lands_once(threads_come_back: bool) -> None:
    """As a failure, or by the thread that could be had for the reader."""
    bench = Bench({A: VALUE})
    bench.threads_are_out = True
    flight = bench.refresh()
    bench.threads_are_out = not threads_come_back
    flight.hurry()
    bench.run()
    bench.jobs.land_stranded()
    assert bench.landed == [("a", "value" if threads_come_back else "OutOfThreads")]


def test_a_flight_begins_when_a_worker_takes_it() -> None:
    """Not when it is submitted: it may wait for a worker."""
    bench = Bench({A: VALUE})
    flight = bench.refresh()
    assert flight.begun_at is None
    bench.run()
    assert flight.begun_at == NOW


def test_a_job_goes_to_the_workers_of_its_service() -> None:
    """Secrets Manager and Parameter Store have their own."""
    bench = Bench()
    bench.start("secret", A)
    bench.start("parameters", parameter_query())
    assert [service for service, _, _ in bench.work] == ["secretsmanager", "ssm"]


def test_starting_never_lands() -> None:
    """The caller may hold the lock that landing takes; what no thread could take waits until it has let go."""
    bench = Bench()
    bench.threads_are_out = True
    bench.start("secrets", A, B)
    assert bench.landed == []
    bench.jobs.land_stranded()
    assert bench.landed == [("a", "OutOfThreads"), ("b", "OutOfThreads")]
    bench.jobs.land_stranded()
    assert len(bench.landed) == 2


def test_singles_that_no_thread_can_take_land_with_their_batch() -> None:
    """Threads may run out between the one and the other."""
    bench = Bench({A: VALUE})
    bench.start("secrets", A, B)
    bench.threads_are_out = True
    assert bench.run() == [("a", "value"), ("b", "OutOfThreads")]


def test_a_defect_is_reported_without_its_text() -> None:
    """The text could hold anything; its type and the reference are enough to find it."""
    bench = Bench(ValueError(PLANTED))
    bench.start("secret", A)
    assert bench.run() == [("a", "InternalFailure")]
    assert bench.reports == ["error: internal error while fetching secretsmanager://a: ValueError"]


def test_what_cannot_land_lands_as_a_failure() -> None:
    """Where memory is short: nobody waits for ever, neither for this query nor for those behind it."""
    bench = Bench({A: VALUE, B: VALUE})
    bench.landing_fails = 1
    bench.start("secrets", A, B)
    assert bench.run() == [("a", "InternalFailure"), ("b", "value")]
    assert bench.reports == ["error: internal error while fetching secretsmanager://a: MemoryError"]
