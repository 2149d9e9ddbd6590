"""Credentials kept for many threads; who waits and who asks is forced, and nothing sleeps."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from extension.aws.kept import Kept
from extension.aws.retry import Deadline
from extension.core.errors import Throttled, TimedOut, Unavailable, UpstreamError
from tests.servers.clock import Clock
from tests.servers.keys import key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from extension.aws.signing import Credentials

LIFE_SECONDS = 3600.0
DOWN = Unavailable("STS: down", code="Down")


class Source(Kept):
    """Gives what `script` says, each time as soon as its gate is open; and keeps the seconds that it was given."""

    def __init__(self, *script: Credentials | UpstreamError, monotonic: Callable[[], float] | None = None) -> None:
        self.script = list(script)
        self.given: list[float] = []
        self.asked, self.gate, self.waited_for = Event(), Event(), Event()
        self.monotonic = monotonic or Clock()
        self.wall = Clock()
        super().__init__("the source", self._begin, self.wall)

    def _begin(self, seconds: float) -> Deadline:
        if self.asked.is_set():
            self.waited_for.set()
        return Deadline(seconds, self.monotonic)

    def _fetch(self, deadline: Deadline) -> Credentials:
        self.given.append(deadline.left())
        self.asked.set()
        self.gate.wait()
        result = self.script.pop(0)
        if isinstance(result, UpstreamError):
            raise result
        return result


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Return threads that end with the test."""
    with ThreadPoolExecutor(9) as pool:
        yield pool


def outcome(call: Future[Credentials]) -> Credentials | UpstreamError:
    """Return how a call ended."""
    error = call.exception()
    assert error is None or isinstance(error, UpstreamError)
    return error or call.result()


def race(source: Source, threads: ThreadPoolExecutor, *seconds: float) -> list[Credentials | UpstreamError]:
    """Let the first call ask, and the next ones come while it does; return how they end."""
    first = threads.submit(source.get, seconds[0])
    source.asked.wait()
    others = []
    for each in seconds[1:]:
        source.waited_for.clear()
        others.append(threads.submit(source.get, each))
        source.waited_for.wait()
    source.gate.set()
    return [outcome(call) for call in (first, *others)]


def test_who_waits_gets_what_the_first_one_gets(threads: ThreadPoolExecutor) -> None:
    """One attempt for all."""
    source = Source(key(1))

    assert race(source, threads, 5, 5, 5) == [key(1)] * 3
    assert len(source.given) == 1


def test_who_waits_shares_a_failure(threads: ThreadPoolExecutor) -> None:
    """None of them begins another attempt, or they would wait one after the other."""
    source = Source(DOWN)

    ends = race(source, threads, 5, 5, 5, 4)

    assert [(type(end), end.code, end.message) for end in ends] == [(Unavailable, "Down", "STS: down")] * 4
    assert len(source.given) == 1


def test_who_has_more_time_makes_an_attempt_of_its_own(threads: ThreadPoolExecutor) -> None:
    """An attempt that had little time says little of the source."""
    source = Source(TimedOut("late"), key(2))

    assert race(source, threads, 1, 5)[1] == key(2)
    assert source.given == [1, 5]


def test_who_comes_after_a_failure_asks(threads: ThreadPoolExecutor) -> None:
    """It is shared with those who waited for it, and not remembered."""
    source = Source(DOWN, key(2))
    race(source, threads, 5)

    assert source.get(5) == key(2)


def test_nobody_waits_longer_than_it_may(threads: ThreadPoolExecutor) -> None:
    """A source that hangs for another thread is a timeout, and is not asked a second time."""
    source = Source(key(1), monotonic=time.monotonic)
    first = threads.submit(source.get, 30)
    source.asked.wait()

    with pytest.raises(TimedOut, match=r"the source: no answer within 0\.01 s"):
        source.get(0.01)
    source.gate.set()

    assert (first.result(), len(source.given)) == (key(1), 1)


def test_the_wait_counts(threads: ThreadPoolExecutor) -> None:
    """Whoever asks after waiting has what is left."""
    clock = Clock(0.0)
    source = Source(key(1), key(2), monotonic=clock)
    first = threads.submit(source.ask_anew, 10)
    source.asked.wait()
    second = threads.submit(source.ask_anew, 10)
    source.waited_for.wait()
    clock.now += 3
    source.gate.set()
    [call.result() for call in (first, second)]

    assert source.given == [10, 7]


def test_what_lasts_is_given_while_another_thread_asks(threads: ThreadPoolExecutor) -> None:
    """Good credentials are not waited for."""
    source = Source(key(1), key(2))
    source.gate.set()
    source.get(5)
    source.gate.clear()
    source.asked.clear()
    renewal = threads.submit(source.renew, key(1), 5)
    source.asked.wait()

    found = source.get(5)
    source.gate.set()

    assert (found, renewal.result()) == (key(1), key(2))


def test_what_still_works_stands_in_for_a_wait_in_vain(threads: ThreadPoolExecutor) -> None:
    """Due to be renewed, but not expired: it is good enough while the source hangs."""
    old = key(1, expires_at=Clock().now + LIFE_SECONDS)
    source = Source(old, key(2), monotonic=time.monotonic)
    source.gate.set()
    source.get(5)
    source.gate.clear()
    source.asked.clear()
    source.wall.now += LIFE_SECONDS - 1
    first = threads.submit(source.get, 30)
    source.asked.wait()

    found = source.get(0.01)
    source.gate.set()

    assert (found, first.result()) == (old, key(2))


def test_a_shared_failure_is_the_same_in_all_but_its_frames() -> None:
    """Kind, code, message and what else it carries; frames hold requests and credentials."""
    source = Source(Throttled("slow down", retry_after_seconds=7.0, code="SlowDown"))
    source.gate.set()
    with pytest.raises(Throttled) as caught:
        source.get(5)
    kept, _ = source._failure or (None, 0.0)

    assert isinstance(kept, Throttled)
    assert (kept.message, kept.code, kept.retry_after_seconds) == ("slow down", "SlowDown", 7.0)
    assert (kept.__traceback__, caught.value.__traceback__ is None) == (None, False)


def test_who_derives_says_how_to_ask() -> None:
    """There is no source by itself."""
    with pytest.raises(NotImplementedError):
        Kept("nobody", lambda seconds: Deadline(seconds, Clock()), Clock()).get(1)
