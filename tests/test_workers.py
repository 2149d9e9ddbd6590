"""Workers: never more threads than allowed, none lost, no job forgotten. Gates force every order."""

from __future__ import annotations

from threading import Event, Semaphore, Thread, get_ident
from typing import TYPE_CHECKING, Any
from weakref import finalize

import pytest

from extension.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 10.0
"""Seconds after which a test fails that would hang otherwise; nothing is timed."""


class Gate:
    """Work that says when it has begun, and ends when it may."""

    def __init__(self) -> None:
        """Be closed."""
        self.begun = Event()
        self.opened = Event()
        self.ended = Event()
        self.thread = 0

    def __call__(self) -> None:
        """Work."""
        self.thread = get_ident()
        self.begun.set()
        assert self.opened.wait(PATIENCE)
        self.ended.set()

    def open(self) -> bool:
        """Let the work end, and wait until it has."""
        self.opened.set()
        return self.ended.wait(PATIENCE)


def begin(workers: Workers, count: int, *, wide: bool = False, urgent: bool = True) -> list[Gate]:
    """Submit gates, and return them when all have begun."""
    gates = queue(workers, count, wide=wide, urgent=urgent)
    assert all(gate.begun.wait(PATIENCE) for gate in gates)
    return gates


def queue(workers: Workers, count: int, *, wide: bool = False, urgent: bool = True) -> list[Gate]:
    """Submit gates that may have to wait."""
    gates = [Gate() for _ in range(count)]
    list(map(submitter(workers, wide=wide, urgent=urgent), gates))
    return gates


def submitter(workers: Workers, *, wide: bool, urgent: bool) -> Callable[[Gate], None]:
    """Return what submits a gate."""
    return lambda gate: workers.submit(gate, wide=wide, urgent=urgent)


def test_runs_work_in_another_thread() -> None:
    """The caller never waits for it."""
    (gate,) = begin(Workers(1), 1)
    assert gate.thread != get_ident()
    assert gate.open()


def test_starts_no_more_threads_than_allowed() -> None:
    """The third job waits for one of two."""
    workers = Workers(2)
    first, second = begin(workers, 2)
    (third,) = queue(workers, 1)
    assert (workers.threads, third.begun.is_set()) == (2, False)
    assert first.open()
    assert third.begun.wait(PATIENCE)
    assert third.thread == first.thread
    assert second.open()
    assert third.open()


def test_jobs_wait_in_their_order() -> None:
    """First come, first run."""
    workers = Workers(1)
    (first,) = begin(workers, 1)
    second, third = queue(workers, 2)
    assert first.open()
    assert second.begun.wait(PATIENCE)
    assert not third.begun.is_set()
    assert second.open()
    assert third.begun.wait(PATIENCE)
    assert third.open()


def test_who_is_waited_for_goes_first() -> None:
    """Reads before a prefetch, and that before refreshes, whatever came first."""
    workers = Workers(1, wide_limit=1)
    (running,) = begin(workers, 1)
    (refresh,), (prefetch,) = queue(workers, 1, urgent=False), queue(workers, 1, wide=True, urgent=False)
    (read,) = queue(workers, 1)
    assert running.open()
    assert read.begun.wait(PATIENCE)
    assert read.open()
    assert prefetch.begun.wait(PATIENCE)
    assert not refresh.begun.is_set()
    assert prefetch.open()
    assert refresh.begun.wait(PATIENCE)
    assert refresh.open()


def test_refreshes_leave_one_thread_to_reads() -> None:
    """Two of three may hang: the third is free for whoever waits, and goes to no refresh afterwards either."""
    workers = Workers(3)
    hanging = begin(workers, 2, urgent=False)
    (waiting,) = queue(workers, 1, urgent=False)
    reads = [begin(workers, 1)[0].open() for _ in range(2)]
    assert (reads, workers.threads, waiting.begun.is_set()) == ([True, True], 3, False)
    assert hanging[0].open()
    assert waiting.begun.wait(PATIENCE)
    assert waiting.open()
    assert hanging[1].open()


def test_a_refresh_has_the_only_thread_there_is() -> None:
    """Where one is allowed, it is for all."""
    workers = Workers(1)
    (first,), (second,) = begin(workers, 1, urgent=False), queue(workers, 1, urgent=False)
    assert first.open()
    assert second.begun.wait(PATIENCE)
    assert second.open()


def test_a_thread_stays_for_the_next_job() -> None:
    """However many come one after another, the limit is never passed, and idle threads are taken first."""
    workers = Workers(2)
    gates = begin(workers, 2)
    assert all(gate.open() for gate in gates)
    later = begin(workers, 2)
    assert workers.threads == 2
    assert all(gate.open() for gate in later)


def test_a_prefetch_may_use_more_threads_for_its_time() -> None:
    """Three instead of one; they also take what waits; when there is nothing left, all but one have ended."""
    starter = Starter()
    workers = Workers(1, wide_limit=3, start=starter)
    first, *others = begin(workers, 3, wide=True)
    (narrow,) = queue(workers, 1)
    assert (workers.threads, narrow.begun.is_set()) == (3, False)
    assert first.open()
    assert narrow.begun.wait(PATIENCE)
    assert all(gate.open() for gate in (*others, narrow))
    assert [starter.ended.acquire(timeout=PATIENCE) for _ in range(2)] == [True, True]
    assert workers.threads == 1


def test_wide_is_never_narrower_than_the_limit() -> None:
    """Who allows more connections has them for the prefetch, too."""
    workers = Workers(4, wide_limit=2)
    gates = begin(workers, 4, wide=True)
    assert workers.threads == 4
    assert all(gate.open() for gate in gates)


def test_where_no_further_thread_can_be_had_one_that_runs_takes_the_job() -> None:
    """It waits as if the limit were reached; when threads can be had again, they are."""
    starter = Starter()
    workers = Workers(3, start=starter)
    (first,) = begin(workers, 1)
    starter.out = True
    (second,) = queue(workers, 1)
    assert (workers.threads, second.begun.is_set()) == (1, False)
    starter.out = False
    (third,) = begin(workers, 1)
    assert workers.threads == 2
    assert first.open()
    assert second.begun.wait(PATIENCE)
    assert second.open()
    assert third.open()


def test_where_no_thread_at_all_can_be_had_it_says_so() -> None:
    """Nobody would run the job; the next one is tried anew."""
    starter = Starter(out=True)
    workers = Workers(1, start=starter)
    with pytest.raises(RuntimeError, match="can't start"):
        workers.submit(Gate(), urgent=False)
    assert workers.threads == 0
    starter.out = False
    assert begin(workers, 1, urgent=False)[0].open()


def test_a_thread_outlives_its_work() -> None:
    """Work reports its own failures; one that escapes it all the same costs no thread."""
    starter = Starter()
    workers = Workers(1, start=starter)
    workers.submit({}.popitem)
    assert begin(workers, 1)[0].open()
    assert (workers.threads, starter.ended.acquire(blocking=False)) == (1, False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_thread_at_rest_holds_no_work(jobs: int) -> None:
    """What a job refers to (a waiter, a held value) does not live until the next job, be it the first or a later."""
    workers, gone = Workers(1), Semaphore(0)
    gates = queue(workers, jobs)
    [finalize(gate, gone.release) for gate in gates]
    assert all(gate.open() for gate in gates)
    del gates
    assert [gone.acquire(timeout=PATIENCE) for _ in range(jobs)] == [True] * jobs


class Starter:
    """Starts threads, says when each has ended, and can be out of them."""

    def __init__(self, *, out: bool = False) -> None:
        """Have threads, or none."""
        self.out = out
        self.ended = Semaphore(0)

    def __call__(self, run: Callable[[Any], None], arguments: tuple[Any]) -> None:
        """Start one."""
        if self.out:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        Thread(target=self._run, args=(run, *arguments), daemon=True).start()

    def _run(self, run: Callable[[Any], None], argument: Any) -> None:
        run(argument)
        self.ended.release()
